"""The figures of the accuracy benchmark, on examples whose answers are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses

from rnnts.config import LEVELS
from rnnts.panels.arrays import FloatArray
from tests.benchmarks.accuracy.case import Case, one_day
from tests.benchmarks.accuracy.scores import (
    bootstrap_error,
    interval_score,
    scales,
    scores,
    skill,
)

NORMAL = np.array([-1.96, -1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282,
                   1.645, 1.96])  # fmt: skip
"""Quantiles of the normal distribution at LEVELS."""


def noise(series: int = 40, windows: int = 5) -> Case:
    """Series of independent normal noise around their own level."""
    random = np.random.default_rng(0)
    values = random.normal(size=(series, 24 * (windows + 4))) + np.arange(series)[:, None]
    return replace(one_day(values), origins=24 * np.arange(4, windows + 4))


def ideal(case: Case) -> FloatArray:
    """The true quantiles of `noise`, [series, windows, horizon, levels]."""
    level = np.arange(len(case.ids))[:, None, None, None]
    quantiles: FloatArray = np.broadcast_to(level + NORMAL, (*case.actual.shape, len(LEVELS)))
    return quantiles


def test_true_quantiles_cover_what_they_promise() -> None:
    case = noise()
    found = scores(case, ideal(case))
    for share, nominal in (("80", 0.8), ("95", 0.95)):
        error = found[f"coverage_{share}_error"]
        assert 0.002 < error < 0.012
        assert found[f"coverage_{share}"] == pytest.approx(nominal, abs=3 * error)
        assert found[f"randomised_{share}"] == pytest.approx(nominal, abs=3 * error)
        assert np.allclose(found[f"coverage_{share}_quarters"], nominal, atol=0.03)
    assert found["unserved"] == 0
    assert found["mase"] < 0.8  # of two independent draws' distance: 1 / sqrt 2


def test_scores_over_windows_equal_those_of_utilsforecast() -> None:
    case = noise(series=6, windows=3)
    quantiles = ideal(case)
    steps = case.horizon * len(case.origins)
    frame = pd.DataFrame({
        "unique_id": np.repeat(case.ids, steps),
        "y": case.actual.ravel(),
        "m": quantiles[..., 6].ravel(),
    })  # fmt: skip
    known = case.values[:, : case.fitted_before]  # noqa: PD011 - no frame
    train = pd.DataFrame({"unique_id": np.repeat(case.ids, known.shape[1]), "y": known.ravel()})
    found = scores(case, quantiles)
    theirs = losses.mase(frame, ["m"], 24, train).set_index("unique_id")["m"]
    assert found["mase"] == pytest.approx(theirs.mean())
    assert found["mase_by_series"] == pytest.approx(theirs.to_dict())
    assert found["smape"] == pytest.approx(200 * losses.smape(frame, ["m"])["m"].mean())


def test_the_interval_score_is_the_width_and_a_fine_for_what_lies_outside() -> None:
    quantiles = np.broadcast_to(np.linspace(0, 12, 13), (1, 1, 3, 13))
    actual = np.array([[[5.0, 11.5, 0.0]]])
    low, high = LEVELS.index(0.1), LEVELS.index(0.9)
    found = interval_score(actual, quantiles, 0.8)[0, 0]
    width = float(high - low)
    fines = [0.0, (11.5 - high) / 0.1, low / 0.1]
    assert found.tolist() == pytest.approx([width + fine for fine in fines])


def test_the_true_range_has_the_lowest_interval_score() -> None:
    case = noise()
    true = ideal(case)
    middle = true[..., 6:7]
    costs = [scores(case, middle + (true - middle) * width)["interval_80"] for width in (0.5, 1, 2)]
    assert costs[1] == min(costs)


def test_whole_series_that_err_alike_widen_the_error_of_a_mean() -> None:
    apart = np.random.default_rng(0).integers(0, 2, (50, 100)).astype(float)
    alike = np.repeat(apart[:, :1], 100, axis=1)
    assert bootstrap_error(alike) == pytest.approx(0.5 / np.sqrt(50), rel=0.1)
    assert bootstrap_error(apart) < bootstrap_error(alike) / 5


def test_what_was_not_forecast_counts_as_the_naive_forecast_and_is_told() -> None:
    case = noise(series=2, windows=2)
    quantiles = ideal(case).copy()
    quantiles[1, 0] = np.nan
    found = scores(case, quantiles)
    assert found["unserved"] == 1
    assert found["mase_by_series"]["1"] > found["mase_by_series"]["0"]


def test_missing_truth_and_constant_series_count_nowhere() -> None:
    case = noise(series=3, windows=2)
    values = case.values.copy()  # noqa: PD011 - no frame
    values[0, 24 * 4 : 24 * 5] = np.nan
    values[2] = 7.0
    case = replace(case, values=values)
    found = scores(case, np.nan_to_num(ideal(case)))
    assert np.isnan(scales(case)).tolist() == [False, False, True]
    assert np.isfinite(found["mase"])
    assert np.isnan(found["mase_by_series"]["2"])


def test_skill_is_pooled_over_all_targets() -> None:
    case = noise(series=2, windows=1)
    assert skill(case, case.actual, case.actual + 1) == 1.0
    assert skill(case, case.actual + 1, case.actual + 4) == pytest.approx(0.75)
