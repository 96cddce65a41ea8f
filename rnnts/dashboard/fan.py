"""The chart of one series: history, truth, the fan of quantiles, earlier issues laid over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.config import LEVELS
from rnnts.dashboard.wording import number, percent, plural, written
from rnnts.database.screens.values import ForecastRow, Issue
from rnnts.panels.arrays import FloatArray, IntArray

PREFERRED = ((0.025, 0.975), (0.1, 0.9), (0.3, 0.7))
"""Of the central ranges that the tables hold, the ones drawn: nested, 95, 80 and 40 %. There is no
50 %: its ends, 0.25 and 0.75, are no levels of the tables."""
MOST_BANDS = 3
_DAY, _QUARTER = 86_400, 900  # seconds; clocks change at quarters of an hour


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What was observed of one series, on the panel's grid."""

    times: IntArray  # epoch seconds, rising, [steps]
    values: FloatArray  # NaN where nothing was, [steps]

    def at(self, times: IntArray) -> FloatArray:
        """The values at some times, NaN where there are none, [n] -> [n]."""
        found = np.full(len(times), np.nan)
        if len(self.times):
            places = np.searchsorted(self.times, times).clip(max=len(self.times) - 1)
            same = self.times[places] == times
            found[same] = self.values[places[same]]
        return found


NOTHING_OBSERVED = Observed(np.array([], np.int64), np.array([], np.float64))


@dataclass(frozen=True, slots=True)
class Band:
    """A central range."""

    share: int  # percent
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One target in the table below the chart."""

    row: ForecastRow
    truth: float | None
    ranges: tuple[tuple[float, float], ...]  # by the bands of the chart


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Everything that the chart, its summary and its table show."""

    timezone: str
    issue: Issue
    rows: tuple[ForecastRow, ...]
    observed: Observed  # history, and after it the truth as far as it is known
    earlier: tuple[tuple[Issue, tuple[ForecastRow, ...]], ...]

    @property
    def targets(self) -> IntArray:
        """Target times, epoch seconds, [horizon]."""
        return _seconds(self.rows)

    @property
    def truth(self) -> FloatArray:
        """What then happened, NaN where that is not known, [horizon]."""
        return self.observed.at(self.targets)

    @property
    def bands(self) -> tuple[Band, ...]:
        """The central ranges that are drawn, widest first."""
        values = [row.quantiles for row in self.rows]
        place = {level: index for index, level in enumerate(LEVELS)}
        return tuple(
            Band(
                round(100 * (high - low)),
                tuple(float(row[place[low]] or 0.0) for row in values),
                tuple(float(row[place[high]] or 0.0) for row in values),
            )
            for low, high in central(_levels_of(self.rows))
        )

    @property
    def lines(self) -> tuple["Line", ...]:
        """The chart as rows of a table."""
        bands = self.bands
        return tuple(
            Line(row, truth, tuple((band.low[index], band.high[index]) for band in bands))
            for index, (row, truth) in enumerate(zip(self.rows, _plain(self.truth), strict=True))
        )

    def to_json(self) -> dict[str, Any]:
        """What the script draws: numbers, instants in epoch seconds, and no name from outside."""
        times = [int(time) for time in self.observed.times]
        edges = [*times[:1], *times[-1:], *(int(time) for time in self.targets)]
        return {
            "timezone": self.timezone,
            "offsets": offsets(self.timezone, min(edges, default=0), max(edges, default=0)),
            "issued_at": int(self.issue.issued_at.timestamp()),
            "observed": {"times": times, "values": _plain(self.observed.values)},
            "median": {
                "times": [int(time) for time in self.targets],
                "values": [row.point for row in self.rows],
            },
            "bands": [
                {"name": f"{band.share} %", "low": band.low, "high": band.high}
                for band in self.bands
            ],
            "earlier": [
                {
                    "issued_at": int(issue.issued_at.timestamp()),
                    "times": [int(time) for time in _seconds(rows)],
                    "values": [row.point for row in rows],
                }
                for issue, rows in self.earlier
            ],
            "from_zero": self._never_negative(),
        }

    def clock(self) -> str:
        """Whose clock the chart goes by, and when it is changed in between."""
        edges = [*self.observed.times[:1], *self.targets[-1:]]
        changes = offsets(self.timezone, int(min(edges)), int(max(edges)))[1:]
        at = [written(datetime.fromtimestamp(second, UTC), self.timezone) for second, *_ in changes]
        changed = f"; clocks change at {' and '.join(at)}" if at else ""
        return f"Times are those of {self.timezone}{changed}."

    def summary(self) -> str:
        """The chart in words, for those who do not see it and those in a hurry."""
        if not self.rows:
            return "There is no forecast to draw."
        first, last = self.rows[0], self.rows[-1]
        points = [row.point for row in self.rows]
        highest = self.rows[int(np.argmax(points))]
        head = (
            f"Forecast of {plural(len(self.rows), 'step')} "
            f"from {written(first.target_time, self.timezone)} "
            f"to {written(last.target_time, self.timezone)}: "
            f"the median lies between {number(min(points))} and {number(max(points))}, "
            f"highest at {written(highest.target_time, self.timezone)}."
        )
        widest = [
            f"The {band.share} % range spans {number(min(band.low))} to {number(max(band.high))}."
            for band in self.bands[:1]
        ]
        return " ".join([head, *widest, self._truth_in_words()])

    def _truth_in_words(self) -> str:
        truth = self.truth
        known = ~np.isnan(truth)
        count = int(known.sum())
        if count == 0:
            return "None of these steps had been observed when the panel was last read."
        text = f"{count} of them {'has' if count == 1 else 'have'} been observed since"
        held = [band for band in self.bands if band.share == 80]  # noqa: PLR2004 - percent
        if not held:
            return f"{text}."
        low, high = np.array(held[0].low), np.array(held[0].high)
        inside = int(((low <= truth) & (truth <= high) & known).sum())
        return f"{text}, {percent(inside / count)} of them inside the 80 % range."

    def _never_negative(self) -> bool:
        """Counts and the like: such an axis begins at 0."""
        lowest = [band.low for band in self.bands[:1]] or [tuple(row.point for row in self.rows)]
        observed = np.nanmin(self.observed.values) if np.isfinite(self.observed.values).any() else 0
        return bool(observed >= 0 and min(lowest[0], default=0.0) >= 0)


