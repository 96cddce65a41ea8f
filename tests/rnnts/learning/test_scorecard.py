"""A scorecard of sums equals the scores of all windows at once."""

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.learning import metrics
from rnnts.learning.scorecard import Tally, comparable

ORIGINS, SERIES, HORIZON = 3, 5, 6


def example(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Actuals [origins, series, horizon] with gaps, quantiles, scale [series]."""
    random = np.random.default_rng(seed)
    actual = random.normal(10, 3, (ORIGINS, SERIES, HORIZON))
    actual[random.random(actual.shape) < 0.1] = np.nan
    quantiles = np.sort(random.normal(10, 3, (*actual.shape, len(LEVELS))), axis=3)
    return actual, quantiles, random.uniform(1, 3, SERIES)


def tally_of(
    actual: np.ndarray, quantiles: np.ndarray, scale: np.ndarray, windows: np.ndarray
) -> Tally:
    tally = Tally(LEVELS, scale)
    for origin in range(ORIGINS):
        tally.add(actual[origin], quantiles[origin], windows)
    return tally


def test_scores_equal_the_metrics_over_all_windows() -> None:
    actual, quantiles, scale = example(0)
    scores = tally_of(actual, quantiles, scale, np.ones(SERIES, bool)).scores()
    flat = actual.reshape(-1, HORIZON)
    spread = quantiles.reshape(-1, HORIZON, len(LEVELS))
    point = spread[:, :, LEVELS.index(0.5)]
    mase = metrics.mase(flat, point, np.tile(scale, ORIGINS)).mean()
    assert scores["mase"] == pytest.approx(mase)
    assert scores["smape"] == pytest.approx(metrics.smape(flat, point).mean())
    assert scores["wql"] == pytest.approx(metrics.weighted_quantile_loss(flat, spread, LEVELS))
    for share, name in ((0.8, "coverage_80"), (0.95, "coverage_95")):
        assert scores[name] == pytest.approx(metrics.coverage(flat, spread, LEVELS, share))
    assert scores["n"] == (~np.isnan(actual)).sum()
    assert scores["windows"] == ORIGINS * SERIES


def test_scores_by_step_equal_the_scores_of_that_step_alone() -> None:
    actual, quantiles, scale = example(1)
    by_step = tally_of(actual, quantiles, scale, np.ones(SERIES, bool)).by_step()
    for step in range(HORIZON):
        one = Tally(LEVELS, scale)
        for origin in range(ORIGINS):
            truth, spread = actual[origin, :, [step]].T, quantiles[origin, :, [step]]
            one.add(truth, spread.swapaxes(0, 1), np.ones(SERIES, bool))
        scores = one.scores()
        for name in ("mase", "wql", "coverage_80", "coverage_95"):
            assert by_step[name][step] == pytest.approx(scores[name])


def test_windows_that_do_not_count_change_nothing() -> None:
    actual, quantiles, scale = example(2)
    some = np.array([True, False, True, True, False])
    whole = tally_of(actual, quantiles, scale, some)
    wrong = np.where(some[:, None, None], quantiles, 1e9)
    assert whole.scores() == tally_of(actual, wrong, scale, some).scores()
    assert np.isnan(whole.windows()).any(axis=0).tolist() == (~some).tolist()


def test_a_constant_series_has_no_mase_but_counts_elsewhere() -> None:
    actual, quantiles, scale = example(3)
    none = tally_of(actual, quantiles, scale * 0, np.ones(SERIES, bool)).scores()
    assert none["mase"] is None
    assert none["smape"] is not None


def test_levels_that_were_not_asked_for_are_left_out() -> None:
    actual, quantiles, scale = example(4)
    tally = Tally((0.2, 0.5, 0.8), scale)
    tally.add(actual[0], quantiles[0, :, :, [3, 6, 9]].transpose(1, 2, 0), np.ones(SERIES, bool))
    scores = tally.scores()
    assert scores["coverage_80"] is None
    assert scores["wql"] is not None
    with pytest.raises(ValueError, match=r"expected level 0\.5"):
        Tally((0.2, 0.8), scale).add(actual[0], quantiles[0, :, :, :2], np.ones(SERIES, bool))


def test_only_series_that_all_methods_serve_are_compared() -> None:
    actual, quantiles, _ = example(5)
    actual[0, 1] = np.nan
    lacking = quantiles[0].copy()
    lacking[3, 2, 0] = np.nan
    same = comparable({"network": quantiles[0], "seasonal_naive_day": lacking}, actual[0])
    assert same.tolist() == [True, False, True, False, True]
