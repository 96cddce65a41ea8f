"""Stamps of a source on the grid of its panel; each distinct stamp is read once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnts.panels.arrays import AnyArray, BoolArray, IntArray
from rnnts.panels.grid import DAY, Grid
from rnnts.panels.stamps import Code, parse_stamps

MAX_KEPT = 200_000
"""Distinct stamps that are remembered; beyond, all are forgotten, so that memory stays level."""


class Clock:
    """Reads stamps and remembers what they mean, a place for each distinct one.

    The arrays hold a value for each place, [places].

    Args:
        timezone: Zone of naive stamps; None: they have no instant.
        grid: What their steps are counted on; None: steps are not asked for.
    """

    def __init__(self, timezone: str | None, grid: Grid | None = None) -> None:
        self._timezone = timezone
        self._grid = grid
        self._forget()

    def places(self, raw: Sequence[Any]) -> IntArray:
        """The place of each stamp of a page, [n]."""
        if len(self._places) > MAX_KEPT:
            self._forget()
        try:
            return np.fromiter(map(self._places.__getitem__, raw), np.int64, len(raw))
        except KeyError:
            new = [stamp for stamp in dict.fromkeys(raw) if stamp not in self._places]
            self._read(new)
        return np.fromiter(map(self._places.__getitem__, raw), np.int64, len(raw))

    def _forget(self) -> None:
        self._places: dict[Any, int] = {}
        self.seconds: IntArray = np.zeros(0, np.int64)  # instants; the first of two
        self.second: IntArray = np.zeros(0, np.int64)  # the later of two, else the same
        self.codes: AnyArray = np.zeros(0, np.uint8)  # of `stamps.Code`
        self.naive: BoolArray = np.zeros(0, bool)
        self.latest: IntArray = np.zeros(
            0, np.int64
        )  # not before the instant meant, whatever it is
        self.steps: IntArray = np.zeros(0, np.int64)
        self.after: IntArray = np.zeros(0, np.int64)  # seconds from the step's label
        self.before: IntArray = np.zeros(0, np.int64)  # seconds to the next step's label

    def _read(self, new: list[Any]) -> None:
        known = len(self._places)
        self._places.update(zip(new, range(known, known + len(new)), strict=True))
        # A day whose midnight clocks skip is a day all the same.
        whole_days = self._grid is not None and self._grid.step_seconds >= DAY
        stamps = parse_stamps(new, self._timezone, whole_days=whole_days)
        self.seconds = np.concatenate([self.seconds, stamps.first])
        self.second = np.concatenate([self.second, stamps.second])
        self.codes = np.concatenate([self.codes, stamps.codes])
        self.naive = np.concatenate([self.naive, stamps.naive])
        self.latest = np.concatenate([self.latest, stamps.second + stamps.inexact])
        if self._grid is not None:
            steps, after, before = place_on(self._grid, stamps.first)
            self.steps = np.concatenate([self.steps, steps])
            self.after = np.concatenate([self.after, after])
            self.before = np.concatenate([self.before, before])

    @property
    def usable(self) -> BoolArray:
        """Places that have an instant, [places]."""
        found: BoolArray = (self.codes == Code.OK) | (self.codes == Code.AMBIGUOUS)
        return found


def place_on(grid: Grid, seconds: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Steps of instants, the seconds from their labels, and to the next ones, each [n]."""
    steps = grid.step_of(seconds)
    return steps, np.abs(seconds - grid.label_of(steps)), grid.label_of(steps + 1) - seconds
