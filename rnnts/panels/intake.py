"""Pages of raw rows become steps and values: read, judged, seen as of an instant, laid on sheets.

What comes out depends on the rows that can be seen, and on nothing else: not on their order, and
not on rows that cannot be seen yet. One exception: which of two rows of an hour that comes twice
is the earlier, is told by known_at or else by their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnnts.config import SourceConfig
from rnnts.panels.accumulate import EventCells, LatestCells, Sheets, rank_of
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.clock import Clock, place_on
from rnnts.panels.grid import Grid
from rnnts.panels.identity import SeriesCodes
from rnnts.panels.numbers import NOT_NUMERIC, OUT_OF_RANGE, numbers_of
from rnnts.panels.stamps import Code
from rnnts.panels.tally import Tally, shown

NEVER = np.iinfo(np.int64).max
"""Step of what has not been met yet."""


class Rows(Protocol):
    """A page of a source, column by column."""

    @property
    def keys(self) -> Sequence[Sequence[Any]]:
        """The key columns."""

    @property
    def time(self) -> Sequence[Any]:
        """Stamps."""

    @property
    def value(self) -> Sequence[Any] | None:
        """Values; for counting, whether there is one."""

    @property
    def known_at(self) -> Sequence[Any] | None:
        """When each row became known."""


@dataclass(frozen=True, slots=True)
class View:
    """From where, and how, a source is looked at.

    Args:
        source: Its columns' parts.
        grid: The panel's time line.
        as_of: Epoch seconds; what was known later is not seen.
        last_visible: Newest step that had ended by then.
        first_step: Steps before it are not wanted.
        timezone: Zone of naive stamps; None: they are refused.
        columns: Steps of a span.
    """

    source: SourceConfig
    grid: Grid
    as_of: int
    last_visible: int
    first_step: int
    timezone: str | None
    columns: int


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Rows that are seen, as arrays [n]."""

    series: IntArray
    steps: IntArray
    values: FloatArray
    spoiled: BoolArray | None
    ranks: IntArray | None

    def of(self, rows: IntArray | slice) -> "_Batch":
        spoiled = self.spoiled if self.spoiled is None else self.spoiled[rows]
        ranks = self.ranks if self.ranks is None else self.ranks[rows]
        return _Batch(self.series[rows], self.steps[rows], self.values[rows], spoiled, ranks)


@dataclass(frozen=True, slots=True, eq=False)
class _Twice:
    """Rows of a local time that comes twice, kept until all are there, as arrays [n]."""

    series: IntArray
    first: IntArray
    second: IntArray
    known_at: IntArray
    values: FloatArray


