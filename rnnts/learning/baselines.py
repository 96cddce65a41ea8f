"""The plain methods: rungs of the ladder, and what a network must beat.

Each gives quantiles [series, horizon, quantiles] out of values before `origin` alone: its point
plus the quantiles of its own errors at the same lead, over past origins. A row is either wholly
finite or, where a method cannot serve the series, wholly NaN (`served` says which).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from rnnts.learning.metrics import mean_observed
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel

SPAN_DAYS = 56
"""How far back an older season may stand in for a missing one, and past origins are taken:
eight weeks, as far as a weekly habit is worth something."""
SPAN_WEEKS = 104
"""The same for a weekly grid: two years."""
SPAN_MONTHS = 60
"""The same for a monthly grid: five years."""
FEWEST_SEASONS = 4
"""A year-long season looks back further than SPAN_DAYS: this many seasons."""
FEWEST_RESIDUALS = 10
"""Below so many errors at a lead, those of all leads of the series are pooled: the outermost
levels would otherwise be the extremes of a handful."""
BLOCK = 512
"""Series worked on at once: 512 x 56 origins x 48 leads are 11 MB."""
MEDIAN = 0.5
Method = Literal["seasonal_naive", "last_value"]


def seasonal_naive(
    panel: Panel,
    origin: int,
    horizon: int,
    levels: Sequence[float],
    days: int,
    minimum: float | None = None,
    maximum: float | None = None,
) -> FloatArray:
    """What was observed one season earlier by the wall clock, older seasons where it is missing.

    A series is served if more than half of its targets have a value some season earlier, at most
    SPAN_DAYS (or FEWEST_SEASONS) back; its other targets take the last value.

    Args:
        panel: Values; those at and after `origin` are not looked at.
        origin: Grid step of the first target.
        horizon: Steps.
        levels: Rising, in (0, 1), [quantiles].
        days: Length of the season; whole weeks on a weekly grid.
        minimum: No quantile is smaller.
        maximum: No quantile is larger.

    Returns:
        [series, horizon, quantiles]; rows of NaN where a series is not served.
    """
    points = partial(_seasonal_points, horizon=horizon, days=days)
    return _clipped(_forecast(panel, origin, points, levels), minimum, maximum)


def last_value(
    panel: Panel,
    origin: int,
    horizon: int,
    levels: Sequence[float],
    minimum: float | None = None,
    maximum: float | None = None,
) -> FloatArray:
    """The newest observation before `origin`, for every target.

    Args:
        panel: Values; those at and after `origin` are not looked at.
        origin: Grid step of the first target.
        horizon: Steps.
        levels: Rising, in (0, 1), [quantiles].
        minimum: No quantile is smaller.
        maximum: No quantile is larger.

    Returns:
        [series, horizon, quantiles]; rows of NaN where a series has no value at all.
    """
    points = partial(_last_points, horizon=horizon)
    return _clipped(_forecast(panel, origin, points, levels), minimum, maximum)


def profile(
    panel: Panel,
    origin: int,
    horizon: int,
    levels: Sequence[float],
    days: int,
    minimum: float | None = None,
    maximum: float | None = None,
) -> FloatArray:
    """What the panel's series observed at the same place of the last seasons, for one without any.

    The quantiles are those over all series and the last FEWEST_SEASONS seasons with values:
    nothing is known of the new series but the company that it keeps.

    Args:
        panel: Values; those at and after `origin` are not looked at.
        origin: Grid step of the first target.
        horizon: Steps.
        levels: Rising, in (0, 1), [quantiles].
        days: Length of the season; whole weeks on a weekly grid.
        minimum: No quantile is smaller.
        maximum: No quantile is larger.

    Returns:
        [series, horizon, quantiles], the same for every series; NaN if the panel has no values.
    """
    past = _Past.of(panel, origin)
    kept: list[FloatArray] = []
    for back in range(1, _seasons_back(days) + 1):
        values = past.season(horizon, days * back)  # [series, horizon]
        if not np.isnan(values).all():
            kept.append(values)
        if len(kept) == FEWEST_SEASONS:
            break
    seen = np.concatenate([np.full((1, horizon), np.nan), *kept])  # [seasons * series, horizon]
    ranges = quantiles_of(seen[None], levels)[0]  # [horizon, quantiles]
    ranges = np.where(np.isnan(ranges), mean_observed(ranges, axis=0), ranges)
    forecast = np.repeat(ranges[None], len(panel.values), axis=0)
    return _clipped(forecast, minimum, maximum)


def point_of(
    method: Method, panel: Panel, origin: int, horizon: int, days: int, *, late: int = 0
) -> FloatArray:
    """A method's point forecasts alone, much cheaper than its ranges.

    Args:
        method: Which.
        panel: Values; those at and after `origin` are not looked at.
        origin: Grid step of the first target.
        horizon: Steps.
        days: Length of the season; whole weeks on a weekly grid.
        late: So many steps before the origin are not known either.

    Returns:
        [series, horizon]; NaN where a series is not served.
    """
    past = _Past(panel.grid, panel.first_step, panel.values, origin, origin - late)
    if method == "last_value":
        return _last_points(past, horizon)
    return _seasonal_points(past, horizon, days)


def past_origins(panel: Panel, origin: int) -> IntArray:
    """Past origins at the same wall clock whose errors say something of `origin`, newest first."""
    return _Past.of(panel, origin).origins()


def better_season(panel: Panel, origin: int, horizon: int, choices: Sequence[int]) -> IntArray:
    """Season of each series whose values, repeated, have come nearest of late.

    Args:
        panel: Values; those at and after `origin` are not looked at.
        origin: Grid step of the first target.
        horizon: Steps.
        choices: Lengths of seasons in days, as for `seasonal_naive`.

    Returns:
        One of the choices, [series]: the first, unless another is clearly nearer.
    """
    days = np.full(len(panel.series), choices[0], np.int64)
    past = _Past.of(panel, origin)
    origins = past.origins()
    origins = origins[origins + horizon <= past.known][:COMPARED]
    if not origins.size or len(choices) < 2:  # noqa: PLR2004 - nothing to compare
        return days
    for start in range(0, len(days), BLOCK):
        errors = _season_errors(past.rows(start), origins, horizon, choices)  # [choices, rows]
        nearest = errors.argmin(axis=0)
        clear = errors.min(axis=0) < CLEARLY_NEARER * errors[0]
        block = days[start : start + BLOCK]
        block[clear] = np.asarray(choices)[nearest[clear]]
    return days


def _season_errors(
    past: "_Past", origins: IntArray, horizon: int, choices: Sequence[int]
) -> FloatArray:
    """Mean absolute error of each season's values, inf where too few were known, [choices, rows].

    All are held against the same targets.
    """
    total, count = np.zeros((len(choices), len(past.values))), np.zeros(len(past.values), np.int64)
    for at in origins.tolist():
        actual = past.at(np.arange(at, at + horizon))
        before = past.back_at(at)
        apart = np.abs([actual - _seasonal_points(before, horizon, days) for days in choices])
        known = np.isfinite(apart).all(axis=0)  # [rows, horizon]
        total += np.where(known, apart, 0.0).sum(axis=2)
        count += known.sum(axis=1)
    enough = count >= FEWEST_COMPARED * horizon
    return np.where(enough, total / np.maximum(count, 1), np.inf)


COMPARED = 14
"""Newest past origins by which a season is chosen."""
FEWEST_COMPARED = 3
"""Horizons of known targets that it takes to leave the first season."""
CLEARLY_NEARER = 0.9
"""Part of the first season's error that another one may have at most to be taken."""


