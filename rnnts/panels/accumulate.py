"""Rows in any order become one value a step: what is kept depends on the rows, not on their order.

Values lie on sheets, one for each span of steps: [series, steps of the span]. Where sheets live, in
memory or in files, is the caller's affair.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from rnnts.config import Aggregate, Frequency
from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray

SPANS: dict[Frequency, int] = {
    "5min": 8_064,
    "10min": 4_032,
    "15min": 2_688,
    "30min": 1_344,
    "1h": 672,
    "1D": 364,
    "1W": 104,
    "1MS": 120,
}
"""Steps of a span: 28 days below a day, then one, two and ten years; spans begin at multiples."""
PLAIN_RANK = 1 << 61
"""Rank of a row that lies on its step's label, in a source that knows no revisions."""
UNSEEN = -1
CONFLICT = np.inf
"""Marks a step whose best rows contradict each other; no value is infinite."""

_HIGH, _LOW, _TINY = 2.0**20, 2.0**-22, 2.0**-64
"""Units of the three integers that a value is split into, each below 2**41 for |value| < 1e18."""


class Sheets(Protocol):
    """Arrays that grow with the series, one for each span and part."""

    def sheet(self, span: int, part: str, rows: int) -> AnyArray:
        """The array [at least `rows`, steps of a span]; made, and filled, when first asked for."""

    def has(self, span: int, part: str) -> bool:
        """Whether that sheet has been made."""


def rank_of(distance: IntArray, known_at: IntArray | None) -> IntArray:
    """Which of two rows of one step counts, the higher: nearer to the label, then known later.

    Args:
        distance: Seconds from the label, [n].
        known_at: Epoch seconds, [n]; None where the source has no revisions.

    Returns:
        [n]; `PLAIN_RANK` for rows on the label without revisions.
    """
    nearness = (np.int64(1) << 21) - np.minimum(distance, 1 << 20)
    later = 0 if known_at is None else np.clip(known_at, 0, (1 << 40) - 1)
    rank: IntArray = (nearness << 40) + later
    return rank


class LatestCells:
    """The best-ranked row of each step; equal ones fold, contradicting ones leave it missing.

    Args:
        sheets: Where values and ranks are kept.
        revisions: Whether every row is ranked, and a later row without a value takes one back.
    """

    parts: Mapping[str, tuple[str, float]] = {
        "value": ("float64", np.nan),
        "rank": ("int64", UNSEEN),
    }

    def __init__(self, sheets: Sheets, *, revisions: bool) -> None:
        self._sheets = sheets
        self._revisions = revisions

    def add(
        self,
        span: int,
        rows: int,
        cells: IntArray,
        values: FloatArray,
        ranks: IntArray | None = None,
    ) -> None:
        """Take rows in.

        Args:
            span: The sheet they belong to.
            rows: Series that the sheet must have room for.
            cells: Flat places on the sheet, [n].
            values: NaN where missing, [n].
            ranks: As `rank_of`; None: all `PLAIN_RANK`, [n].
        """
        if not self._revisions:
            kept = ~np.isnan(values)  # says nothing, so it must not count by its rank either
            cells, values = cells[kept], values[kept]
            ranks = ranks if ranks is None else ranks[kept]
        ranked = self._sheets.has(span, "rank")
        if ranks is None and not ranked:
            _merge_plain(self._flat(span, "value", rows), cells, values)
            return
        value = self._flat(span, "value", rows)
        rank = self._flat(span, "rank", rows)
        if not ranked:
            rank[~np.isnan(value)] = PLAIN_RANK
        if ranks is None:
            ranks = np.full(len(cells), PLAIN_RANK, np.int64)
        _merge_ranked(value, rank, *_best(cells, values, ranks))

    def present(self, span: int, rows: slice) -> BoolArray:
        """Which series have a value on a sheet, or a conflict, [rows]."""
        sheet = self._sheets.sheet(span, "value", rows.stop)
        found: BoolArray = np.any(~np.isnan(sheet[rows]), axis=1)
        return found

    def values(self, span: int, series: IntArray) -> FloatArray:
        """A sheet's values, `CONFLICT` where rows contradict each other, [series, steps]."""
        sheet: FloatArray = self._sheets.sheet(span, "value", int(series.max()) + 1)
        return sheet[series]

    def _flat(self, span: int, part: str, rows: int) -> AnyArray:
        return self._sheets.sheet(span, part, rows).reshape(-1)


def _merge_plain(sheet: FloatArray, cells: IntArray, values: FloatArray) -> None:
    """Write values; a cell that meets two different ones becomes a conflict."""
    before = sheet[cells]
    sheet[cells] = values
    differs = (sheet[cells] != values) | (~np.isnan(before) & (before != values))
    sheet[cells[differs]] = CONFLICT


