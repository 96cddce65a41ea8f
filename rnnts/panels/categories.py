"""Pages of a covariate's table become the categories of each series."""

from typing import Any

import numpy as np

from rnnts.panels.clock import Clock
from rnnts.panels.covariates import ALWAYS, Statics
from rnnts.panels.identity import SeriesCodes, escaped, hash_keys
from rnnts.panels.intake import Rows
from rnnts.panels.vintages import CONFLICT, KEY_EMPTY, KNOWN_AT_EMPTY, NO_CATEGORY, Look, Trouble

_Rank = tuple[int, int]  # time, then known_at
_ONE = np.ones(1, dtype=bool)


class CategoryIntake:
    """Takes pages in, in any order; of a series' rows the newest that can be seen counts.

    Args:
        look: From where the table is looked at.
        series: Numbers the rows' keys.
        columns: Names of the columns; in a page they follow the keys.
        timed: Whether rows have a time.
    """

    def __init__(
        self, look: Look, series: SeriesCodes, columns: tuple[str, ...], *, timed: bool
    ) -> None:
        self.trouble = Trouble()
        self.fractions = dict.fromkeys(columns, 0)  # numbers that are no category, by column
        self._look = look
        self._series = series
        self._columns = columns
        self._timed = timed
        self._clock = Clock(look.timezone)
        self._best: dict[int, _Rank] = {}
        self._values: dict[int, tuple[str, ...]] = {}

    def take(self, page: Rows) -> None:
        """Take a page in."""
        count = len(page.time)
        keys = len(page.keys) - len(self._columns)
        codes = self._series.codes(page.keys[:keys], count)
        self.trouble.add(KEY_EMPTY, codes < 0, lambda row: f"row {row} of a page")
        texts = [
            [self._category(name, value) for value in page.keys[keys + place]]
            for place, name in enumerate(self._columns)
        ]
        for row, rank in enumerate(self._ranks(page, count)):
            if rank is not None and codes[row] >= 0:
                self._hold(int(codes[row]), rank, tuple(column[row] for column in texts))

    def statics(self, name: str) -> Statics:
        """What was taken in."""
        hashes = hash_keys(self._series.ids)
        codes = sorted(self._values, key=lambda code: int(hashes[code]))
        rows = hashes[np.array(codes, np.int64)] if codes else np.zeros(0, np.uint64)
        values = tuple(self._values[code] for code in codes)
        return Statics(name, self._series.names, self._columns, rows, values)

    def _hold(self, code: int, rank: _Rank, values: tuple[str, ...]) -> None:
        """Let the newest row win; equally new ones that contradict each other leave it open."""
        best = self._best.get(code)
        if best is None or rank > best:
            self._best[code], self._values[code] = rank, values
        elif rank == best and values != self._values[code]:
            there = self._values[code]
            self.trouble.add(CONFLICT, _ONE, lambda _row: f"{there} and {values}")
            self._values[code] = tuple(
                one if one == other else "" for one, other in zip(there, values, strict=True)
            )

    def _ranks(self, page: Rows, count: int) -> list[_Rank | None]:
        """How new each row is; None: not to be seen."""
        seconds = np.zeros(count, np.int64)
        seen = np.ones(count, dtype=bool)
        if self._timed:
            place = self._clock.places(page.time)
            seconds = self._clock.seconds[place]
            seen = self._clock.usable[place] & (seconds <= self._look.as_of)
        known_at = np.full(count, ALWAYS)
        if page.known_at is not None:
            place = self._clock.places(page.known_at)
            readable, known_at = self._clock.usable[place], self._clock.latest[place]
            self.trouble.add(KNOWN_AT_EMPTY, ~readable, lambda row: f"row {row} of a page")
            seen = seen & readable & (known_at <= self._look.as_of)
        ranks = zip(seconds.tolist(), known_at.tolist(), strict=True)
        return [rank if there else None for rank, there in zip(ranks, seen, strict=True)]

    def _category(self, name: str, value: Any) -> str:  # noqa: ANN401 - any driver's value
        """A category's text, "" where there is none: 3 and 3.0 are the same."""
        if value is None:
            return ""
        if isinstance(value, str | bool | int):
            return escaped(str(value))
        number = value.__float__() if hasattr(value, "__float__") else None
        if number is None:
            return escaped(str(value))
        if np.isnan(number):
            return ""
        if not float(number).is_integer():
            self.fractions[name] += 1
            self.trouble.add(f"{NO_CATEGORY} in {name}", _ONE, lambda _row: repr(value))
            return ""
        return str(int(number))
