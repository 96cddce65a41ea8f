import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnts.config import LEVELS
from rnnts.learning.calibration import (
    FACTOR_MAX,
    FACTOR_MIN,
    MIN_SCORES,
    Calibration,
    Residuals,
    _conformal,
)
from rnnts.panels.arrays import FloatArray

NORMAL = np.array(
    [-1.96, -1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645, 1.96]
)
THREE = (0.1, 0.5, 0.9)


def gaussian(rows: int, horizon: int, claimed: float, seed: int = 0) -> Residuals:
    """Noise of spread 1 beside ranges that claim a spread of `claimed`."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(100, 10, (rows, horizon))
    return Residuals(
        centre[:, :, None] + claimed * NORMAL,
        centre + rng.normal(0, 1, (rows, horizon)),
        np.ones(rows),
    )


def coverage(quantiles: FloatArray, actual: FloatArray) -> FloatArray:
    return np.asarray((actual[:, :, None] <= quantiles).mean(axis=(0, 1)))  # [levels]


@pytest.mark.parametrize("claimed", [0.4, 1.0, 1.8])
def test_ranges_too_narrow_or_too_wide_cover_what_they_say_on_new_data(claimed: float) -> None:
    fitted = Calibration.fit(LEVELS, gaussian(2_000, 4, claimed))
    fresh = gaussian(2_000, 4, claimed, seed=1)
    got = coverage(fitted.apply(fresh.quantiles), fresh.actual)
    assert np.abs(got - np.array(LEVELS)).max() < 0.02


def test_each_step_learns_its_own_width() -> None:
    near, far = gaussian(500, 1, 1.0), gaussian(500, 1, 0.25, seed=2)
    both = Residuals(
        np.concatenate([near.quantiles, far.quantiles], axis=1),
        np.concatenate([near.actual, far.actual], axis=1),
        near.scale,
    )
    fitted = Calibration.fit(LEVELS, both)
    widths = np.ptp(fitted.apply(both.quantiles)[0], axis=1)
    assert widths[0] == pytest.approx(3.92, rel=0.15)
    assert widths[1] == pytest.approx(3.92, rel=0.15)
    assert fitted.scores.tolist() == [500, 500]


def test_the_median_stays_bit_for_bit() -> None:
    residuals = gaussian(100, 3, 0.5)
    fitted = Calibration.fit(LEVELS, residuals)
    assert not fitted.is_identity
    assert (fitted.apply(residuals.quantiles)[:, :, 6] == residuals.quantiles[:, :, 6]).all()


def test_without_enough_scores_nothing_changes() -> None:
    few = gaussian(MIN_SCORES - 1, 1, 0.1)
    fitted = Calibration.fit(LEVELS, few)
    assert fitted.is_identity
    assert fitted.scores.tolist() == [0]
    assert (fitted.apply(few.quantiles) == few.quantiles).all()


def test_one_score_more_is_enough() -> None:
    assert not Calibration.fit(LEVELS, gaussian(MIN_SCORES, 1, 0.1)).is_identity


def test_steps_with_few_scores_are_pooled_with_their_neighbours() -> None:
    fitted = Calibration.fit(LEVELS, gaussian(20, 30, 0.5))
    assert (fitted.scores >= 400).all()
    assert fitted.scores[15] == 20 * 21  # ten steps either side of it


def test_a_truth_that_is_not_known_yet_counts_for_nothing() -> None:
    known = gaussian(200, 2, 0.5)
    padded = Residuals.joined(
        [known, Residuals(known.quantiles, np.full((200, 2), np.nan), known.scale)]
    )
    assert (Calibration.fit(LEVELS, padded).factors == Calibration.fit(LEVELS, known).factors).all()


def test_closed_hours_do_not_narrow_the_open_ones() -> None:
    opened = gaussian(400, 2, 1.0)
    closed = Residuals(np.zeros((400, 2, len(LEVELS))), np.zeros((400, 2)), np.ones(400))
    mixed = Calibration.fit(LEVELS, Residuals.joined([opened, closed]))
    assert (mixed.factors == Calibration.fit(LEVELS, opened).factors).all()


def test_a_range_of_nearly_nothing_does_not_blow_up_the_others() -> None:
    residuals = gaussian(400, 1, 1.0)
    residuals.quantiles[:5] = residuals.quantiles[:5, :, 6:7] + 1e-9 * NORMAL
    assert Calibration.fit(LEVELS, residuals).factors.max() < 2


def test_factors_stay_within_their_limits() -> None:
    assert Calibration.fit(LEVELS, gaussian(400, 1, 0.03)).factors.max() == FACTOR_MAX
    assert Calibration.fit(LEVELS, gaussian(400, 1, 9.0)).factors.min() == FACTOR_MIN


@given(
    gaps=arrays.arrays(np.float64, (5, 3, 12), elements=st.floats(0, 1e6)),
    factors=arrays.arrays(np.float64, (3, 12), elements=st.floats(0, FACTOR_MAX)),
    centre=st.floats(-1e9, 1e9),
)
@settings(max_examples=50, deadline=None)
def test_what_did_not_cross_does_not_cross_after(
    gaps: FloatArray, factors: FloatArray, centre: float
) -> None:
    quantiles = centre + np.concatenate([np.zeros((5, 3, 1)), gaps.cumsum(axis=2)], axis=2)
    calibrated = Calibration(LEVELS, factors, np.full(3, 99)).apply(quantiles)
    assert (np.diff(calibrated, axis=2) >= 0).all()


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_any_fit_on_any_noise_gives_factors_that_cannot_cross(seed: int) -> None:
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.normal(0, 1, (50, 2, 13)), axis=2)
    fitted = Calibration.fit(LEVELS, Residuals(quantiles, rng.normal(2, 3, (50, 2)), np.ones(50)))
    assert (np.diff(fitted.apply(quantiles), axis=2) >= 0).all()


def test_the_conformal_bound_equals_its_definition() -> None:
    scores = np.random.default_rng(3).permutation(np.arange(1.0, 101.0))
    for share in (0.6, 0.9, 0.95, 0.975):
        above = [s for s in sorted(scores) if (scores <= s).sum() >= share * 101 - 1e-9]
        assert _conformal(scores, share) == above[0]
    assert _conformal(np.arange(39.0), 0.975) == 38.0


def test_arrays_give_the_calibration_back() -> None:
    fitted = Calibration.fit(LEVELS, gaussian(100, 3, 0.5))
    again = Calibration.from_arrays(fitted.to_arrays())
    assert again.levels == fitted.levels
    assert (again.factors == fitted.factors).all()
    assert (again.scores == fitted.scores).all()


def test_another_horizon_is_refused() -> None:
    with pytest.raises(ValueError, match="expected quantiles"):
        Calibration.identity(THREE, 4).apply(np.zeros((2, 5, 3)))


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ValueError, match="negative or missing"):
        Calibration(THREE, np.array([[1.0, np.nan]]), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="expected factors"):
        Calibration(THREE, np.ones((2, 3)), np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="expected quantiles"):
        Residuals(np.zeros((2, 3, 3)), np.zeros((2, 4)), np.zeros(2))