def served(forecast: FloatArray) -> BoolArray:
    """Which series a method could serve.

    Args:
        forecast: [series, horizon, quantiles].

    Returns:
        [series].
    """
    return np.asarray(np.isfinite(forecast).all(axis=(1, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Values of some series as they were known at an origin."""

    grid: Grid
    first_step: int
    values: FloatArray  # [series, steps]
    origin: int  # grid step of the first target
    known: int  # values at and after this step are not known

    @classmethod
    def of(cls, panel: Panel, origin: int) -> "_Past":
        """What is known at `origin`: less than everything before it where the data are late."""
        known = min(origin, panel.watermark + 1)
        return cls(panel.grid, panel.first_step, panel.values, origin, known)

    def rows(self, start: int) -> "_Past":
        """A block of the series."""
        block = self.values[start : start + BLOCK]
        return _Past(self.grid, self.first_step, block, self.origin, self.known)

    def back_at(self, origin: int) -> "_Past":
        """An earlier origin, with data as late as they are now."""
        known = origin - (self.origin - self.known)
        return _Past(self.grid, self.first_step, self.values, origin, known)

    def at(self, steps: IntArray) -> FloatArray:
        """Known values at grid steps, NaN elsewhere, [series, steps]."""
        columns = steps - self.first_step
        inside = (columns >= 0) & (columns < self.values.shape[1]) & (steps < self.known)
        found = np.full((len(self.values), len(steps)), np.nan)
        found[:, inside] = self.values[:, columns[inside]]
        return found

    def season(self, horizon: int, days: int) -> FloatArray:
        """Known values `days` before each target by the wall clock, [series, horizon]."""
        targets = np.arange(self.origin, self.origin + horizon)
        return self.at(self.grid.lagged(targets, days))

    def nothing(self, horizon: int, days: int) -> bool:
        """Whether all of these and all older seasons begin before the first value."""
        last = np.array([self.origin + horizon - 1], dtype=np.int64)
        return bool(self.grid.lagged(last, days)[0] < self.first_step)

    def newest(self) -> FloatArray:
        """The newest known value, NaN where there is none, [series]."""
        steps = min(max(self.known - self.first_step, 0), self.values.shape[1])
        if steps == 0:
            return np.full(len(self.values), np.nan)
        observed = ~np.isnan(self.values[:, :steps][:, ::-1])
        newest = steps - 1 - observed.argmax(axis=1)  # the newest of all where nothing is: NaN
        return np.asarray(self.values[np.arange(len(self.values)), newest])

    def origins(self) -> IntArray:
        """Past origins whose errors give the ranges, at the same wall clock, newest first.

        One a day below a day (SPAN_DAYS of them), else one a step (SPAN_DAYS, SPAN_WEEKS or
        SPAN_MONTHS).
        """
        spans = {"1W": SPAN_WEEKS, "1MS": SPAN_MONTHS}
        back = np.arange(1, spans.get(self.grid.frequency, SPAN_DAYS) + 1)
        if self.grid.steps_per_day > 1:
            start = np.array([self.origin], dtype=np.int64)
            origins = np.concatenate([self.grid.lagged(start, int(days)) for days in back])
        else:
            origins = self.origin - back
        return origins[(origins > self.first_step) & (origins < self.known)]


Points = Callable[[_Past], FloatArray]
"""A method's point forecasts at an origin, [series, horizon]; rows of NaN where it has none."""


def _seasonal_points(past: _Past, horizon: int, days: int) -> FloatArray:
    """Values of the newest season that has them."""
    point = past.season(horizon, days)  # [series, horizon]
    for back in range(2, _seasons_back(days) + 1):
        missing = np.isnan(point)
        if not missing.any():
            return point
        if past.nothing(horizon, days * back):
            break
        point = np.where(missing, past.season(horizon, days * back), point)
    missing = np.isnan(point)
    filled = np.where(missing, past.newest()[:, None], point)
    enough = missing.sum(axis=1) * 2 < horizon  # [series]
    return np.where(enough[:, None], filled, np.nan)


def _seasons_back(days: int) -> int:
    """How many seasons back a value may come from."""
    return max(FEWEST_SEASONS, SPAN_DAYS // days)


def _last_points(past: _Past, horizon: int) -> FloatArray:
    """The newest value for every target."""
    return np.repeat(past.newest()[:, None], horizon, axis=1)


def _forecast(panel: Panel, origin: int, points: Points, levels: Sequence[float]) -> FloatArray:
    """A method's points and ranges, block by block of series, [series, horizon, quantiles]."""
    past = _Past.of(panel, origin)
    starts = range(0, max(len(panel.values), 1), BLOCK)
    return np.concatenate([_with_ranges(past.rows(start), points, levels) for start in starts])


def _with_ranges(past: _Past, points: Points, levels: Sequence[float]) -> FloatArray:
    point = points(past)  # [series, horizon]
    origins = past.origins()
    errors = np.full((len(point), max(len(origins), 1), point.shape[1]), np.nan)
    for at, origin in enumerate(origins):
        targets = np.arange(origin, origin + point.shape[1])
        errors[:, at] = past.at(targets) - points(past.back_at(int(origin)))
    return point[:, :, None] + _offsets(errors, levels)


def _offsets(errors: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Distances of the quantiles from the point, [series, horizon, quantiles].

    The median's is 0, so that the point is what the method says, and the levels on either side
    stay there. Few errors at a lead: those of all leads. None at all: no range, but finite.

    Args:
        errors: [series, origins, horizon].
        levels: [quantiles].
    """
    series, origins, horizon = errors.shape
    offsets = quantiles_of(errors, levels)  # [series, horizon, quantiles]
    few = (~np.isnan(errors)).sum(axis=1) < FEWEST_RESIDUALS  # [series, horizon]
    if few.any():
        pooled = quantiles_of(errors.reshape(series, origins * horizon, 1), levels)
        offsets = np.nan_to_num(np.where(few[:, :, None], pooled, offsets))
    side = np.sign(np.asarray(levels) - MEDIAN)  # -1 below the median, 0, 1 above
    bounded: FloatArray = side * np.maximum(side * offsets, 0.0)
    return bounded


def quantiles_of(values: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantiles along the second axis of what is not NaN; np.nanquantile loops in Python.

    With n values in order, level p lies at place p (n + 1), between the first and the last.

    Args:
        values: [series, origins, horizon].
        levels: [quantiles].

    Returns:
        [series, horizon, quantiles]; NaN where there is no value.

    Source:
        Hyndman and Fan 1996, The American Statistician 50(4), definition 6.
    """
    ordered = np.sort(values.transpose(0, 2, 1), axis=2)  # [series, horizon, origins], NaN last
    count = (~np.isnan(ordered)).sum(axis=2)[:, :, None]  # [series, horizon, 1]
    last = np.maximum(count - 1, 0)
    place = np.clip(np.asarray(levels) * (count + 1.0) - 1.0, 0.0, last)
    lower = np.floor(place).astype(np.int64)  # [series, horizon, quantiles]
    low = np.take_along_axis(ordered, lower, axis=2)
    high = np.take_along_axis(ordered, np.minimum(lower + 1, last), axis=2)
    between: FloatArray = low + (place - lower) * (high - low)
    return between


def _clipped(forecast: FloatArray, minimum: float | None, maximum: float | None) -> FloatArray:
    if minimum is None and maximum is None:
        return forecast
    return np.clip(forecast, minimum, maximum)
