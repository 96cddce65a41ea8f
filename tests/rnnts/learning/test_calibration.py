from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnts.config import LEVELS
from rnnts.learning.calibration import (
    FARTHEST,
    HALF_LIFE,
    MIN_SCORES,
    Calibration,
    bounds_of,
    places_of,
    read,
)
from rnnts.learning.residuals import Residuals
from rnnts.panels.arrays import AnyArray, FloatArray

NORMAL = np.array(
    [-1.96, -1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645, 1.96]
)
THREE = (0.1, 0.5, 0.9)
AXIS = np.array(LEVELS)
DAY = 24
rising = arrays.arrays(np.float64, (5, 3, 13), elements=st.floats(-1e6, 1e6)).map(
    lambda values: np.sort(values, axis=2)
)


def gaussian(
    rows: int, horizon: int, claimed: float, seed: int = 0, spread: float = 1.0, series: int = 10
) -> Residuals:
    """Noise of a spread beside ranges that claim another, of some series day by day."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(100, 10, (rows, horizon))
    number = np.arange(rows)
    return Residuals(
        centre[:, :, None] + claimed * NORMAL,
        centre + rng.normal(0, spread, (rows, horizon)),
        np.ones(rows),
        (number % series).astype(np.str_),
        DAY * (number // series),
        np.zeros(rows, np.int64),
    )


def strangers(rows: int) -> AnyArray:
    return np.full(rows, "nobody knows me")


def coverage(quantiles: FloatArray, actual: FloatArray) -> FloatArray:
    return np.asarray((actual[:, :, None] <= quantiles).mean(axis=(0, 1)))  # [levels]


@pytest.mark.parametrize("claimed", [0.4, 1.0, 1.8])
def test_ranges_too_narrow_or_too_wide_cover_what_they_say_on_new_data(claimed: float) -> None:
    fitted = Calibration.fit(LEVELS, gaussian(2_000, 4, claimed, series=100), DAY)
    fresh = gaussian(2_000, 4, claimed, seed=1, series=100)
    got = coverage(fitted.apply(fresh.quantiles, fresh.series), fresh.actual)
    assert np.abs(got - AXIS).max() < 0.02


def test_each_step_learns_its_own_width() -> None:
    near, far = gaussian(500, 1, 1.0), gaussian(500, 1, 0.5, seed=2)
    both = replace(
        near,
        quantiles=np.concatenate([near.quantiles, far.quantiles], axis=1),
        actual=np.concatenate([near.actual, far.actual], axis=1),
    )
    fitted = Calibration.fit(LEVELS, both, DAY)
    fair = fitted.apply(both.quantiles, both.series)
    widths = (fair[:, :, 10] - fair[:, :, 2]).mean(axis=0)  # from level 0.1 to 0.9
    assert widths == pytest.approx([2.56, 2.56], rel=0.15)
    assert fitted.scores.tolist() == [500, 500]


def test_series_that_miss_more_get_wider_ranges() -> None:
    calm = gaussian(400, 24, 1.0, spread=0.5)
    wild = replace(gaussian(400, 24, 1.0, seed=3, spread=2.0), series=strangers(400))
    fitted = Calibration.fit(LEVELS, Residuals.joined([calm, wild]), DAY)
    alike = replace(fitted, own=np.tile(AXIS, (len(fitted.own), 1)))
    for spread, series in ((0.5, calm.series), (2.0, wild.series)):
        fresh = replace(gaussian(400, 24, 1.0, seed=4, spread=spread), series=series)
        misses = [
            coverage(each.apply(fresh.quantiles, fresh.series), fresh.actual)
            for each in (fitted, alike)
        ]
        own, pooled = (abs(got[-3] - got[2] - 0.8) for got in misses)
        assert own < pooled / 2


def test_a_series_that_nobody_has_seen_is_read_like_all_others() -> None:
    fitted = Calibration.fit(LEVELS, gaussian(2_000, 4, 0.5), DAY)
    fresh = gaussian(2_000, 4, 0.5, seed=1)
    alone = replace(fitted, series=fitted.series[:0], own=fitted.own[:0])
    stranger = fitted.apply(fresh.quantiles, strangers(2_000))
    assert (stranger == alone.apply(fresh.quantiles, fresh.series)).all()


def test_new_errors_count_for_more_than_old_ones() -> None:
    old = gaussian(4_000, 4, 1.0)
    new = gaussian(300, 4, 1.0, seed=1, spread=3.0)
    later = replace(new, origin=new.origin + old.origin.max())
    fitted = Calibration.fit(LEVELS, Residuals.joined([old, later]), DAY)
    fresh = gaussian(2_000, 4, 1.0, seed=2, spread=3.0)
    got = coverage(fitted.apply(fresh.quantiles, fresh.series), fresh.actual)
    assert len(np.unique(later.origin)) == pytest.approx(2 * HALF_LIFE, abs=2)
    assert got[-3] - got[2] > 0.7  # alike they would hold 0.33: the old ones are 400 nights


def test_counts_of_zero_do_not_narrow_the_ranges_of_busy_hours() -> None:
    rng = np.random.default_rng(0)
    busy = gaussian(2_000, 2, 1.0)
    idle = replace(
        busy,
        quantiles=np.maximum(0.0, 0.3 * np.tile(NORMAL, (2_000, 2, 1))),
        actual=(rng.random((2_000, 2)) < 0.1).astype(float),
        series=strangers(2_000),
    )
    fitted = Calibration.fit(LEVELS, Residuals.joined([busy, idle]), DAY)
    fresh = gaussian(2_000, 2, 1.0, seed=1)
    got = coverage(fitted.apply(fresh.quantiles, fresh.series), fresh.actual)
    assert got[-3] - got[2] >= 0.78


def test_the_median_stays_bit_for_bit() -> None:
    residuals = gaussian(100, 3, 0.5)
    fitted = Calibration.fit(LEVELS, residuals, DAY)
    assert not fitted.is_identity
    read_again = fitted.apply(residuals.quantiles, residuals.series)
    assert (read_again[:, :, 6] == residuals.quantiles[:, :, 6]).all()


def test_without_enough_scores_nothing_changes() -> None:
    few = gaussian(MIN_SCORES - 1, 1, 0.1)
    fitted = Calibration.fit(LEVELS, few, DAY)
    assert fitted.is_identity
    assert fitted.scores.tolist() == [0]
    assert (fitted.apply(few.quantiles, few.series) == few.quantiles).all()


def test_one_score_more_is_enough() -> None:
    assert not Calibration.fit(LEVELS, gaussian(MIN_SCORES, 1, 0.1), DAY).is_identity


def test_nothing_at_all_teaches_nothing() -> None:
    assert Calibration.fit(LEVELS, Residuals.none(4, 13), DAY).is_identity
    assert Calibration.fit((0.5,), gaussian(400, 1, 1.0), DAY).is_identity


def test_steps_with_few_scores_are_pooled_with_their_neighbours() -> None:
    fitted = Calibration.fit(LEVELS, gaussian(20, 30, 0.5), DAY)
    assert (fitted.scores >= 400).all()
    assert fitted.scores[15] == 20 * 21  # ten steps either side of it


def test_a_truth_that_is_not_known_yet_counts_for_nothing() -> None:
    known = gaussian(200, 2, 0.5)
    padded = Residuals.joined([known, replace(known, actual=np.full((200, 2), np.nan))])
    assert (
        Calibration.fit(LEVELS, padded, DAY).steps == Calibration.fit(LEVELS, known, DAY).steps
    ).all()


def test_closed_hours_do_not_narrow_the_open_ones() -> None:
    opened = gaussian(400, 2, 1.0)
    closed = replace(opened, quantiles=np.zeros((400, 2, len(LEVELS))), actual=np.zeros((400, 2)))
    mixed = Calibration.fit(LEVELS, Residuals.joined([opened, closed]), DAY)
    assert (mixed.steps == Calibration.fit(LEVELS, opened, DAY).steps).all()


def test_places_stay_within_a_few_gaps_of_the_outermost_levels() -> None:
    fitted = Calibration.fit(LEVELS, gaussian(400, 1, 0.01), DAY)
    assert fitted.steps[0, -1] == pytest.approx(0.975 + FARTHEST * 0.025)
    assert fitted.steps[0, 0] == pytest.approx(0.025 - FARTHEST * 0.025)


def test_a_place_is_where_the_truth_lies_among_the_quantiles() -> None:
    quantiles = np.tile([[0.0, 10.0, 20.0]], (6, 1))
    actual = np.array([0.0, 5.0, 10.0, 20.0, 30.0, -10.0])
    places = places_of(quantiles, actual, np.array(THREE))
    assert places == pytest.approx([0.1, 0.3, 0.5, 0.9, 1.3, -0.3])


def test_where_levels_tie_any_place_between_them_is_as_true() -> None:
    quantiles = np.tile([[0.0, 0.0, 0.0, 0.0, 4.0]], (2_000, 1))
    levels = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    places = places_of(quantiles, np.zeros(2_000), levels)
    assert 0.1 <= places.min() < 0.11
    assert 0.69 < places.max() <= 0.7
    assert places.mean() == pytest.approx(0.4, abs=0.01)


@given(rising, st.floats(-1e7, 1e7))
@settings(max_examples=50, deadline=None)
def test_reading_at_the_place_of_a_value_gives_the_value(
    quantiles: FloatArray, value: float
) -> None:
    rows = quantiles.reshape(-1, 13)
    rows = rows[(np.diff(rows, axis=1) > 1e-3).all(axis=1)]
    places = places_of(rows, np.full(len(rows), value), AXIS)
    found = read(rows, np.repeat(places[:, None], 13, axis=1), AXIS)[:, 0]
    assert found == pytest.approx(np.full(len(rows), value), rel=1e-6, abs=1e-3)


@given(rising, arrays.arrays(np.float64, (3, 13), elements=st.floats(-0.1, 1.1)))
@settings(max_examples=50, deadline=None)
def test_what_did_not_cross_does_not_cross_after(quantiles: FloatArray, places: FloatArray) -> None:
    steps = np.sort(places, axis=1)
    fitted = replace(Calibration.identity(LEVELS, 3), steps=steps)
    assert (np.diff(fitted.apply(quantiles, strangers(5)), axis=2) >= 0).all()


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_any_fit_on_any_noise_gives_ranges_that_cannot_cross(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = gaussian(50, 2, 1.0)
    quantiles = np.sort(rng.normal(0, 1, (50, 2, 13)), axis=2)
    noise = replace(known, quantiles=quantiles, actual=rng.normal(2, 3, (50, 2)))
    fitted = Calibration.fit(LEVELS, noise, DAY)
    assert (np.diff(fitted.apply(quantiles, known.series), axis=2) >= 0).all()


@given(factor=st.floats(1e-3, 1e6), shift=st.floats(-1e6, 1e6))
@settings(max_examples=20, deadline=None)
def test_the_unit_of_the_source_changes_no_place(factor: float, shift: float) -> None:
    known = gaussian(60, 2, 0.5)
    other = replace(
        known,
        quantiles=known.quantiles * factor + shift,
        actual=known.actual * factor + shift,
        scale=known.scale * factor,
    )
    places = Calibration.fit(LEVELS, known, DAY).steps
    assert Calibration.fit(LEVELS, other, DAY).steps == pytest.approx(places, abs=1e-3)


def test_the_conformal_bound_equals_its_definition() -> None:
    places = np.random.default_rng(3).permutation(np.linspace(0.01, 1.0, 100))
    bounds = bounds_of(places, np.ones(100), AXIS)
    for level, bound in zip(LEVELS, bounds, strict=True):
        if level > 0.5:
            inside = [p for p in sorted(places) if (places <= p).sum() >= level * 101 - 1e-9]
            assert bound == inside[0]
        if level < 0.5:
            inside = [p for p in sorted(places) if (places >= p).sum() >= (1 - level) * 101 - 1e-9]
            assert bound == inside[-1]


def test_weights_count_as_repetition_does() -> None:
    places = np.random.default_rng(3).random(20_000)
    weights = np.random.default_rng(4).integers(1, 4, 20_000)
    repeated = np.repeat(places, weights)
    once = bounds_of(places, weights.astype(float), AXIS)
    assert once == pytest.approx(bounds_of(repeated, np.ones(len(repeated)), AXIS), abs=1e-3)


def test_arrays_give_the_calibration_back() -> None:
    fitted = Calibration.fit(LEVELS, gaussian(100, 3, 0.5), DAY)
    again = Calibration.from_arrays(fitted.to_arrays())
    assert again.levels == fitted.levels
    for name in ("steps", "scores", "series", "own"):
        assert (getattr(again, name) == getattr(fitted, name)).all()


def test_another_horizon_is_refused() -> None:
    with pytest.raises(ValueError, match="expected quantiles"):
        Calibration.identity(THREE, 4).apply(np.zeros((2, 5, 3)), strangers(2))


def test_impossible_values_are_refused() -> None:
    good = Calibration.identity(THREE, 1)
    with pytest.raises(ValueError, match="missing, or above"):
        replace(good, steps=np.array([[0.1, np.nan, 0.9]]))
    with pytest.raises(ValueError, match="expected places"):
        replace(good, steps=np.ones((2, 3)))
    with pytest.raises(ValueError, match="expected quantiles"):
        replace(gaussian(2, 3, 1.0), actual=np.zeros((2, 4)))
