"""Ranges of series too young to have errors of their own: read from the company they keep.

What a plain method would have erred by on the panel's older series, had they begun as few steps
before some past origins, says how far it may be off on a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np

from rnnts.learning import baselines
from rnnts.learning.metrics import mean_observed, pinball, seasonal_error
from rnnts.learning.standing import Rules
from rnnts.panels.arrays import AnyArray, FloatArray, IntArray
from rnnts.panels.panel import Panel

ASKED = 128
"""Series asked at most: beyond, a range moves by less than it moves from night to night."""
PAIRS = 512
"""Pairs of a series and an origin, as far as ERRORS allows."""
FEWEST_ORIGINS = 4
ERRORS = 1 << 18
"""Errors looked at in one go: 13 quantiles of each are 27 MB."""
PLAIN: tuple[baselines.Method, ...] = ("last_value", "seasonal_naive")
SCALES = ("level", "spread", "season", "unit")
"""What an error may be counted in: the mean size of the few observations, their mean distance from
their mean, their mean change in a season, or the panel's unit."""


def ranges_by_company(
    quantiles: FloatArray,
    panel: Panel,
    origin: int,
    method: AnyArray,
    length: IntArray,
    rules: Rules,
    levels: Sequence[float],
) -> FloatArray:
    """The same forecasts, with ranges of series shorter than a window as wide as they have to be.

    The median stays what the method says. Where the panel has no older series to ask, a range of
    the series' own stays; where it has none of its own either, it gets that of a random order of
    its few observations.

    Args:
        quantiles: Of the plain methods, [series, horizon, quantiles].
        panel: Values; nothing at or after `origin` is looked at.
        origin: Grid step of the first target.
        method: Of ladder.Method, [series].
        length: Steps from the first observation to the origin, [series].
        rules: Window, season and bounds.
        levels: Rising, with 0.5, [quantiles].

    Returns:
        [series, horizon, quantiles].
    """
    panel = panel.upto(origin - 1)
    quantiles = quantiles.copy()
    young = length < rules.window
    old = np.flatnonzero(~young)
    unknown = np.flatnonzero(young & (method == "profile"))
    quantiles[unknown] = _stretched(quantiles[unknown], _beyond(len(old), levels), levels)
    for rung in PLAIN:
        rows = np.flatnonzero(young & (method == rung))
        steps = _comparable(length[rows], rules.season)
        for few in np.unique(steps).tolist():
            some = rows[steps == few]
            company = _Company.asked(panel, origin, rung, few, old, rules)
            ranges = _ranges(company, _known(panel.of(some), origin, few), rules.season, levels)
            median = quantiles[some][:, :, _middle(levels)][:, :, None]
            wide = median + ranges
            quantiles[some] = np.where(np.isfinite(wide), wide, quantiles[some])
    bare = np.flatnonzero(young & np.isin(method, PLAIN))
    quantiles[bare] = _not_bare(quantiles[bare], panel.values[bare], levels)
    return rules.bounds.keep(quantiles)


def _ranges(
    company: "_Company | None", known: FloatArray, season: int, levels: Sequence[float]
) -> FloatArray:
    """Distances from the median, NaN where nobody says, [rows, horizon, quantiles]."""
    if company is None:
        return np.full((len(known), 1, len(levels)), np.nan)
    answers = [_Answer.of(company, scale, season, levels) for scale in SCALES]
    losses = [answer.loss(company, season, levels) for answer in answers]
    best = answers[int(np.argmin(losses))]
    return best.ranges(known, season) * _beyond(company.series, levels)


