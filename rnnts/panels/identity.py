"""Which series a row belongs to: key values become small integers, byte for byte distinct."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from rnnts.errors import ConfigurationError
from rnnts.panels.arrays import AnyArray, IntArray
from rnnts.panels.panel import Key, series_id_of

EMPTY = -1
UNSTORABLE = -2
MAX_SERIES = 100_000
"""More are most likely not series: a number that rises with each row was named as a key."""


class SeriesCodes:
    """Numbers of series in the order in which they are first met.

    Args:
        names: The key columns; none: all rows are one series, "all".
        panel: For messages.
    """

    def __init__(self, names: Sequence[str], panel: str = "") -> None:
        self._names = tuple(names)
        self._panel = panel
        self._codes: dict[Any, int] = {}
        self._by_id: dict[str, int] = {}
        self.ids: list[str] = []
        self.keys: list[tuple[tuple[str, Key], ...]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The key columns."""
        return self._names

    def __len__(self) -> int:
        return len(self.ids)

    def remember(self, series_id: str, keys: tuple[tuple[str, Key], ...]) -> None:
        """Number a series that an earlier snapshot has; before any row is read."""
        self._by_id[series_id] = len(self.ids)
        self.ids.append(series_id)
        self.keys.append(keys)

    def codes(self, columns: Sequence[Sequence[Any]], count: int) -> IntArray:
        """Codes of rows, `EMPTY` or `UNSTORABLE` where a row has no usable key, [n].

        Raises:
            ConfigurationError: SERIES_LIMIT.
        """
        if not self._names:
            if not self.ids:
                self._learn((), ())
            return np.zeros(count, np.int64)
        rows = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        try:
            return np.fromiter(map(self._codes.__getitem__, rows), np.int64, count)
        except KeyError:
            for row in dict.fromkeys(rows):
                if row not in self._codes:
                    self._learn(row, (row,) if len(columns) == 1 else row)
        return np.fromiter(map(self._codes.__getitem__, rows), np.int64, count)

    def _learn(self, row: Any, keys: tuple[Any, ...]) -> None:  # noqa: ANN401 - any driver's value
        plain = tuple(_plain(key) for key in keys)
        if any(key is None or key == "" for key in plain):
            self._codes[row] = EMPTY
            return
        series_id = series_id_of(plain)
        if not _storable(series_id):
            self._codes[row] = UNSTORABLE
            return
        named = tuple(zip(self._names, plain, strict=True))
        code = self._by_id.setdefault(series_id, len(self.ids))
        self._codes[row] = code
        if code < len(self.ids):  # 1 and "1" share a text, and so a series
            self.keys[code] = min(self.keys[code], named, key=repr)
            return
        if len(self.ids) >= MAX_SERIES:
            raise self._too_many()
        self.ids.append(series_id)
        self.keys.append(named)

    def _too_many(self) -> ConfigurationError:
        return ConfigurationError(
            "SERIES_LIMIT",
            panel=self._panel,
            expected=f"at most {MAX_SERIES:,} series",
            got=f"more, by {', '.join(self._names)}",
            do="name columns that say what is measured, not which row it is",
        )


def hash_keys(series_ids: Iterable[str]) -> AnyArray:
    """Hashes by which chunks name their series, uint64, [series].

    A new series leaves the chunks of older spans as they are. Of 100,000 series two would share a
    hash once in 3.7 billion panels.
    """
    digests = b"".join(
        blake2b(series_id.encode(), digest_size=8).digest() for series_id in series_ids
    )
    return np.frombuffer(digests, np.uint64)


def escaped(text: str) -> str:
    r"""The text with what no database stores made visible.

    >>> print(escaped("a\x00b"))
    a\x00b
    """
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _storable(text: str) -> bool:
    return escaped(text) == text


def _plain(key: Any) -> Key:  # noqa: ANN401 - any driver's value
    """A key as JSON can hold it: dates, UUIDs and decimals as text, bytes as hexadecimal."""
    if isinstance(key, bytes | bytearray | memoryview):
        return bytes(key).hex()
    if isinstance(key, float) and not np.isfinite(key):
        return str(key)
    return key if isinstance(key, str | int | float | bool | None) else str(key)
