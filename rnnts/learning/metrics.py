"""Scores of forecasts, in numpy; a missing actual (NaN) counts nowhere.

Shapes: actual [series, horizon]; point [series, horizon]; quantiles [series, horizon, quantiles].
"""

from collections.abc import Sequence

import numpy as np

from rnnts.panels.arrays import AnyArray, FloatArray

GIFT_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Levels of the weighted quantile loss. Source: Aksu et al. 2024, GIFT-Eval, section 4."""
LEVEL_TOLERANCE = 1e-9
"""Two levels nearer than this are one level: they come out of JSON and TOML."""


def mean_observed(values: FloatArray, axis: int | tuple[int, ...] | None = None) -> FloatArray:
    """Mean of what is not NaN, NaN where nothing is; never a warning.

    >>> mean_observed(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]), axis=1).tolist()
    [2.0, nan]
    """
    observed = ~np.isnan(values)
    count = observed.sum(axis=axis)
    total = np.where(observed, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def seasonal_error(values: FloatArray, season: int) -> FloatArray:
    """Mean |y_t - y_(t - season)| of each series: the scale of MASE.

    Args:
        values: The training part, [series, steps]; NaN where missing.
        season: Steps.

    Returns:
        [series]; NaN where no step and its predecessor a season ago were both observed.
    """
    return mean_observed(np.abs(values[:, season:] - values[:, :-season]), axis=1)


def mase(actual: FloatArray, point: FloatArray, scale: FloatArray) -> FloatArray:
    """Mean absolute scaled error of each series.

    Args:
        actual: [series, horizon].
        point: [series, horizon].
        scale: In-sample error of the seasonal naive method, [series].

    Returns:
        [series]; NaN where no step was observed or the scale is not positive.

    Source:
        Hyndman and Koehler 2006, International Journal of Forecasting 22(4).
    """
    usable = np.where(scale > 0, scale, np.nan)  # [series]; a constant series has no scale
    return mean_observed(np.abs(actual - point), axis=1) / usable


def smape(actual: FloatArray, point: FloatArray) -> FloatArray:
    """Symmetric mean absolute percentage error of each series, 0 to 200 percent.

    200 |f - y| / (|f| + |y|), 0 where both are 0, averaged over the horizon.

    Returns:
        [series]; NaN where no step was observed.

    Source:
        Makridakis et al. 2020, International Journal of Forecasting 36(1), M4.
    """
    size = np.abs(actual) + np.abs(point)  # [series, horizon]
    error = 200.0 * np.abs(point - actual) / np.where(size > 0, size, 1.0)
    return mean_observed(error, axis=1)


def pinball(actual: FloatArray, quantiles: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Pinball loss of every forecast value, in the unit of the series.

    Args:
        actual: [series, horizon].
        quantiles: [series, horizon, quantiles].
        levels: In (0, 1), [quantiles].

    Returns:
        [series, horizon, quantiles]; NaN where the actual is missing.

    Source:
        Koenker and Bassett 1978, Econometrica 46(1).
    """
    level = np.asarray(levels)  # [quantiles]
    error = actual[..., None] - quantiles  # [series, horizon, quantiles]
    return np.maximum(level * error, (level - 1.0) * error)


def weighted_quantile_loss(
    actual: FloatArray,
    quantiles: FloatArray,
    levels: Sequence[float],
    scored: Sequence[float] = GIFT_LEVELS,
) -> float:
    """Mean weighted quantile loss over all points, as GIFT-Eval defines it.

    For each level 2 * sum of pinball losses / sum |y| over all points, then the mean over those
    of the `scored` levels that the forecast has.

    Returns:
        One number; NaN where every actual is 0 or missing, or no scored level is there.

    Source:
        Aksu et al. 2024, GIFT-Eval; Park et al. 2022, AISTATS.
    """
    chosen = [at for at, level in enumerate(levels) if _is_among(level, scored)]
    size = np.nansum(np.abs(actual))
    if not chosen or not size > 0:
        return float("nan")
    loss = pinball(actual, quantiles[..., chosen], [levels[at] for at in chosen])
    return float((2.0 * np.nansum(loss, axis=(0, 1)) / size).mean())


def covered(
    actual: FloatArray, quantiles: FloatArray, levels: Sequence[float], share: float
) -> FloatArray:
    """Which actuals lie within the central interval that is to hold `share` of them.

    Args:
        actual: [series, horizon].
        quantiles: [series, horizon, quantiles].
        levels: [quantiles].
        share: 0.8 takes the levels 0.1 and 0.9.

    Returns:
        [series, horizon]: 1 within, 0 outside, NaN where the actual is missing or the forecast
        has no such levels.
    """
    lower = level_index(levels, (1.0 - share) / 2.0)
    upper = level_index(levels, (1.0 + share) / 2.0)
    if lower is None or upper is None:
        return np.full(actual.shape, np.nan)
    inside = (quantiles[..., lower] <= actual) & (actual <= quantiles[..., upper])
    return np.where(np.isnan(actual), np.nan, inside.astype(np.float64))


def coverage(
    actual: FloatArray, quantiles: FloatArray, levels: Sequence[float], share: float
) -> float:
    """Share of actuals within the central interval that is to hold `share` of them.

    Returns:
        One number in [0, 1]; NaN where nothing was observed or the levels are not there.
    """
    return float(mean_observed(covered(actual, quantiles, levels, share)))


def level_index(levels: Sequence[float], wanted: float) -> int | None:
    """Position of a level among `levels`, or None.

    >>> level_index((0.1, 0.5, 0.9), (1 + 0.8) / 2)
    2
    """
    near: AnyArray = np.abs(np.asarray(levels, dtype=np.float64) - wanted) < LEVEL_TOLERANCE
    return int(near.argmax()) if near.any() else None


def _is_among(level: float, levels: Sequence[float]) -> bool:
    return level_index(levels, level) is not None
