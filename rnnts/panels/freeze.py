"""What was taken in, as blocks of final values: cleaned, filled, in order of the series' ids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from rnnts.panels.accumulate import CONFLICT, EventCells, LatestCells
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.intake import NEVER, Intake
from rnnts.panels.numbers import LARGEST, OUT_OF_RANGE
from rnnts.panels.panel import SeriesInfo

BLOCK_ROWS = 512
"""Series of a block."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Values outside are missing."""

    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Final values of some series over a span."""

    first_step: int
    ids: tuple[str, ...]  # in the order of their bytes, [series]
    values: FloatArray  # [series, steps]


@dataclass(frozen=True, slots=True)
class Life:
    """A series as a snapshot knows it."""

    info: SeriesInfo
    observed: bool  # False: only rows without a usable value; first and last are those of rows


class Freezer:
    """Gives blocks out, and knows afterwards from when to when each series was observed.

    Args:
        intake: Everything was taken in.
        spans: Spans that have a sheet.
        limits: Of values.
        earlier: Series by id as an earlier snapshot knows them, where only later rows were taken
            in.
    """

    def __init__(
        self, intake: Intake, spans: list[int], limits: Limits, earlier: Mapping[str, Life]
    ) -> None:
        self._intake = intake
        self._limits = limits
        size = len(intake.series)
        rows_first = _padded(intake.first, size, NEVER)
        start = intake.view.first_step
        self._before = {
            code: earlier[series_id]
            for code, series_id in enumerate(intake.series.ids)
            if series_id in earlier and earlier[series_id].info.first < start
        }
        self._born = rows_first.copy()
        for code, life in self._before.items():
            self._born[code] = life.info.first
        self._rows_first = rows_first
        self._rows_last = _padded(intake.last, size, -NEVER)
        self._first = np.full(size, NEVER)  # step of the first observed value
        self._last = np.full(size, -NEVER)
        self._order = np.array(
            sorted(range(size), key=lambda code: intake.series.ids[code].encode()), np.int64
        )
        self._newest_row = int(self._rows_last.max()) if size else -NEVER
        self._spans = self._all_spans(spans) if self._fills else spans

    @property
    def _fills(self) -> bool:
        """Whether an empty step is 0."""
        return self._intake.view.source.aggregate in {"count", "sum"}

    @property
    def watermark(self) -> int | None:
        """Newest step for which data can be complete; None without any. Known after `blocks`."""
        newest = self._newest_row if self._intake.view.source.aggregate else int(self._last.max())
        return None if newest == -NEVER else newest

    def blocks(self) -> Iterator[Block]:
        """All blocks, by time, then series; those without a value are left out."""
        ids, columns = self._intake.series.ids, self._intake.view.columns
        for span in self._spans:
            present = self._present(span)
            for start in range(0, len(present), BLOCK_ROWS):
                codes = present[start : start + BLOCK_ROWS]
                values = self._cleaned(span, codes)
                self._note(span * columns, codes, values)
                yield Block(span * columns, tuple(ids[code] for code in codes), values)

    def lost(self) -> bool:
        """Whether rows are gone that an earlier snapshot ended with: older ones must tell.

        After `blocks`.
        """
        if self._fills:
            return False
        start = self._intake.view.first_step
        return any(
            life.info.last >= start
            and (self._last if life.observed else self._rows_last)[code] == -NEVER
            for code, life in self._before.items()
        )

    def lives(self) -> list[Life]:
        """Every series, in the order of its id. After `blocks`."""
        return [life for code in self._order.tolist() if (life := self._life(code)) is not None]

    def _life(self, code: int) -> Life | None:
        first, last = int(self._first[code]), int(self._last[code])
        before, observed = self._before.get(code), last != -NEVER
        if self._fills:
            first, last, observed = int(self._born[code]), self._newest_row, True
        elif before is not None and before.observed:
            first, last = before.info.first, last if observed else before.info.last
            observed = True
        elif not observed:
            first, last = int(self._rows_first[code]), int(self._rows_last[code])
            if before is not None:
                first, last = before.info.first, max(last, before.info.last)
        if first == NEVER:
            return None
        series = self._intake.series
        return Life(SeriesInfo(series.ids[code], series.keys[code], first, last), observed)

    def _all_spans(self, spans: list[int]) -> list[int]:
        """Every span in which some series lives, with or without events."""
        view = self._intake.view
        begun = self._born[self._born < NEVER]
        if not len(begun) or self._newest_row == -NEVER:
            return spans
        first = max(int(begun.min()), view.first_step) // view.columns
        return list(range(first, self._newest_row // view.columns + 1))

    def _present(self, span: int) -> IntArray:
        """Series that have a place in a span, in the order of their ids."""
        size, view = len(self._intake.series), self._intake.view
        if self._fills:
            there = self._born < min((span + 1) * view.columns, self._newest_row + 1)
        else:
            parts = [
                self._intake.cells.present(span, slice(start, min(start + BLOCK_ROWS, size)))
                for start in range(0, size, BLOCK_ROWS)
            ]
            there = np.concatenate(parts)
        found: IntArray = self._order[there[self._order]]
        return found

    def _cleaned(self, span: int, codes: IntArray) -> FloatArray:
        cells, first = self._intake.cells, span * self._intake.view.columns
        if isinstance(cells, LatestCells):
            values = cells.values(span, codes)
            self._drop("DUPLICATE_TIME", first, codes, values, values == CONFLICT)
        else:
            values = self._filled(cells, span, codes)
            self._drop(OUT_OF_RANGE, first, codes, values, np.abs(values) > LARGEST)
        low, high = self._limits.minimum, self._limits.maximum
        if low is not None:
            self._drop("BELOW_MINIMUM", first, codes, values, values < low)
        if high is not None:
            self._drop("ABOVE_MAXIMUM", first, codes, values, values > high)
        return values

    def _filled(self, cells: EventCells, span: int, codes: IntArray) -> FloatArray:
        """Aggregates; 0 where a series lives and nothing happened."""
        values, empty = cells.values(span, codes)
        if self._fills:
            columns = self._intake.view.columns
            steps = np.arange(span * columns, (span + 1) * columns)
            alive = (steps >= self._born[codes][:, None]) & (steps <= self._newest_row)
            values[empty & alive] = 0.0
        return values

    def _drop(
        self, problem: str, first: int, codes: IntArray, values: FloatArray, bad: BoolArray
    ) -> None:
        """Make steps missing, and say so."""
        if not bad.any():
            return
        rows, columns = np.nonzero(bad)
        kept = values[rows, columns]
        grid = self._intake.view.grid

        def example(place: int) -> str:
            label = int(grid.label_of(np.array([first + int(columns[place])]))[0])
            at = datetime.fromtimestamp(label, UTC).isoformat()
            return at if problem == "DUPLICATE_TIME" else f"{kept[place]:g} at {at}"

        self._intake.tally.add(problem, codes[rows], np.arange(len(rows)), example)
        values[bad] = np.nan

    def _note(self, first: int, codes: IntArray, values: FloatArray) -> None:
        observed = ~np.isnan(values)
        some = observed.any(axis=1)
        begin = first + observed.argmax(axis=1)
        end = first + values.shape[1] - 1 - observed[:, ::-1].argmax(axis=1)
        self._first[codes[some]] = np.minimum(self._first[codes[some]], begin[some])
        self._last[codes[some]] = np.maximum(self._last[codes[some]], end[some])


def _padded(values: IntArray, size: int, fill: int) -> IntArray:
    return np.concatenate([values, np.full(size - len(values), fill)])
