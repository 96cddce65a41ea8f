"""What a panel's data looks like to a forecaster: span, gaps, seasons, how hard it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import Season

EXAMPLES = 5
"""Series that are named where many have a trait."""
SAMPLE = 200
"""Series on which seasons are sought: enough to tell, and 35 do in a moment."""
NEWEST = 5_000
"""Steps of them, the newest: half a year of hours."""
CLEARLY = 0.95
"""Another season than the calendar's is told where its error is below this share of theirs."""


@dataclass(frozen=True, slots=True)
class NaiveError:
    """Error of forecasting each value by the one a season earlier."""

    name: str
    steps: int  # of the season
    error: float  # mean absolute, in the source's unit, NaN where no pair of values tells
    share: float  # of the mean absolute value


@dataclass(frozen=True, slots=True)
class Trait:
    """Series that have something in common."""

    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PanelReport:
    """A panel, described; shares are of the steps between a series' first and last value."""

    series: int
    first: datetime | None  # label of the first step; None where there is no value
    last: datetime | None
    steps: int
    observations: int
    missing_share: float
    gaps: int  # runs of missing steps
    longest_gap: int  # steps
    zero_share: float  # of the observations
    fraction_share: float  # of the observations: those that are no whole numbers
    lowest: float
    highest: float
    gappy: Trait  # over half of their steps missing
    constant: Trait
    short: Trait  # fewer than two of the first season
    naive: tuple[NaiveError, ...]  # last value, then each season
    season: int | None  # the lag, from half the first season on, with about the least naive error
    calendar_season: bool  # it is one that the calendar gives, or none is clearly better


def describe(panel: Panel, seasons: Sequence[Season]) -> PanelReport:
    """Say what a panel looks like.

    Args:
        panel: All of it that is known.
        seasons: As `seasons_of`.
    """
    known = np.isfinite(panel.values)  # [series, steps]
    alive = _alive(panel)
    missing = alive & ~known
    lifetime = np.maximum(alive.sum(axis=1), 1)  # [series]
    there: BoolArray = np.any(known, axis=0)  # [steps]
    values = panel.values[known]
    starts, lengths = _runs(missing)
    naive = _naive_errors(panel, seasons)
    season, calendar = _season_found(panel, seasons)
    return PanelReport(
        series=len(panel.series),
        first=_label(panel, int(there.argmax())) if there.any() else None,
        last=_label(panel, len(there) - 1 - int(there[::-1].argmax())) if there.any() else None,
        steps=int(there.size),
        observations=int(known.sum()),
        missing_share=float(missing.sum() / max(int(alive.sum()), 1)),
        gaps=starts,
        longest_gap=int(lengths.max(initial=0)),
        zero_share=float((values == 0).mean()) if values.size else 0.0,
        fraction_share=float((values != np.rint(values)).mean()) if values.size else 0.0,
        lowest=float(values.min()) if values.size else float("nan"),
        highest=float(values.max()) if values.size else float("nan"),
        gappy=_trait(panel, 2 * missing.sum(axis=1) > lifetime),
        constant=_trait(panel, _constant(panel.values, known)),
        short=_trait(panel, known.sum(axis=1) < 2 * _first(seasons)),
        naive=naive,
        season=season,
        calendar_season=calendar,
    )


def _first(seasons: Sequence[Season]) -> int:
    return seasons[0].steps if seasons else 1


def _alive(panel: Panel) -> BoolArray:
    """Steps between a series' first and last value, [series, steps]."""
    steps = np.arange(panel.values.shape[1]) + panel.first_step
    first = np.array([info.first for info in panel.series], np.int64)[:, None]
    last = np.array([info.last for info in panel.series], np.int64)[:, None]
    alive: BoolArray = (steps >= first) & (steps <= last)
    return alive


def _label(panel: Panel, column: int) -> datetime:
    seconds = panel.grid.label_of(np.array([panel.first_step + column], np.int64))
    return datetime.fromtimestamp(int(seconds[0]), UTC)


def _trait(panel: Panel, which: BoolArray) -> Trait:
    rows = np.flatnonzero(which)
    return Trait(len(rows), tuple(panel.series[row].series_id for row in rows[:EXAMPLES]))


def _constant(values: FloatArray, known: BoolArray) -> BoolArray:
    """Series of more than one value, all of them equal, [series]."""
    low = np.where(known, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
    constant: BoolArray = (low == high) & (known.sum(axis=1) > 1)
    return constant


def _runs(mask: BoolArray) -> tuple[int, IntArray]:
    """How many runs of True the rows have, and the length of each."""
    walled = np.zeros((mask.shape[0], mask.shape[1] + 1), dtype=np.int8)
    walled[:, :-1] = mask
    edges = np.diff(walled.reshape(-1), prepend=np.int8(0))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return len(starts), ends - starts


def _naive_errors(panel: Panel, seasons: Sequence[Season]) -> tuple[NaiveError, ...]:
    steps = np.arange(panel.values.shape[1], dtype=np.int64) + panel.first_step
    scale = _mean(np.abs(panel.values))
    found = []
    for name, length, lagged in [
        ("last value", 1, steps - 1),
        *((each.name, each.steps, panel.grid.lagged(steps, each.days)) for each in seasons),
    ]:
        column = lagged - panel.first_step
        inside = column >= 0
        change = panel.values[:, inside] - panel.values[:, column[inside]]
        error = _mean(np.abs(change))
        found.append(NaiveError(name, length, error, error / scale if scale else float("nan")))
    return tuple(found)


def _season_found(panel: Panel, seasons: Sequence[Season]) -> tuple[int | None, bool]:
    """The shortest lag of about the least naive error, and whether it was to be expected.

    Each series counts alike.
    """
    rows = np.linspace(0, max(len(panel.series) - 1, 0), min(SAMPLE, len(panel.series)))
    values = panel.values[np.unique(rows.astype(np.int64)), -NEWEST:]
    longest = max((season.steps for season in seasons), default=1)
    lags = range(max(2, _first(seasons) // 2), min(longest * 5 // 4, values.shape[1] // 2) + 1)
    unit = _row_means(np.abs(values[:, 1:] - values[:, :-1]))
    lively = unit > 0
    if not lags or not lively.any():
        return None, True
    values, unit = values[lively], unit[lively]
    errors = np.array([_pooled(values, unit, lag) for lag in lags])  # [lags]
    if not np.isfinite(errors).any():
        return None, True
    expected = [season.steps for season in seasons if season.steps in lags]
    enough = float(np.nanmin(errors)) / CLEARLY
    for lag in expected:
        if errors[lag - lags[0]] <= enough:
            return lag, True
    best = lags[int(np.flatnonzero(errors <= enough)[0])]
    beside = [_pooled(values, unit, max(1, lag)) for lag in (best * 3 // 4, best * 5 // 4)]
    if expected and not enough < CLEARLY * np.nanmean(beside):  # no dip: it drifts
        return min(expected, key=lambda lag: float(errors[lag - lags[0]])), True
    return best, not expected


def _pooled(values: FloatArray, unit: FloatArray, lag: int) -> float:
    return _mean(_row_means(np.abs(values[:, lag:] - values[:, :-lag])) / unit)


def _row_means(values: FloatArray) -> FloatArray:
    """Mean of what is known of each row; NaN for nothing, [rows]."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    means: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def _mean(values: FloatArray) -> float:
    """Mean of what is known; NaN for nothing."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
