from collections.abc import Callable

import numpy as np
import pytest

from rnnts.panels.panel import Panel
from rnnts.panels.seasons import Season
from rnnts.windows.windowset import (
    LEAST_SCALE,
    WindowSet,
    error_scale,
    mean_change,
    smallest_step,
)

SEASONS = (Season("day", 4, 1),)


@pytest.fixture
def windowset(panel_of: Callable[..., Panel]) -> WindowSet:
    panel = panel_of([np.arange(80.0), np.arange(30.0), np.full(80, 7.0)])
    return WindowSet.of(panel, window=8, horizon=4, seasons=SEASONS)


def test_values_lie_flat_without_the_steps_before_a_series_began(windowset: WindowSet) -> None:
    assert windowset.values.shape == (80 + 30 + 80,)
    assert windowset.offsets.tolist() == [0, 80, 110, 190]
    assert windowset.first_step.tolist() == [920, 970, 920]


def test_training_windows_keep_a_season_of_targets_inside_the_part(windowset: WindowSet) -> None:
    last = windowset.parts.training_until - 4
    assert windowset.counts().tolist() == [
        max(0, last - first - 8 + 1) for first in (920, 970, 920)
    ]


def test_the_gate_holds_every_series_at_every_origin(windowset: WindowSet) -> None:
    series, origins = windowset.windows("gate")
    assert len(series) == 3 * len(windowset.parts.gate_origins) == windowset.counts("gate").sum()
    assert series[:3].tolist() == [0, 1, 2]
    assert len(set(origins[:3])) == 1


def test_a_series_without_enough_history_has_no_window_at_an_origin(
    panel_of: Callable[..., Panel],
) -> None:
    panel = panel_of([np.arange(80.0), np.arange(9.0)])
    windowset = WindowSet.of(panel, window=8, horizon=4, seasons=SEASONS)
    assert set(windowset.windows("gate")[0].tolist()) == {0}


def test_the_scale_is_the_seasonal_error_inside_the_training_part(
    panel_of: Callable[..., Panel],
) -> None:
    values = np.arange(80.0)
    values[60:] = 1e6  # in calibration and gate
    windowset = WindowSet.of(panel_of([values]), window=8, horizon=4, seasons=SEASONS)
    assert windowset.parts.training_until <= 980
    assert windowset.scale.tolist() == [4.0]


def test_a_constant_series_has_no_scale(windowset: WindowSet) -> None:
    assert windowset.scale.tolist() == [4.0, 4.0, 0.0]


def test_with_nothing_held_out_a_series_too_young_for_a_scale_has_one(
    panel_of: Callable[..., Panel],
) -> None:
    panel = panel_of([np.arange(80.0), np.arange(80.0), np.arange(10.0)])
    windowset = WindowSet.of(panel, window=8, horizon=4, seasons=SEASONS)
    assert windowset.scale.tolist() == [4.0, 4.0, 0.0]
    assert windowset.whole().scale.tolist() == [4.0, 4.0, 4.0]
    assert windowset.whole().parts.training_until == windowset.parts.gate_until


def test_what_is_held_out_follows_the_life_of_a_typical_series(
    panel_of: Callable[..., Panel],
) -> None:
    young = [np.arange(60.0)] * 3
    alone, beside = (
        WindowSet.of(panel_of(series), window=8, horizon=4, seasons=SEASONS).parts
        for series in (young, [np.arange(900.0), *young])
    )
    assert beside.ends == alone.ends
    assert beside.training_until > 1_000 - 60 / 2


def test_missing_values_do_not_count_in_a_mean_change() -> None:
    values = np.array([[0.0, 1.0, np.nan, 5.0, 4.0]])
    assert mean_change(values, 2).tolist() == [4.0]
    assert mean_change(values, 1).tolist() == [1.0]


def test_who_repeats_a_day_nearly_exactly_is_no_hundred_times_as_important_as_others() -> None:
    rng = np.random.default_rng(0)
    tide = np.tile(np.sin(np.arange(24) * 2 * np.pi / 24), 60)
    measured = tide + rng.normal(scale=1e-4, size=24 * 60)
    noisy = rng.normal(size=24 * 60)
    scale = error_scale(np.stack([tide, measured, noisy]), 24)
    assert scale[0] == 0.0  # there is nothing to learn
    assert scale[1] == pytest.approx(LEAST_SCALE * mean_change(measured[None], 1)[0])
    assert scale[2] == mean_change(noisy[None], 24)


def test_who_seldom_counts_anything_is_no_hundred_times_as_important_as_others() -> None:
    at_nine = np.tile(np.eye(24)[9], 60)
    once_late = at_nine.copy()
    once_late[[24 * 30 + 9, 24 * 30 + 10]] = [0.0, 1.0]
    seldom = np.zeros(24 * 60)
    seldom[[9, 24 * 31 + 9]] = 3.0
    computed = seldom / 10
    computed[24 * 31 + 9] = 0.1 + 0.2  # which is another number than 0.3
    scale = error_scale(np.stack([at_nine, once_late, seldom, computed]), 24)
    np.testing.assert_allclose(scale, [0.0, 1 / 24, 3 / 24, 0.3 / 24])


def test_the_smallest_step_is_between_values_that_are_there() -> None:
    values = np.array([[5.0, np.nan, 9.0, 5.0], [1.0, 1.0, 1.0, 1.0], [np.nan] * 4])
    np.testing.assert_array_equal(smallest_step(values), [4.0, 0.0, 0.0])
    np.testing.assert_array_equal(smallest_step(values[:, :0]), [0.0, 0.0, 0.0])


def test_what_is_saved_is_what_is_loaded(windowset: WindowSet) -> None:
    arrays = windowset.save()
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    again = WindowSet.load(arrays)
    assert again.seasons == windowset.seasons == ((4, 3, 0),)
    assert (again.window, again.horizon, again.known_future) == (8, 4, 0)
    for name, array in again.save().items():
        np.testing.assert_array_equal(array, arrays[name])


def test_nothing_after_the_watermark_is_in_a_window_set(panel_of: Callable[..., Panel]) -> None:
    whole = panel_of([np.arange(80.0)])
    early = Panel("p", whole.grid, whole.series, whole.first_step, whole.values, 979)
    windowset = WindowSet.of(early, window=8, horizon=4, seasons=SEASONS)
    assert windowset.values.max() == 59.0
    assert windowset.parts.gate_until == 980


def test_a_window_set_without_seasons_moves_its_origins_by_one_step(
    panel_of: Callable[..., Panel],
) -> None:
    windowset = WindowSet.of(panel_of([np.arange(80.0)]), window=8, horizon=1, seasons=())
    assert np.diff(windowset.parts.gate_origins).tolist() == [1] * 7
    assert windowset.season == 1