class Intake:
    """Takes pages in, in any order.

    Args:
        view: From where the source is looked at.
        series: Numbers the series; may know some already.
        sheets: Where values are kept, with the parts of `parts_of(view.source)`.
    """

    def __init__(self, view: View, series: SeriesCodes, sheets: Sheets) -> None:
        self.view = view
        self.series = series
        self.tally = Tally()
        self.rows = 0  # read
        self.later = 0  # of them, stamped after as_of
        self.seen = 0  # of them, visible
        self.first = np.full(0, NEVER)  # step of the first visible row, [series]
        self.last = np.full(0, -NEVER)  # and of the last, [series]
        self._naive = self._aware = False
        self._clock = Clock(view.timezone, view.grid)
        self._knowing = Clock(view.timezone)
        self._twice: list[_Twice] = []
        self._latest = LatestCells(sheets, revisions=_ranked(view.source))
        aggregate = view.source.aggregate
        self._events = (
            EventCells(sheets, aggregate) if aggregate in {"count", "sum", "mean"} else None
        )

    @property
    def mixed(self) -> bool:
        """Whether some visible stamps name their zone and others do not."""
        return self._naive and self._aware

    @property
    def cells(self) -> LatestCells | EventCells:
        """What was taken in."""
        return self._latest if self._events is None else self._events

    def take(self, page: Rows) -> None:
        """Take a page in."""
        count = len(page.time)
        self.rows += count
        series = self.series.codes(page.keys, count)
        place = self._clock.places(page.time)
        known_at, known = self._known(page)
        seconds, codes = self._clock.seconds[place], self._clock.codes[place]
        past = seconds <= self.view.as_of
        self.later += int(np.count_nonzero(~past))
        readable = self._clock.usable[place]
        steps = self._clock.steps[place]
        seen = readable & known & (steps <= self.view.last_visible)
        self._tell_zones(place[seen])
        self._tell_stamps(page, series, codes, past & known)
        seen &= steps >= self.view.first_step
        self._tell_keys(page, series, seen)
        seen &= series >= 0
        self.seen += int(np.count_nonzero(seen))
        values, spoiled = self._values(page, series, seen)
        if self._events is None and (codes == Code.AMBIGUOUS).any():
            twice = seen & (codes == Code.AMBIGUOUS)
            self._put_aside(series, place, values, known_at, twice)
            seen &= ~twice
        ranks = self._ranks(page, series, place, known_at, seen)
        self._lay_down(
            _Batch(series, steps, values, spoiled, ranks).of(np.flatnonzero(seen))
            if not seen.all()
            else _Batch(series, steps, values, spoiled, ranks)
        )

    def finish(self) -> None:
        """Settle what had to wait until all rows were there."""
        if not self._twice:
            return
        waiting = [getattr(part, name) for name in _Twice.__slots__ for part in self._twice]
        size = len(self._twice)
        series, first, second, known_at, values = (
            np.concatenate(waiting[start : start + size]) for start in range(0, len(waiting), size)
        )
        self._twice.clear()
        order = np.lexsort((np.arange(len(series)), known_at, first, series))
        series, first, second = series[order], first[order], second[order]
        again = np.zeros(len(series), dtype=bool)
        again[1:] = (series[1:] == series[:-1]) & (first[1:] == first[:-1])
        steps, after, _ = place_on(self.view.grid, np.where(again, second, first))
        revised = known_at[order] if self.view.source.known_at is not None else None
        batch = _Batch(series, steps, values[order], None, rank_of(after, revised))
        self._lay_down(batch.of(np.flatnonzero(steps <= self.view.last_visible)))

    def _known(self, page: Rows) -> tuple[IntArray | None, BoolArray]:
        """When rows became known, and whether by as_of."""
        if page.known_at is None:
            return None, np.ones(len(page.time), dtype=bool)
        place = self._knowing.places(page.known_at)
        readable = self._knowing.usable[place]
        if not readable.all():
            self.tally.note("KNOWN_AT_EMPTY", int(np.count_nonzero(~readable)), "")
        known_at = self._knowing.latest[place]
        return known_at, readable & (known_at <= self.view.as_of)

    def _tell_zones(self, place: IntArray) -> None:
        naive = self._clock.naive[place]
        self._naive = self._naive or bool(naive.any())
        self._aware = self._aware or not bool(naive.all())

    def _tell_stamps(self, page: Rows, series: IntArray, codes: IntArray, due: BoolArray) -> None:
        """Note stamps that are not simply right."""
        if not codes.any():
            return
        for code, problem in _STAMPS.items():
            rows = np.flatnonzero((codes == code) & due)
            self.tally.add(problem, series, rows, lambda row: shown(page.time[row]))

    def _tell_keys(self, page: Rows, series: IntArray, seen: BoolArray) -> None:
        if not len(series) or series.min() >= 0:
            return
        for code, problem in ((-1, "ID_EMPTY"), (-2, "ID_UNSTORABLE")):
            rows = np.flatnonzero((series == code) & seen)
            self.tally.add(problem, series, rows, lambda row: shown(_joined(page, row)))

    def _values(
        self, page: Rows, series: IntArray, seen: BoolArray
    ) -> tuple[FloatArray, BoolArray | None]:
        """Values of rows, and which cannot be used."""
        if page.value is None:
            return np.ones(len(page.time)), None
        if self.view.source.aggregate == "count":
            return np.where(np.array(page.value, dtype=bool), 1.0, np.nan), None
        values, not_numeric, too_large = numbers_of(page.value)
        spoiled = not_numeric | too_large
        if not (spoiled & seen).any():
            return values, None
        raw = page.value
        for bad, problem in ((not_numeric, NOT_NUMERIC), (too_large, OUT_OF_RANGE)):
            rows = np.flatnonzero(bad & seen)
            self.tally.add(
                problem, series, rows, lambda row: f"{shown(raw[row])} at {page.time[row]}"
            )
        return values, spoiled

    def _ranks(
        self,
        page: Rows,
        series: IntArray,
        place: IntArray,
        known_at: IntArray | None,
        seen: BoolArray,
    ) -> IntArray | None:
        """Ranks of rows; None where all are the same."""
        if self._events is not None:
            return None
        if self.view.source.aggregate == "last":
            return rank_of(self._clock.before[place], known_at)
        after = self._clock.after[place]
        off = np.flatnonzero((after > 0) & seen)
        if len(off):
            self.tally.add("LABEL_OFF_GRID", series, off, lambda row: shown(page.time[row]))
        return None if known_at is None and not len(off) else rank_of(after, known_at)

    def _put_aside(
        self,
        series: IntArray,
        place: IntArray,
        values: FloatArray,
        known_at: IntArray | None,
        rows: BoolArray,
    ) -> None:
        known = np.zeros(len(series), np.int64) if known_at is None else known_at
        first, second = self._clock.seconds[place], self._clock.second[place]
        self._twice.append(
            _Twice(series[rows], first[rows], second[rows], known[rows], values[rows])
        )

    def _lay_down(self, batch: _Batch) -> None:
        """Lay visible rows on the sheets of their spans."""
        if not len(batch.series):
            return
        self._note_lives(batch)
        spans = batch.steps // self.view.columns
        if spans[0] == spans[-1] and (spans == spans[0]).all():
            self._lay_on(int(spans[0]), batch)
            return
        order = np.argsort(spans, kind="stable")
        ends = np.flatnonzero(np.diff(spans[order])) + 1
        for rows in np.split(order, ends):
            self._lay_on(int(spans[rows[0]]), batch.of(rows))

    def _lay_on(self, span: int, batch: _Batch) -> None:
        if self.view.source.aggregate == "last":  # an event without a value is none, a bad one is
            spoiled = np.zeros(len(batch.series), bool) if batch.spoiled is None else batch.spoiled
            batch = batch.of(np.flatnonzero(~np.isnan(batch.values) | spoiled))
        columns = self.view.columns
        cells = batch.series * columns + (batch.steps - span * columns)
        if self._events is not None:
            self._events.add(span, len(self.series), cells, batch.values, batch.spoiled)
        else:
            self._latest.add(span, len(self.series), cells, batch.values, batch.ranks)

    def _note_lives(self, batch: _Batch) -> None:
        missing = len(self.series) - len(self.first)
        if missing > 0:
            self.first = np.concatenate([self.first, np.full(missing, NEVER)])
            self.last = np.concatenate([self.last, np.full(missing, -NEVER)])
        np.minimum.at(self.first, batch.series, batch.steps)
        np.maximum.at(self.last, batch.series, batch.steps)


_STAMPS = {
    Code.EMPTY: "TIME_EMPTY",
    Code.UNPARSABLE: "TIME_UNPARSABLE",
    Code.OUT_OF_RANGE: "TIME_OUT_OF_RANGE",
    Code.NONEXISTENT: "TIME_NONEXISTENT",
    Code.AMBIGUOUS: "TIME_AMBIGUOUS",
    Code.WITHOUT_ZONE: "TIME_ZONE_MIXED",
}


def _joined(page: Rows, row: int) -> str:
    return "/".join(str(column[row]) for column in page.keys)


def _ranked(source: SourceConfig) -> bool:
    """Whether every row has a rank of its own, missing values included."""
    return source.known_at is not None or source.aggregate == "last"


def parts_of(source: SourceConfig) -> dict[str, tuple[str, float]]:
    """Type and fill of the sheets that a source needs."""
    counting = source.aggregate in {"count", "sum", "mean"}
    return dict((EventCells if counting else LatestCells).parts)
