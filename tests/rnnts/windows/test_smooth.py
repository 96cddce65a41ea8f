import numpy as np
import pytest

from rnnts.windows.smooth import CELLS, smooth

nan = float("nan")


def test_noise_is_averaged_away() -> None:
    noise = np.random.default_rng(0).normal(0, 5, (1, 4000))
    assert smooth(noise, 10).std() < noise.std() / 2


def test_a_jump_stays_where_it_is() -> None:
    random = np.random.default_rng(1)
    values = np.where(np.arange(200) < 100, 0.0, 50.0)[None] + random.normal(0, 2, (1, 200))
    smoothed = smooth(values, 10)
    assert abs(smoothed[0, 99]) < 5
    assert abs(smoothed[0, 100] - 50) < 5


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1 / 3, -123.456, 7e9 + 0.1, 1e-200])
def test_a_constant_stays_itself(value: float) -> None:
    smoothed = smooth(np.full((1, 100), value), 10)
    np.testing.assert_allclose(smoothed, np.full((1, 100), value), rtol=1e-12)


def test_what_is_missing_stays_missing_and_harms_no_neighbour() -> None:
    smoothed = smooth(np.array([[1.0, 1.0, nan, 1.0, 1.0]]), 2)
    np.testing.assert_array_equal(smoothed, [[1.0, 1.0, nan, 1.0, 1.0]])


def test_values_between_missing_ones_stay_themselves() -> None:
    smoothed = smooth(np.array([[0.0, nan, 1e12, nan, 5.0]]), 2)
    np.testing.assert_array_equal(smoothed, [[0.0, nan, 1e12, nan, 5.0]])


def test_a_value_depends_on_its_reach_and_on_nothing_else() -> None:
    values = np.random.default_rng(2).normal(size=(1, 60))
    changed = values.copy()
    changed[:, :19] = 99.0
    changed[:, 42:] = -99.0
    np.testing.assert_array_equal(smooth(values, 10)[:, 30], smooth(changed, 10)[:, 30])
    assert (
        smooth(values, 10)[0, 30] != smooth(np.where(values == values[0, 25], 0, values), 10)[0, 30]
    )


def test_fewer_steps_than_the_reach_are_smoothed_too() -> None:
    assert np.isfinite(smooth(np.array([[1.0, 2.0, 4.0]]), 10)).all()


def test_a_series_is_smoothed_as_if_it_were_alone() -> None:
    values = np.random.default_rng(3).normal(size=(200, 300)).cumsum(axis=1)
    values[::7, ::5] = nan
    assert values.size > 3 * CELLS  # several blocks
    alone = np.concatenate([smooth(row[None], 10) for row in values])
    np.testing.assert_array_equal(smooth(values, 10), alone)
