"""Pages of a covariate's table become entries: steps and numbers, and since when each was known.

What comes out depends on the rows that can be seen, not on their order; only which of two rows of
an hour that comes twice is the earlier is told by that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from rnnts.config import Label
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.clock import Clock
from rnnts.panels.covariates import ALWAYS, Entries
from rnnts.panels.grid import Grid
from rnnts.panels.identity import SeriesCodes, hash_keys
from rnnts.panels.intake import Rows
from rnnts.panels.numbers import numbers_of
from rnnts.panels.stamps import Code
from rnnts.panels.tally import shown


@dataclass(frozen=True, slots=True)
class Look:
    """From where, and how, a covariate's table is looked at.

    Args:
        grid: The panel's, but for its label.
        shift: Steps from the covariate's own to the panel's, as `shift_of`.
        as_of: Epoch seconds; what was known later is not seen.
        last_visible: Newest step of the panel that had ended by then.
        horizon: Steps after it that may be seen of what is known in advance.
        first_step: Steps before it are not wanted.
        timezone: Zone of naive stamps; None: they are refused.
    """

    grid: Grid
    shift: int
    as_of: int
    last_visible: int
    horizon: int
    first_step: int
    timezone: str | None


def shift_of(own: Label, panel: Label) -> int:
    """Steps from a label of a covariate to the panel's step of the same span of time.

    >>> shift_of("start", "start"), shift_of("end", "start"), shift_of("start", "end")
    (0, -1, 1)
    """
    return int(panel == "end" and own == "start") - int(own == "end" and panel == "start")


@dataclass(slots=True)
class Trouble:
    """Rows or values that are left out: how many, and one of them."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, rows: BoolArray, example: Callable[[int], str]) -> None:
        """Count rows, [n]."""
        places = np.flatnonzero(rows)
        if len(places):
            self.counts[what] = self.counts.get(what, 0) + len(places)
            self.examples.setdefault(what, example(int(places[0])))


UNREADABLE = {
    Code.EMPTY: "without a time",
    Code.UNPARSABLE: "whose time cannot be read",
    Code.OUT_OF_RANGE: "whose time is outside the years 1 to 9999",
    Code.NONEXISTENT: "whose local time does not exist (clocks went forward)",
    Code.WITHOUT_ZONE: "whose time has no zone, among others that have one",
}
KNOWN_AT_EMPTY = "that do not say when they became known"
KEY_EMPTY = "whose key is empty"
CONFLICT = "that contradict another of the same time"
NO_NUMBER, NO_CATEGORY = "no number", "no category"
"""How what is said of a column begins that holds values which are none."""