@dataclass(frozen=True, slots=True, eq=False)
class _Company:
    """How a method erred on the older series at past origins, knowing a few steps of each."""

    series: int
    errors: FloatArray  # [pairs, horizon]
    known: FloatArray  # what it knew, [pairs, steps]
    weight: FloatArray  # 1 / spread of the series, so that the large do not rule, [pairs]

    @classmethod
    def asked(
        cls,
        panel: Panel,
        origin: int,
        method: baselines.Method,
        steps: int,
        old: IntArray,
        rules: Rules,
    ) -> Self | None:
        """Ask a sample of the older series; None where there is nothing to ask."""
        late = max(0, origin - 1 - panel.watermark)
        origins = baselines.past_origins(panel, origin)
        origins = origins[origins - steps >= panel.first_step]
        complete = origins + rules.horizon <= origin - late
        origins = origins[complete] if complete.any() else origins
        if not (old.size and origins.size):
            return None
        old = _spread_out(old, ASKED)
        pairs = min(PAIRS, ERRORS // rules.horizon)
        origins = _spread_out(origins, max(FEWEST_ORIGINS, pairs // len(old)))
        asked = panel.of(old)
        errors = [_errors(asked, at, method, steps, rules, late=late) for at in origins.tolist()]
        known = [_known(asked, at, steps, late=late) for at in origins.tolist()]
        spread = _scale("spread", asked.values, rules.season)
        weight = np.where(spread > 0, 1.0 / np.where(spread > 0, spread, 1.0), np.nan)
        company = cls(
            len(old), np.concatenate(errors), np.concatenate(known), np.tile(weight, len(origins))
        )
        return company if np.isfinite(company.errors).any() else None


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Quantiles of the errors, counted in one scale; what has no scale is counted by itself."""

    scale: str
    scaled: FloatArray  # in units of the scale, [horizon, quantiles]
    flat: FloatArray  # where the scale is 0, in the panel's unit, [horizon, quantiles]

    @classmethod
    def of(cls, company: _Company, scale: str, season: int, levels: Sequence[float]) -> Self:
        """Look at the company's errors in units of `scale`."""
        unit = _scale(scale, company.known, season)
        some = unit > 0
        scaled = company.errors[some] / unit[some, None]
        return cls(scale, _offsets(scaled, levels), _offsets(company.errors[unit == 0], levels))

    def ranges(self, known: FloatArray, season: int) -> FloatArray:
        """Distances from the median where so much is known, [rows, horizon, quantiles]."""
        unit = _scale(self.scale, known, season)[:, None, None]
        return np.where(unit == 0, self.flat, unit * self.scaled)

    def loss(self, company: _Company, season: int, levels: Sequence[float]) -> float:
        """Mean pinball loss on the company itself; inf where it has no such scale."""
        ranges = self.ranges(company.known, season)
        loss = company.weight[:, None, None] * pinball(company.errors, ranges, levels)
        mean = float(mean_observed(loss))
        return mean if np.isfinite(ranges).any() and np.isfinite(mean) else np.inf


def _errors(
    panel: Panel, origin: int, method: baselines.Method, steps: int, rules: Rules, *, late: int
) -> FloatArray:
    """Errors at a past origin of a method that knows `steps` of each series, [series, horizon]."""
    began = np.array([info.first for info in panel.series], np.int64) <= origin - steps
    point = baselines.point_of(
        method, panel.since(origin - steps), origin, rules.horizon, rules.days, late=late
    )
    targets = panel.since(origin).upto(origin + rules.horizon - 1).values
    errors = np.full(point.shape, np.nan)
    errors[:, : targets.shape[1]] = targets - point[:, : targets.shape[1]]
    return np.where(began[:, None], errors, np.nan)


def _known(panel: Panel, origin: int, steps: int, *, late: int = 0) -> FloatArray:
    """The last `steps` before an origin as they were known, [series, steps]."""
    known = np.full((len(panel.series), steps), np.nan)
    begin = max(origin - steps, panel.first_step)
    found = panel.since(begin).upto(origin - late - 1).values
    known[:, begin - origin + steps :][:, : found.shape[1]] = found
    return known


def _scale(name: str, known: FloatArray, season: int) -> FloatArray:
    """What an error is counted in, NaN where it cannot be told, [rows]."""
    if name == "season":
        longer = known.shape[1] > season
        return seasonal_error(known, season) if longer else np.full(len(known), np.nan)
    if name == "spread":
        return mean_observed(np.abs(known - mean_observed(known, axis=1)[:, None]), axis=1)
    level = mean_observed(np.abs(known), axis=1)
    return level if name == "level" else np.where(np.isnan(level), np.nan, 1.0)


def _offsets(errors: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantiles of errors, on their side of the median; a lead without any takes the one before.

    Args:
        errors: [pairs, horizon].
        levels: [quantiles].

    Returns:
        [horizon, quantiles]; NaN where there are none at all.
    """
    if not len(errors):
        return np.full((errors.shape[1], len(levels)), np.nan)
    offsets = baselines.quantiles_of(errors[None], levels)[0]
    lead = np.arange(len(offsets))
    there = np.maximum.accumulate(np.where(np.isnan(offsets[:, 0]), -1, lead))
    offsets = offsets[np.where(there < 0, lead, there)]
    side = np.sign(np.asarray(levels) - baselines.MEDIAN)
    sided: FloatArray = side * np.maximum(side * offsets, 0.0)
    return sided


def _not_bare(quantiles: FloatArray, values: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Forecasts without any range get that of values in random order.

    Two of those lie apart by the root of 2 of their deviation; a single one may be off by its size.
    """
    count = (~np.isnan(values)).sum(axis=1)
    mean = mean_observed(values, axis=1)
    deviation = np.sqrt(2.0 * mean_observed((values - mean[:, None]) ** 2, axis=1))
    size = np.where(count > 1, deviation, np.abs(mean))[:, None, None]
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])
    bare = (quantiles[:, :, :1] == quantiles[:, :, -1:]).all(axis=1, keepdims=True)
    return np.where(bare & np.isfinite(size), quantiles + size * normal, quantiles)


def _stretched(quantiles: FloatArray, by: FloatArray, levels: Sequence[float]) -> FloatArray:
    """The same around the same median, each level further out by its factor."""
    median = quantiles[:, :, _middle(levels)][:, :, None]
    return median + (quantiles - median) * by


def _beyond(series: int, levels: Sequence[float]) -> FloatArray:
    """How much further out one more series may lie than so many did, [quantiles].

    A quantile of Student's t beside the normal one, times the root of 1 + 1 / series, as for the
    next of so many draws; 1 for many.

    Source:
        Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 26.7.5 (three terms).
    """
    free = max(series - 1, 2)
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])
    square = normal**2
    student = 1 + (square + 1) / (4 * free) + (5 * square**2 + 16 * square + 3) / (96 * free**2)
    factor: FloatArray = student * np.sqrt(1 + 1 / max(series, 1))
    return factor


def _middle(levels: Sequence[float]) -> int:
    return list(levels).index(baselines.MEDIAN)


def _comparable(length: IntArray, season: int) -> IntArray:
    """Lengths to compare by: no longer, and few in number, so that few questions are asked.

    Below a season powers of two and their halves between, from there whole seasons, likewise.
    """
    doubled = 2 ** np.arange(24)
    counts = np.unique(np.concatenate([doubled, doubled * 3 // 2]))
    steps = np.concatenate([counts[counts < season], season * counts])
    return steps[np.maximum(np.searchsorted(steps, length, side="right") - 1, 0)]


def _spread_out(among: IntArray, most: int) -> IntArray:
    """At most so many of them, evenly."""
    places = np.linspace(0, len(among) - 1, min(most, len(among)))
    return among[places.astype(np.int64)]