def central(levels: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The central ranges to draw out of the levels that there are, widest first.

    >>> central((0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975))
    ((0.025, 0.975), (0.1, 0.9), (0.3, 0.7))
    >>> central((0.05, 0.5, 0.95))
    ((0.05, 0.95),)
    """
    there = set(levels)
    pairs = [
        (low, round(1 - low, 3)) for low in levels if low < 0.5 and round(1 - low, 3) in there  # noqa: PLR2004 - the median
    ]  # fmt: skip
    preferred = tuple(pair for pair in PREFERRED if pair in pairs)
    return preferred or tuple(pairs[:MOST_BANDS])


def offsets(timezone: str, first: int, last: int) -> list[tuple[int, int, str]]:
    """From when on (epoch seconds) which offset (seconds) and name hold in a zone.

    >>> offsets("America/New_York", 1_383_400_000, 1_383_480_000)
    [(1383400000, -14400, 'EDT'), (1383458400, -18000, 'EST')]
    """
    zone = ZoneInfo(timezone)

    def of(second: int) -> tuple[int, str]:
        local = datetime.fromtimestamp(second, zone)
        shift = local.utcoffset()
        return (int(shift.total_seconds()) if shift is not None else 0), local.tzname() or ""

    found = [(first, *of(first))]
    for day in range(first, last, _DAY):
        end = min(day + _DAY, last)
        if of(end) == found[-1][1:]:
            continue
        quarters = range(day // _QUARTER + 1, end // _QUARTER + 1)
        seconds = (quarter * _QUARTER for quarter in quarters)
        change = next((second for second in seconds if of(second) == of(end)), end)
        found.append((change, *of(change)))
    return found


def _levels_of(rows: Sequence[ForecastRow]) -> tuple[float, ...]:
    """The levels that every row has."""
    return tuple(
        level
        for index, level in enumerate(LEVELS)
        if rows and all(row.quantiles[index] is not None for row in rows)
    )


def _seconds(rows: Sequence[ForecastRow]) -> IntArray:
    return np.array([int(row.target_time.timestamp()) for row in rows], np.int64)


def _plain(values: FloatArray) -> list[float | None]:
    """NaN is no JSON: a gap is null."""
    return [None if np.isnan(value) else float(value) for value in values]
