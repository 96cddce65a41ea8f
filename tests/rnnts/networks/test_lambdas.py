import math
import warnings

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnts.networks import lambdas

nan = float("nan")


def state_of(rows: list[list[float]]) -> np.ndarray:
    return np.asarray(lambdas.window_scale(np.array(rows)))


def test_expand_dims_gives_each_step_one_feature() -> None:
    assert lambdas.expand_dims(np.zeros((4, 30))).shape == (4, 30, 1)


def test_a_window_is_scaled_by_its_median_and_mean_absolute_deviation() -> None:
    state = state_of([[1.0, 2.0, 3.0, 10.0], [1.0, nan, 3.0, 8.0]])
    assert state.tolist() == [[2.5, 2.5], [3.0, 7 / 3]]


def test_a_window_of_missing_values_has_no_centre_and_no_spread() -> None:
    assert state_of([[nan, nan]]).tolist() == [[0.0, 0.0]]


def test_small_differences_of_large_numbers_survive_the_scale() -> None:
    values = np.array([[1e9, 1e9 + 10, 1e9 + 20]])
    state = lambdas.window_scale(values)
    scaled = np.asarray(lambdas.scale([values, state]))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [[-1.5, 0.0, 1.5]], rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(
    arrays.arrays(np.float64, (3, 6), elements=st.floats(-1e12, 1e12, allow_nan=False, width=64))
)
def test_undoing_a_scale_gives_back_the_window(values: np.ndarray) -> None:
    state = np.asarray(lambdas.window_scale(values))
    again = np.asarray(lambdas.unscale([lambdas.scale([values, state]), state]))
    tolerance = 1e-6 * (np.abs(values - state[:, :1]) + state[:, 1:]) + 1e-15 * np.abs(values)
    assert again.dtype == np.float64
    assert (np.abs(again - values) <= tolerance + 1e-300).all()


def test_scaling_by_a_constant_is_the_courses_x100() -> None:
    state = lambdas.constant_scale(np.ones((2, 5)), 100.0)
    unscaled = np.asarray(lambdas.unscale([np.full((2, 1, 1), 0.5), state]))
    assert unscaled.ravel().tolist() == [50.0, 50.0]


def test_the_series_brings_its_own_scale() -> None:
    assert lambdas.series_scale(np.array([[5.0, 2.0, 9.0]])).tolist() == [[5.0, 2.0]]


def test_fused_operations_are_compiled_where_it_is_asked_for_and_compute_the_same() -> None:
    seen: list[bool] = []

    @lambdas.fused
    def halve(values: np.ndarray) -> np.ndarray:
        seen.append(tf.executing_eagerly())
        return values / 2

    plain = halve(tf.constant([3.0]))
    with lambdas.fusing():
        compiled = halve(tf.constant([3.0]))
        with lambdas.fusing(on=False):
            halve(tf.constant([3.0]))
    halve(tf.constant([3.0]))
    assert float(plain[0]) == float(compiled[0]) == 1.5
    assert seen == [True, False, True, True]


def test_missing_values_are_told_from_zeros() -> None:
    values = np.array([[0.0, nan]], np.float32)
    assert np.asarray(lambdas.observed(values)).tolist() == [[1.0, 0.0]]
    assert np.asarray(lambdas.fill(values)).tolist() == [[0.0, 0.0]]


def test_quantiles_lie_a_softplus_of_each_gap_apart() -> None:
    gap = np.log(np.e - 1)  # softplus of it is 1
    raw = np.full((1, 1, 3), gap, np.float32)
    rising = lambdas.quantiles([np.full((1, 1), 10.0, np.float32), raw], middle=2)
    np.testing.assert_allclose(rising, [[[8.0, 9.0, 10.0, 11.0]]], rtol=1e-6)


@pytest.mark.parametrize("middle", [0, 2, 4])
def test_quantiles_never_cross_whatever_the_network_says(middle: int) -> None:
    random = np.random.default_rng(0)
    raw = random.normal(0, 50, (200, 7, 4)).astype(np.float32)
    rising = lambdas.quantiles([random.normal(size=(200, 7)).astype(np.float32), raw], middle)
    state = np.stack([random.normal(0, 1e9, 200), random.exponential(1e-3, 200)], axis=1)
    assert (np.diff(np.asarray(lambdas.unscale([rising, state])), axis=-1) >= 0).all()


@pytest.mark.parametrize("length", [1, 2, 7, 24, lambdas.MOST_RANKED, lambdas.MOST_RANKED + 1, 200])
def test_the_median_of_short_and_long_rows_is_that_of_what_is_known(length: int) -> None:
    random = np.random.default_rng(length)
    values = random.integers(0, 5, (40, 3, length)).astype(np.float64)  # many are equal
    values[random.random(values.shape) < 0.3] = np.nan
    values[0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row of nothing but NaN
        expected = np.nanmedian(values, axis=-1)
    np.testing.assert_array_equal(np.asarray(lambdas.median_or_nan(values)), expected)


def test_gaussian_error_linear_units_are_near_those_by_the_integral() -> None:
    values = np.linspace(-9, 9, 1001, dtype=np.float32)
    exact = [value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in values.tolist()]
    np.testing.assert_allclose(lambdas.gelu(values), exact, atol=0.0204)
    by_sigmoid = values / (1 + np.exp(-1.702 * values.astype(float)))
    np.testing.assert_allclose(lambdas.gelu(values), by_sigmoid, atol=1e-5)