def _best(
    cells: IntArray, values: FloatArray, ranks: IntArray
) -> tuple[IntArray, FloatArray, IntArray]:
    """Of each cell the value of its highest rank, each [distinct cells]."""
    order = np.lexsort((ranks, cells))
    cells, values, ranks = cells[order], values[order], ranks[order]
    new_group = np.ones(len(cells), dtype=bool)
    new_group[1:] = (cells[1:] != cells[:-1]) | (ranks[1:] != ranks[:-1])
    starts = np.flatnonzero(new_group)
    if not len(starts):
        return cells, values, ranks
    low = np.fmin.reduceat(values, starts)  # NaN says nothing
    high = np.fmax.reduceat(values, starts)
    joined = np.where((low == high) | np.isnan(low), low, CONFLICT)
    cells, ranks = cells[starts], ranks[starts]
    last = np.ones(len(cells), dtype=bool)
    last[:-1] = cells[1:] != cells[:-1]
    return cells[last], joined[last], ranks[last]


def _merge_ranked(
    value: FloatArray, rank: IntArray, cells: IntArray, values: FloatArray, ranks: IntArray
) -> None:
    """Let higher ranks win, equal ranks join; each cell comes once."""
    before, before_rank = value[cells], rank[cells]
    joined = np.where(np.isnan(before) | (before == values), values, CONFLICT)
    joined = np.where(np.isnan(values), before, joined)
    kept = np.where(ranks > before_rank, values, np.where(ranks == before_rank, joined, before))
    value[cells] = kept
    rank[cells] = np.maximum(ranks, before_rank)


class EventCells:
    """Counts, sums or means of the events of each step, the same bits in any order of rows.

    Floating-point sums depend on their order, so values are split into integers, which do not: sums
    are exact down to 5e-20 for up to 4 million events a step.
    """

    parts: Mapping[str, tuple[str, float]] = {
        "events": ("int64", 0),
        "high": ("int64", 0),
        "low": ("int64", 0),
        "tiny": ("int64", 0),
        "spoiled": ("bool", 0),
    }

    def __init__(self, sheets: Sheets, aggregate: Aggregate) -> None:
        self._sheets = sheets
        self._aggregate = aggregate

    def add(
        self,
        span: int,
        rows: int,
        cells: IntArray,
        values: FloatArray,
        spoiled: BoolArray | None = None,
    ) -> None:
        """Take events in.

        Args:
            span: The sheet they belong to.
            rows: Series that the sheet must have room for.
            cells: Flat places on the sheet, [n].
            values: NaN for an event without a value, which does not count, [n].
            spoiled: Events whose value cannot be used: their step is missing, [n].
        """
        if spoiled is not None and spoiled.any():
            self._flat(span, "spoiled", rows)[cells[spoiled]] = True
        counted = ~np.isnan(values)
        cells, values = cells[counted], values[counted]
        np.add.at(self._flat(span, "events", rows), cells, 1)
        if self._aggregate == "count":
            return
        for part, share in zip(("high", "low", "tiny"), _split(values), strict=True):
            if share.any() or self._sheets.has(span, part):
                np.add.at(self._flat(span, part, rows), cells, share)

    def present(self, span: int, rows: slice) -> BoolArray:
        """Which series have a counted event on a sheet, [rows]."""
        sheet = self._sheets.sheet(span, "events", rows.stop)
        found: BoolArray = np.any(sheet[rows] > 0, axis=1)
        return found

    def values(self, span: int, series: IntArray) -> tuple[FloatArray, BoolArray]:
        """A sheet's values, NaN without events, and which steps had none, [series, steps] each."""
        events = self._of(span, "events", series)
        total = events.astype(np.float64)
        if self._aggregate != "count":
            total = self._total(span, series)
        if self._aggregate == "mean":
            total = total / np.maximum(events, 1)
        usable = np.ones(total.shape, dtype=bool)
        if self._sheets.has(span, "spoiled"):
            usable = ~self._of(span, "spoiled", series)
        empty: BoolArray = (events == 0) & usable
        return np.where((events > 0) & usable, total, np.nan), empty

    def _total(self, span: int, series: IntArray) -> FloatArray:
        total = np.zeros((len(series), 1))
        for part, unit in (("tiny", _TINY), ("low", _LOW), ("high", _HIGH)):
            if self._sheets.has(span, part):
                total = total + self._of(span, part, series) * unit
        return np.broadcast_to(total, self._of(span, "events", series).shape)

    def _of(self, span: int, part: str, series: IntArray) -> AnyArray:
        return self._sheets.sheet(span, part, int(series.max()) + 1)[series]

    def _flat(self, span: int, part: str, rows: int) -> AnyArray:
        return self._sheets.sheet(span, part, rows).reshape(-1)


def _split(values: FloatArray) -> tuple[IntArray, IntArray, IntArray]:
    """Values as integers of three units, exact down to half the smallest, each [n]."""
    high = np.rint(values / _HIGH)
    rest = values - high * _HIGH
    low = np.rint(rest / _LOW)
    tiny = np.rint((rest - low * _LOW) / _TINY)
    return high.astype(np.int64), low.astype(np.int64), tiny.astype(np.int64)
