"""Plain methods: aligned by the wall clock, whole rows, ranges from their own errors."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.learning import baselines
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

MIDDLE = LEVELS.index(0.5)


def panel_of(values: FloatArray, grid: Grid | None = None, first_step: int = 0) -> Panel:
    series, steps = values.shape
    infos = tuple(
        SeriesInfo(f"s{at:03}", (("key", f"s{at:03}"),), first_step, first_step + steps - 1)
        for at in range(series)
    )
    last = first_step + steps - 1
    return Panel("p", grid or Grid("1h"), infos, first_step, values, last)


def plain_seasonal_point(row: FloatArray, origin: int, horizon: int, season: int) -> list[float]:
    """Slow and plain, for a grid in UTC whose first step is 0."""
    point = []
    for target in range(origin, origin + horizon):
        step = target - season
        while step >= 0 and (step >= origin or np.isnan(row[step])):
            step -= season
        point.append(row[step] if step >= 0 else np.nan)
    return point


def every_method(panel: Panel, origin: int) -> list[FloatArray]:
    return [
        baselines.seasonal_naive(panel, origin, 48, LEVELS, 1),
        baselines.seasonal_naive(panel, origin, 48, LEVELS, 7),
        baselines.last_value(panel, origin, 48, LEVELS),
        baselines.profile(panel, origin, 48, LEVELS, 1),
    ]


def test_seasonal_naive_equals_its_plain_loop_with_gaps_filled_by_older_seasons() -> None:
    random = np.random.default_rng(0)
    values = random.normal(20, 5, (6, 24 * 20))
    values[random.random(values.shape) < 0.1] = np.nan
    panel = panel_of(values)
    for origin in (24 * 18, 24 * 18 + 7):
        forecast = baselines.seasonal_naive(panel, origin, 30, LEVELS, 1)
        for series in range(6):
            expected = plain_seasonal_point(values[series], origin, 30, 24)
            np.testing.assert_array_equal(forecast[series, :, MIDDLE], expected)


def test_ranges_are_quantiles_of_own_errors_at_the_same_lead() -> None:
    random = np.random.default_rng(1)
    values = random.normal(20, 5, (2, 24 * 80))
    panel = panel_of(values)
    origin = 24 * 80
    forecast = baselines.seasonal_naive(panel, origin, 36, (0.1, 0.5, 0.9), 7)
    for series, lead in ((0, 0), (1, 35)):
        point = values[series, origin + lead - 168]
        errors = [
            values[series, past + lead] - values[series, past + lead - 168]
            for past in range(origin - 56 * 24, origin, 24)
            if past + lead < origin
        ]
        below, above = np.quantile(errors, [0.1, 0.9], method="weibull")
        expected = [point + below, point, point + above]
        np.testing.assert_allclose(forecast[series, lead], expected)


def test_a_baseline_sees_nothing_from_its_origin_on() -> None:
    random = np.random.default_rng(2)
    values = random.normal(20, 5, (3, 24 * 30))
    changed = values.copy()
    origin = 24 * 20
    changed[:, origin:] = 1e9
    for before, after in zip(
        every_method(panel_of(values), origin), every_method(panel_of(changed), origin), strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_last_week_is_last_week_by_the_wall_clock_when_clocks_change() -> None:
    zone = ZoneInfo("America/New_York")
    grid = Grid("1h", "America/New_York")
    start = int(grid.step_of(np.array([int(datetime(2013, 2, 1, tzinfo=UTC).timestamp())]))[0])
    steps = np.arange(start, start + 24 * 60)
    hours = [
        datetime.fromtimestamp(int(stamp), UTC).astimezone(zone).hour
        for stamp in grid.label_of(steps)
    ]
    panel = panel_of(np.array([hours], dtype=np.float64), grid, start)
    noon = datetime(2013, 3, 11, 0, tzinfo=zone).timestamp()  # the day after clocks went forward
    origin = int(grid.step_of(np.array([int(noon)]))[0])
    forecast = baselines.seasonal_naive(panel, origin, 24, LEVELS, 7)
    np.testing.assert_array_equal(forecast[0, :, MIDDLE], np.arange(24))


def test_last_value_is_the_newest_observation_however_old() -> None:
    values = np.full((2, 400), np.nan)
    values[0, 5] = 3.0
    forecast = baselines.last_value(panel_of(values), 400, 4, LEVELS)
    np.testing.assert_array_equal(forecast[0], np.full((4, 13), 3.0))
    assert baselines.served(forecast).tolist() == [True, False]


def test_a_profile_is_the_spread_of_the_other_series_at_that_hour() -> None:
    hours = np.tile(np.arange(24.0), 10)
    values = np.stack([hours, hours + 10, hours + 20, np.full(240, np.nan)])
    forecast = baselines.profile(panel_of(values), 240, 24, (0.1, 0.5, 0.9), 1)
    np.testing.assert_array_equal(forecast[3, :, 1], np.arange(24) + 10)
    np.testing.assert_array_equal(forecast[3, :, 0], np.arange(24))
    assert baselines.served(forecast).all()


@pytest.mark.parametrize(
    "row",
    [
        np.full(200, np.nan),
        np.where(np.arange(200) < 190, np.nan, 5.0),  # shorter than a season
        np.where(np.arange(200) % 24 < 6, np.nan, 7.0),  # never observed at night
        np.full(200, 4.0),
        np.where(np.arange(200) == 199, 1e18, 0.0),
    ],
)
def test_a_row_is_wholly_finite_or_wholly_missing_and_never_crosses(row: FloatArray) -> None:
    panel = panel_of(np.stack([row, np.arange(200.0)]))
    for forecast in (
        baselines.seasonal_naive(panel, 200, 30, LEVELS, 1),
        baselines.last_value(panel, 200, 30, LEVELS),
        baselines.profile(panel, 200, 30, LEVELS, 1),
    ):
        whole = np.isfinite(forecast).all(axis=(1, 2)) | np.isnan(forecast).all(axis=(1, 2))
        assert whole.all()
        assert baselines.served(forecast)[1]
        assert (np.diff(forecast[baselines.served(forecast)], axis=2) >= 0).all()


def test_a_night_that_was_never_observed_takes_the_last_value() -> None:
    row = np.where(np.arange(240) % 24 < 6, np.nan, 7.0)
    forecast = baselines.seasonal_naive(panel_of(row[None]), 240, 24, LEVELS, 1)
    np.testing.assert_array_equal(forecast[0], np.full((24, 13), 7.0))


def test_a_series_shorter_than_half_a_season_is_left_to_the_next_rung() -> None:
    row = np.where(np.arange(240) < 235, np.nan, 7.0)
    forecast = baselines.seasonal_naive(panel_of(row[None]), 240, 24, LEVELS, 1)
    assert not baselines.served(forecast).any()


def test_no_quantile_leaves_the_bounds() -> None:
    values = np.random.default_rng(3).normal(0, 5, (3, 240))
    for forecast in (
        baselines.seasonal_naive(panel_of(values), 240, 24, LEVELS, 1, 0.0, 3.0),
        baselines.last_value(panel_of(values), 240, 24, LEVELS, 0.0, 3.0),
        baselines.profile(panel_of(values), 240, 24, LEVELS, 1, 0.0, 3.0),
    ):
        assert forecast.min() == 0.0
        assert forecast.max() <= 3.0


def test_late_data_widen_the_ranges_of_the_last_value() -> None:
    walk = np.random.default_rng(4).normal(0, 1, (20, 24 * 60)).cumsum(axis=1)
    fresh = baselines.last_value(panel_of(walk), 24 * 60, 6, LEVELS)
    late = baselines.last_value(panel_of(walk), 24 * 62, 6, LEVELS)
    spread = [(forecast[:, :, -1] - forecast[:, :, 0]).mean() for forecast in (fresh, late)]
    assert spread[1] > 2 * spread[0]


def test_an_empty_panel_gives_an_empty_forecast() -> None:
    empty = panel_of(np.empty((0, 0)))
    assert baselines.seasonal_naive(empty, 5, 4, LEVELS, 1).shape == (0, 4, 13)
    assert baselines.last_value(empty, 5, 4, LEVELS).shape == (0, 4, 13)
    assert baselines.profile(empty, 5, 4, LEVELS, 1).shape == (0, 4, 13)


def test_more_series_than_a_block_change_nothing() -> None:
    values = np.random.default_rng(5).normal(20, 5, (baselines.BLOCK + 3, 24 * 9))
    whole = baselines.seasonal_naive(panel_of(values), 24 * 9, 12, LEVELS, 1)
    last = baselines.seasonal_naive(panel_of(values[-3:]), 24 * 9, 12, LEVELS, 1)
    np.testing.assert_array_equal(whole[-3:], last)


WORKDAYS = np.where((np.arange(24 * 42) // 24 % 7) < 5, 1.0, 0.2)
"""Six weeks of hours, two days of seven with a fifth of what the others have."""


def weekly(seed: int, noise: float = 0.1) -> FloatArray:
    random = np.random.default_rng(seed)
    day = 10 + 5 * np.sin(2 * np.pi * np.arange(24 * 42) / 24)
    return day * WORKDAYS + random.normal(0, noise, 24 * 42)


def test_a_season_that_comes_clearly_nearer_is_chosen_for_each_series() -> None:
    random = np.random.default_rng(0)
    daily = 10 + np.sin(2 * np.pi * np.arange(24 * 42) / 24) + random.normal(0, 0.1, 24 * 42)
    walk = random.normal(0, 1, 24 * 42).cumsum()
    panel = panel_of(np.stack([weekly(0), daily, walk, np.full(24 * 42, 7.0)]))
    origin = panel.last_step + 1
    assert baselines.better_season(panel, origin, 48, (1, 7)).tolist() == [7, 1, 1, 1]
    assert baselines.better_season(panel, origin, 48, (7, 1)).tolist() == [7, 7, 1, 7]
    assert baselines.better_season(panel, origin, 48, (1,)).tolist() == [1] * 4


def test_no_season_is_chosen_by_what_is_not_known() -> None:
    origin = 24 * 35
    before = panel_of(weekly(1)[None])
    after = before.values.copy()
    after[:, origin:] = np.random.default_rng(2).normal(0, 100, after[:, origin:].shape)
    for values in (before.values, after):
        assert baselines.better_season(panel_of(values), origin, 48, (1, 7)).tolist() == [7]
    strange = after.copy()
    strange[:, : origin - 24] = np.random.default_rng(3).normal(0, 1, (1, origin - 24))
    assert baselines.better_season(panel_of(strange), origin, 48, (1, 7)).tolist() == [1]


def test_a_young_series_keeps_the_first_season() -> None:
    values = weekly(4)[None].copy()
    values[:, : -24 * 9] = np.nan  # nine days: a week ago is known for few past targets
    panel = panel_of(values)
    assert baselines.better_season(panel, panel.last_step + 1, 48, (1, 7)).tolist() == [1]


def test_the_choice_of_a_season_does_not_depend_on_the_other_series() -> None:
    rows = np.stack([weekly(seed, noise=2.0) for seed in range(600)])
    every = baselines.better_season(panel_of(rows), rows.shape[1], 48, (1, 7))
    some = baselines.better_season(panel_of(rows[505:520]), rows.shape[1], 48, (1, 7))
    assert every[505:520].tolist() == some.tolist()
    assert set(every.tolist()) == {7}