class VintageIntake:
    """Takes pages in, in any order.

    Args:
        look: From where the table is looked at.
        series: Numbers the rows' keys.
        columns: Names of the columns of numbers; in a page they follow the keys.
        future: So many of them, the first ones, are known in advance.
    """

    def __init__(
        self, look: Look, series: SeriesCodes, columns: tuple[str, ...], future: int
    ) -> None:
        self.look = look
        self.series = series
        self.columns = columns
        self.trouble = Trouble()
        self.rows = 0
        self.texts = np.zeros(len(columns), np.int64)  # values that are no numbers, [columns]
        self._future = future
        self._clock = Clock(look.timezone, look.grid)
        self._knowing = Clock(look.timezone)
        self._naive = self._aware = False
        self._parts: list[tuple[IntArray, ...]] = []
        self._values: list[FloatArray] = []

    @property
    def mixed(self) -> bool:
        """Whether some stamps name their zone and others do not."""
        return self._naive and self._aware

    def take(self, page: Rows) -> None:
        """Take a page in."""
        count = len(page.time)
        self.rows += count
        keys = len(page.keys) - len(self.columns)
        series = self.series.codes(page.keys[:keys], count)
        place = self._clock.places(page.time)
        known_at, known = self._known(page)
        codes = self._clock.codes[place]
        for code, what in UNREADABLE.items():
            self.trouble.add(what, codes == code, lambda row: shown(page.time[row]))
        self._naive = self._naive or bool(self._clock.naive[place].any())
        self._aware = self._aware or not bool(self._clock.naive[place].all())
        steps = self._clock.steps[place] + self.look.shift
        last = self.look.last_visible + (self.look.horizon if self._future else 0)
        seen = self._clock.usable[place] & known & (steps <= last)
        seen &= (steps >= self.look.first_step) | (codes == Code.AMBIGUOUS)
        self.trouble.add(KEY_EMPTY, seen & (series < 0), lambda row: f"row {row} of a page")
        rows = np.flatnonzero(seen & (series >= 0))
        first, second = self._clock.seconds[place], self._clock.second[place]
        twice = (codes == Code.AMBIGUOUS).astype(np.int64)
        distance = self._clock.after[place]
        parts = (series, steps, known_at, distance, twice, first, second)
        self._parts.append(tuple(part[rows] for part in parts))
        self._values.append(self._numbers(page, keys, rows))

    def entries(self) -> Entries:
        """What was taken in: one entry for each row of keys, step and moment."""
        if not self._parts:
            return Entries.none(len(self.columns))
        series, steps, known_at, distance, twice, first, second = (
            np.concatenate(part) for part in zip(*self._parts, strict=True)
        )
        values = np.concatenate(self._values)
        steps = self._settled(series, steps, known_at, twice.astype(bool), first, second)
        last = self.look.last_visible
        values[np.ix_(steps > last, np.arange(self._future, len(self.columns)))] = np.nan
        limit = last + (self.look.horizon if self._future else 0)
        wanted = np.flatnonzero((steps >= self.look.first_step) & (steps <= limit))
        order = wanted[
            np.lexsort((distance[wanted], known_at[wanted], steps[wanted], series[wanted]))
        ]
        return self._one_each(series[order], steps[order], known_at[order], distance[order],
                              values[order])  # fmt: skip

    def _known(self, page: Rows) -> tuple[IntArray, BoolArray]:
        """When rows became known, and whether by as_of."""
        count = len(page.time)
        if page.known_at is None:
            return np.full(count, ALWAYS), np.ones(count, dtype=bool)
        raw = page.known_at
        place = self._knowing.places(raw)
        readable = self._knowing.usable[place]
        self.trouble.add(KNOWN_AT_EMPTY, ~readable, lambda row: shown(raw[row]))
        known_at = self._knowing.latest[place]
        return known_at, readable & (known_at <= self.look.as_of)

    def _numbers(self, page: Rows, keys: int, rows: IntArray) -> FloatArray:
        """Numbers of rows, [rows, columns]."""
        found = np.full((len(rows), len(self.columns)), np.nan)
        for place, name in enumerate(self.columns):
            raw = page.keys[keys + place]
            values, text, too_large = numbers_of(raw)
            spoiled = np.zeros(len(raw), dtype=bool)
            spoiled[rows] = (text | too_large)[rows]
            self.texts[place] += np.count_nonzero(spoiled)
            self.trouble.add(f"{NO_NUMBER} in {name}", spoiled, partial(_shown_in, raw))
            found[:, place] = values[rows]
        return found

    def _settled(
        self,
        series: IntArray,
        steps: IntArray,
        known_at: IntArray,
        twice: BoolArray,
        first: IntArray,
        second: IntArray,
    ) -> IntArray:
        """Steps, where of two rows of a local time that comes twice the later one is the second."""
        rows = np.flatnonzero(twice)
        if not len(rows):
            return steps
        order = rows[np.lexsort((rows, known_at[rows], first[rows], series[rows]))]
        same = (
            (series[order][1:] == series[order][:-1])
            & (first[order][1:] == first[order][:-1])
            & (known_at[order][1:] == known_at[order][:-1])
        )
        later = order[1:][same]
        settled = steps.copy()
        settled[later] = self.look.grid.step_of(second[later]) + self.look.shift
        return settled

    def _one_each(
        self,
        series: IntArray,
        steps: IntArray,
        known_at: IntArray,
        distance: IntArray,
        values: FloatArray,
    ) -> Entries:
        """Of rows in order, the nearest to each label; what contradicts itself is missing."""
        if not len(series):
            return Entries.none(len(self.columns))
        parts = np.stack([series, steps, known_at])
        new = np.ones(len(series), dtype=bool)
        new[1:] = (parts[:, 1:] != parts[:, :-1]).any(axis=0)
        nearest = distance == distance[np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))]
        kept = np.flatnonzero(nearest)
        starts = np.flatnonzero(new[kept])
        low = np.fmin.reduceat(values[kept], starts, axis=0)
        high = np.fmax.reduceat(values[kept], starts, axis=0)
        conflict = np.asarray(low < high)
        self.trouble.add(
            CONFLICT,
            np.asarray(conflict.any(axis=1)),
            lambda row: f"a step with {low[row]} and {high[row]}",
        )
        first = kept[starts]
        keys = hash_keys(self.series.ids)[series[first]]
        return Entries(keys, steps[first], known_at[first], np.where(conflict, np.nan, low))


def _shown_in(raw: Sequence[Any], row: int) -> str:
    return shown(raw[row])
