"""Covariates: what is known besides the values, and since when each number was known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnts.panels.arrays import AnyArray, FloatArray, IntArray
from rnnts.panels.identity import hash_keys
from rnnts.panels.panel import SeriesInfo, series_id_of

ALWAYS = np.iinfo(np.int64).min
"""Known at: as far back as anyone asks. For tables that do not say when a row became known."""
NOWHERE = -1
"""Row of a series that a table has no keys of."""


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Numbers of one table, in any order; each [n] but `values`."""

    keys: AnyArray  # hash of the row's keys, uint64
    steps: IntArray
    known_at: IntArray  # epoch seconds, or ALWAYS
    values: FloatArray  # NaN where missing, [n, columns]

    def of(self, rows: AnyArray) -> "Entries":
        """Some of them."""
        return Entries(self.keys[rows], self.steps[rows], self.known_at[rows], self.values[rows])

    @classmethod
    def none(cls, columns: int) -> "Entries":
        """No entry at all."""
        nothing = np.zeros(0, np.int64)
        return cls(np.zeros(0, np.uint64), nothing, nothing, np.zeros((0, columns)))

    @classmethod
    def joined(cls, parts: "Sequence[Entries]", columns: int) -> "Entries":
        """All entries of several."""
        parts = [cls.none(columns), *parts]
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Vintages:
    """A table of numbers: for each of its keys and each step every value, and since when known.

    An entry's code is its place (row, then step) times the number of moments, plus the rank of the
    moment at which it became known. So the newest one known by an instant is found by bisection.
    """

    name: str
    series: tuple[str, ...]  # key columns, some of the panel's
    columns: tuple[str, ...]
    future: int  # so many columns, the first ones, are known for the horizon too
    rows: AnyArray  # hashes of keys, rising, uint64, [rows]
    first_step: int
    steps: int  # from the first to the last with an entry
    moments: IntArray  # at which something became known, rising, [moments]
    codes: IntArray  # rising, [n]
    values: FloatArray  # [n, columns]

    @classmethod
    def of(
        cls,
        name: str,
        series: tuple[str, ...],
        columns: tuple[str, ...],
        future: int,
        entries: Entries,
    ) -> "Vintages":
        """The table of entries of which no two share keys, step and moment."""
        first = int(entries.steps.min()) if len(entries.steps) else 0
        steps = int(entries.steps.max()) - first + 1 if len(entries.steps) else 0
        rows, row = np.unique(entries.keys, return_inverse=True)
        moments, rank = np.unique(entries.known_at, return_inverse=True)
        place = row.astype(np.int64) * steps + entries.steps - first
        codes = place * (len(moments) + 1) + rank + 1
        order = np.argsort(codes, kind="stable")
        return cls(
            name, series, columns, future, rows, first, steps, moments,
            codes[order], entries.values[order],
        )  # fmt: skip

    def rows_of(self, infos: Sequence[SeriesInfo]) -> IntArray:
        """The row of each series, by its own keys; NOWHERE where there is none, [series]."""
        return rows_of(self.series, self.rows, infos)

    def rank(self, known_by: IntArray) -> IntArray:
        """Moments that are not after instants, [n] epoch seconds -> [n]."""
        found: IntArray = np.searchsorted(self.moments, known_by, side="right")
        return found

    def at(self, rows: IntArray, steps: IntArray, known_by: int | None = None) -> FloatArray:
        """The newest values known by an instant, NaN where there are none.

        Args:
            rows: As `rows_of`, [series].
            steps: Grid steps, [steps].
            known_by: Epoch seconds; None: all that is here may be used.

        Returns:
            [series, steps, columns].
        """
        rank = len(self.moments) if known_by is None else int(self.rank(np.array([known_by]))[0])
        offset = steps - self.first_step
        inside = (rows[:, None] != NOWHERE) & (offset >= 0) & (offset < self.steps)
        place = np.where(inside, rows[:, None] * self.steps + offset, 0)  # [series, steps]
        unit = len(self.moments) + 1
        entry = np.searchsorted(self.codes, place * unit + rank, side="right") - 1
        found = np.full((*place.shape, len(self.columns)), np.nan)
        if len(self.codes):
            same = inside & (entry >= 0) & (self.codes[entry] // unit == place)
            found[same] = self.values[entry[same]]
        return found

    def newest(self, before: int | None = None) -> FloatArray:
        """The newest value of each place, of steps before one, [places, columns]."""
        place = self.codes // (len(self.moments) + 1)
        last = np.ones(len(place), dtype=bool)
        last[:-1] = place[1:] != place[:-1]
        if before is not None:
            last &= place % max(self.steps, 1) + self.first_step < before
        return self.values[last]


@dataclass(frozen=True, slots=True, eq=False)
class Statics:
    """A table of categories."""

    name: str
    series: tuple[str, ...]  # key columns
    columns: tuple[str, ...]
    rows: AnyArray  # hashes of keys, rising, uint64, [rows]
    values: tuple[tuple[str, ...], ...]  # "" where missing, [rows][columns]

    def of(self, infos: Sequence[SeriesInfo], column: str) -> list[str]:
        """The category of each series, "" where there is none, [series]."""
        place = self.columns.index(column)
        rows = rows_of(self.series, self.rows, infos).tolist()
        return ["" if row == NOWHERE else self.values[row][place] for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class Covariates:
    """All covariates of a panel, as a snapshot has them."""

    numbers: tuple[Vintages, ...] = ()
    categories: tuple[Statics, ...] = ()

    def tables(self) -> set[str]:
        """Names of the covariates."""
        numbers = {one.name for one in self.numbers}
        return numbers | {one.name for one in self.categories}

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Names of what is known in advance, of what is not, and of categories: "table.column"."""
        future = [f"{one.name}.{it}" for one in self.numbers for it in one.columns[: one.future]]
        past = [f"{one.name}.{it}" for one in self.numbers for it in one.columns[one.future :]]
        static = [f"{one.name}.{it}" for one in self.categories for it in one.columns]
        return tuple(future), tuple(past), tuple(static)


def rows_of(series: tuple[str, ...], rows: AnyArray, infos: Sequence[SeriesInfo]) -> IntArray:
    """Place among `rows` of each series' own keys; NOWHERE where they are not there, [series]."""
    keys = [dict(info.keys) for info in infos]
    hashes = hash_keys(series_id_of([key.get(name) for name in series]) for key in keys)
    if not len(rows):
        return np.full(len(infos), NOWHERE, np.int64)
    place = np.minimum(np.searchsorted(rows, hashes), len(rows) - 1)
    return np.where(rows[place] == hashes, place, NOWHERE).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Number:
    """A column of numbers, and how a network scales it: by its median and its mean distance."""

    name: str  # "table.column"
    centre: float
    spread: float  # 0: constant where it was learnt


@dataclass(frozen=True, slots=True)
class Category:
    """A column of categories; the first has code 1, whatever is none of them 0."""

    name: str  # "table.column"
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Features:
    """What a network reads of covariates, in order; frozen with its weights.

    Args:
        known_future: Of the window and of the horizon.
        past: Of the window.
        static: Of the series.
        calendar: Features of the wall clock beside `known_future`.
        known_after: Seconds from the end of the last step before a forecast to the instant at
            which it is made, as its schedule has it: what was known by then may be used.
    """

    known_future: tuple[Number, ...] = ()
    past: tuple[Number, ...] = ()
    static: tuple[Category, ...] = ()
    calendar: int = 0
    known_after: int = 0
