"""What the page summed once, remembered for as long as what it was summed from stays the same."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 1_000
"""Answers remembered, each a few hundred bytes; a panel's week has some ten."""


class Memory:
    """The answers asked for last, by keys that hold all that an answer depends on.

    Args:
        most: How many.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def recall(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer to a key, made where it is not remembered."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                known: T = self._answers[key]
                return known
        made = make()
        with self._lock:
            self._answers[key] = made
            if len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return made
