"""Each score equals its plain double loop, and utilsforecast's."""

import math

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses

from rnnts.learning import metrics

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
SERIES, HORIZON, SEASON = 5, 12, 4


class Case:
    """A random history, what followed, and a forecast of it; some values missing on demand."""

    def __init__(self, seed: int, missing: float = 0.0) -> None:
        random = np.random.default_rng(seed)
        self.history = random.normal(10, 3, (SERIES, 40))
        self.actual = random.normal(10, 3, (SERIES, HORIZON))
        self.quantiles = np.sort(random.normal(10, 3, (SERIES, HORIZON, len(LEVELS))), axis=2)
        self.point = self.quantiles[:, :, LEVELS.index(0.5)]
        self.actual[random.random(self.actual.shape) < missing] = np.nan

    def frame(self) -> pd.DataFrame:
        """The forecast in the long format of utilsforecast."""
        columns = {f"q{level}": self.quantiles[:, :, at] for at, level in enumerate(LEVELS)}
        columns |= {"y": self.actual, "m": self.point}
        columns |= {"m-lo-80": columns["q0.1"], "m-hi-80": columns["q0.9"]}
        long = {name: values.ravel() for name, values in columns.items()}
        return pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(SERIES), HORIZON),
                "ds": np.tile(np.arange(40, 40 + HORIZON), SERIES),
                **long,
            }
        )

    def training(self) -> pd.DataFrame:
        """The history in the long format of utilsforecast."""
        return pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(SERIES), 40),
                "ds": np.tile(np.arange(40), SERIES),
                "y": self.history.ravel(),
            }
        )


def plain_mean(values: list[float]) -> float:
    kept = [value for value in values if not math.isnan(value)]
    return sum(kept) / len(kept)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_mase_equals_its_plain_loop(missing: float) -> None:
    case = Case(1, missing)
    expected = []
    for series in range(SERIES):
        row = case.history[series]
        naive = plain_mean([abs(row[t] - row[t - SEASON]) for t in range(SEASON, 40)])
        errors = [abs(case.actual[series, h] - case.point[series, h]) for h in range(HORIZON)]
        expected.append(plain_mean(errors) / naive)
    scale = metrics.seasonal_error(case.history, SEASON)
    np.testing.assert_allclose(metrics.mase(case.actual, case.point, scale), expected)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_smape_equals_its_plain_loop(missing: float) -> None:
    case = Case(2, missing)
    expected = [
        plain_mean(
            [
                200 * abs(f - y) / (abs(f) + abs(y))
                for f, y in zip(case.point[series], case.actual[series], strict=True)
            ]
        )
        for series in range(SERIES)
    ]
    np.testing.assert_allclose(metrics.smape(case.actual, case.point), expected)


def test_pinball_equals_its_triple_loop() -> None:
    case = Case(3)
    loss = metrics.pinball(case.actual, case.quantiles, LEVELS)
    for series in range(SERIES):
        for step in range(HORIZON):
            for at, level in enumerate(LEVELS):
                error = case.actual[series, step] - case.quantiles[series, step, at]
                expected = level * error if error >= 0 else (level - 1) * error
                assert loss[series, step, at] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_weighted_quantile_loss_equals_its_plain_loop_over_nine_levels(missing: float) -> None:
    case = Case(4, missing)
    size = sum(abs(y) for y in case.actual.ravel() if not math.isnan(y))
    by_level = []
    for level in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]:
        total = 0.0
        for series in range(SERIES):
            for step in range(HORIZON):
                error = (
                    case.actual[series, step] - case.quantiles[series, step, LEVELS.index(level)]
                )
                if not math.isnan(error):
                    total += max(level * error, (level - 1) * error)
        by_level.append(2 * total / size)
    loss = metrics.weighted_quantile_loss(case.actual, case.quantiles, LEVELS)
    assert loss == pytest.approx(sum(by_level) / 9)


def test_all_scores_equal_those_of_utilsforecast() -> None:
    case = Case(5)
    frame = case.frame()
    scale = metrics.seasonal_error(case.history, SEASON)
    theirs = losses.mase(frame, ["m"], SEASON, case.training())["m"]
    np.testing.assert_allclose(metrics.mase(case.actual, case.point, scale), theirs)
    theirs = losses.smape(frame, ["m"])["m"] * 200  # theirs runs from 0 to 1
    np.testing.assert_allclose(metrics.smape(case.actual, case.point), theirs)
    loss = metrics.pinball(case.actual, case.quantiles, LEVELS)
    for at, level in enumerate(LEVELS):
        theirs = losses.quantile_loss(frame, {"m": f"q{level}"}, level)["m"]
        np.testing.assert_allclose(loss[:, :, at].mean(axis=1), theirs)
    share = losses.coverage(frame, ["m"], 80)["m"].mean()
    ours = metrics.coverage(case.actual, case.quantiles, LEVELS, 0.8)
    assert ours == pytest.approx(share)


def test_the_weighted_quantile_loss_of_one_series_is_its_scaled_crps() -> None:
    case = Case(6)
    columns = [f"q{level}" for level in metrics.GIFT_LEVELS]
    theirs = losses.scaled_crps(case.frame(), {"m": columns}, np.array(metrics.GIFT_LEVELS))["m"]
    ours = [
        metrics.weighted_quantile_loss(case.actual[[one]], case.quantiles[[one]], LEVELS)
        for one in range(SERIES)
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_what_cannot_be_scored_is_nan_and_warns_of_nothing() -> None:
    actual = np.array([[np.nan, np.nan], [1.0, 1.0]])
    point = np.ones((2, 2))
    quantiles = np.ones((2, 2, 1))
    assert np.isnan(metrics.mase(actual, point, np.array([1.0, 0.0]))).all()
    assert np.isnan(metrics.smape(actual, point)).tolist() == [True, False]
    assert math.isnan(metrics.coverage(actual, quantiles, (0.5,), 0.8))
    assert math.isnan(metrics.weighted_quantile_loss(actual * 0, quantiles, (0.5,)))
    assert math.isnan(metrics.weighted_quantile_loss(actual, quantiles, (0.025,)))


def test_a_right_forecast_of_zero_has_no_percentage_error() -> None:
    zero = np.zeros((1, 3))
    assert metrics.smape(zero, zero).tolist() == [0.0]


def test_an_actual_on_the_edge_of_its_interval_is_covered() -> None:
    actual = np.array([[1.0, 2.0, 3.0, np.nan]])
    quantiles = np.tile(np.array([2.0, 2.5, 3.0]), (1, 4, 1))
    inside = metrics.covered(actual, quantiles, (0.1, 0.5, 0.9), 0.8)
    np.testing.assert_array_equal(inside, [[0.0, 1.0, 1.0, np.nan]])
    assert metrics.coverage(actual, quantiles, (0.1, 0.5, 0.9), 0.8) == pytest.approx(2 / 3)
