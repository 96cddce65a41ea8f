"""What forecasts of a case were worth: the project's own metrics, and their spread by series."""

from typing import Any

import numpy as np

from rnnts.config import LEVELS
from rnnts.learning import metrics
from rnnts.learning.calibration import places_of
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from tests.benchmarks.accuracy.case import Case, newest_season

Json = dict[str, Any]
SHARES = (0.8, 0.95)
QUARTERS = 4
BOOTSTRAPS = 2_000
MIDDLE = LEVELS.index(0.5)


def scores(case: Case, quantiles: FloatArray) -> Json:
    """Every figure of one method on one case, as JSON values.

    A window that a method did not forecast is filled with the seasonal naive forecast and counted
    as unserved.

    Args:
        case: With the truth.
        quantiles: At rnnts.config.LEVELS, [series, windows, horizon, levels]; NaN where there is
            no forecast. A method that knows a point alone gives it for all levels.
    """
    unserved: BoolArray = np.asarray(np.isnan(quantiles).any(axis=(2, 3)))  # [series, windows]
    naive = newest_season(case, case.seasons[0])
    quantiles = np.where(unserved[:, :, None, None], naive[..., None], quantiles)
    actual, scale = case.actual, scales(case)
    point = quantiles[..., MIDDLE]
    by_series = errors(actual, point) / scale
    flat = actual.reshape(-1, case.horizon), quantiles.reshape(-1, case.horizon, len(LEVELS))
    figures: Json = {
        "mase": mean(by_series),
        "smape": mean(_over_windows(metrics.smape(flat[0], flat[1][..., MIDDLE]), case)),
        "wql": metrics.weighted_quantile_loss(*flat, LEVELS),
        "pinball": mean(_over_windows(_pinball(*flat), case) / scale),
        "unserved": int(unserved.sum()),
        "windows": int(unserved.size),
        "mase_by_series": dict(zip(case.ids, by_series.tolist(), strict=True)),
    }
    ranged = bool((quantiles[..., -1] > quantiles[..., 0]).any())
    return figures | (ranges(actual, quantiles, scale) if ranged else {})


def scales(case: Case) -> FloatArray:
    """In-sample error of the seasonal naive method before the first origin, NaN if 0, [series]."""
    known = case.values[:, : case.fitted_before]
    error = metrics.seasonal_error(known, case.seasons[0])
    scale: FloatArray = np.where(error > 0, error, np.nan)
    return scale


def errors(actual: FloatArray, point: FloatArray) -> FloatArray:
    """Mean absolute error of each series over all of its targets, [series]."""
    return metrics.mean_observed(np.abs(actual - point), axis=(1, 2))


def ranges(actual: FloatArray, quantiles: FloatArray, scale: FloatArray) -> Json:
    """Coverage of the ranges, by quarter of the horizon too, and what their width costs.

    Args:
        actual: [series, windows, horizon].
        quantiles: [series, windows, horizon, levels].
        scale: Seasonal error, [series].
    """
    figures: Json = {}
    places = np.full(actual.shape, np.nan)
    known = ~np.isnan(actual)
    places[known] = places_of(quantiles[known], actual[known], np.asarray(LEVELS))
    for share in SHARES:
        name = f"{round(100 * share)}"
        inside = metrics.covered(actual, quantiles, LEVELS, share)
        figures[f"coverage_{name}"] = float(metrics.mean_observed(inside))
        figures[f"coverage_{name}_error"] = bootstrap_error(inside)
        quarters = np.array_split(inside, QUARTERS, axis=2)
        figures[f"coverage_{name}_quarters"] = [
            float(metrics.mean_observed(quarter)) for quarter in quarters
        ]
        tail = (1 - share) / 2
        drawn = (places >= tail) & (places <= 1 - tail)
        figures[f"randomised_{name}"] = float(drawn[known].mean())
        interval = metrics.mean_observed(interval_score(actual, quantiles, share), axis=(1, 2))
        figures[f"interval_{name}"] = mean(interval / scale)
    return figures


def interval_score(actual: FloatArray, quantiles: FloatArray, share: float) -> FloatArray:
    """Width of the central range plus 2 / (1 - share) times what lies outside, shape of `actual`.

    Source:
        Gneiting and Raftery 2007, Journal of the American Statistical Association 102, eq. 43.
    """
    outside = 1 - share
    low = metrics.level_index(LEVELS, outside / 2)
    high = metrics.level_index(LEVELS, 1 - outside / 2)
    lower, upper = quantiles[..., low], quantiles[..., high]
    missed = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    score: FloatArray = upper - lower + 2 / outside * missed
    return score


def bootstrap_error(values: FloatArray) -> float:
    """Standard error of the mean of what is observed, by drawing whole series.

    Args:
        values: [series, ...], NaN where nothing is known.
    """
    rows = values.reshape(len(values), -1)
    count = (~np.isnan(rows)).sum(axis=1)  # [series]
    total = np.nansum(rows, axis=1)
    drawn: IntArray = np.random.default_rng(0).integers(0, len(rows), (BOOTSTRAPS, len(rows)))
    means = total[drawn].sum(axis=1) / np.maximum(count[drawn].sum(axis=1), 1)
    return float(means.std())


def skill(case: Case, point: FloatArray, reference: FloatArray) -> float:
    """1 - sum |error| / sum |error of the reference|, over all targets with a truth."""
    ours = np.nansum(np.abs(case.actual - point))
    theirs = np.nansum(np.abs(case.actual - reference))
    return float(1 - ours / theirs)


def mean(values: FloatArray) -> float:
    """Mean of what is not NaN."""
    return float(metrics.mean_observed(values))


def _over_windows(rows: FloatArray, case: Case) -> FloatArray:
    """Means over the windows of each series, [series * windows] -> [series]."""
    return metrics.mean_observed(rows.reshape(len(case.ids), len(case.origins)), axis=1)


def _pinball(actual: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Mean over horizon and levels, [rows]."""
    return metrics.mean_observed(metrics.pinball(actual, quantiles, LEVELS), axis=(1, 2))
