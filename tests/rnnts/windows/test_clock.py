from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import seasons_of
from rnnts.windows.clock import calendar, clock_shift, cycles_of, history_steps
from rnnts.windows.gather import aligned_steps
from rnnts.windows.windowset import WindowSet

NEW_YORK = Grid("1h", "America/New_York")


def step(grid: Grid, *when: int) -> int:
    seconds = int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc] # year, month, day, hour
    return int(grid.step_of(np.array([seconds]))[0])


def test_the_shift_grows_by_an_hour_when_clocks_go_forward() -> None:
    spring = step(NEW_YORK, 2013, 3, 10, 7)  # 02:00 EST becomes 03:00 EDT
    assert clock_shift(NEW_YORK, spring - 2, 4).tolist() == [0, 0, 1, 1]


def test_the_shift_falls_by_two_half_hours_when_clocks_go_back() -> None:
    grid = Grid("30min", "America/New_York")
    autumn = step(grid, 2013, 11, 3, 6)  # 02:00 EDT becomes 01:00 EST
    assert clock_shift(grid, autumn - 2, 4).tolist() == [0, 0, -2, -2]


def test_days_have_no_shift() -> None:
    assert not clock_shift(Grid("1D", "America/New_York"), 15_000, 400).any()


def test_calendar_features_repeat_every_week_at_the_same_wall_clock() -> None:
    features = calendar(Grid("1h"), 10_000, 337)
    assert features.shape == (337, 4)
    np.testing.assert_allclose(features[0], features[168], atol=1e-12)
    assert not np.allclose(features[0], features[24])


def test_a_day_and_a_week_give_three_turns_each() -> None:
    assert cycles_of(seasons_of("1h", 5000)) == ((24, 3, 0), (168, 3, 0))


def test_the_year_of_days_is_smoothed_over_ten_to_both_sides() -> None:
    assert cycles_of(seasons_of("1D", 5000)) == ((7, 3, 0), (365, 3, 10))


def test_the_year_of_weeks_gives_one_base() -> None:
    assert cycles_of(seasons_of("1W", 500)) == ((52, 1, 0),)


def test_the_history_that_is_read_is_window_and_longest_repeat_a_season_for_levels_one_for_clocks(
    panel_of: Callable[..., Panel],
) -> None:
    windowset = WindowSet.of(
        panel_of([[1.0] * 700]), window=100, horizon=48, seasons=seasons_of("1h", 700)
    )
    assert history_steps(windowset) == 100 + 3 * 168 + 2 * 24


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "UTC"])
def test_bases_stand_where_the_wall_clock_stood(zone: str) -> None:
    grid = Grid("30min", zone)
    first = step(grid, 2013, 1, 1, 0)
    shift = clock_shift(grid, first, 48 * 400)
    for origin in range(first + 48 * 40, first + 48 * 350, 377):
        aligned = aligned_steps(48, (48, 3), origin, first, shift)  # [48, 3]
        assert (aligned < origin).all()
        for days in (1, 2, 3):
            expected = grid.lagged(np.arange(origin, origin + 48), days)
            seen = expected < origin  # the rest was the future: a day older
            assert (aligned[seen, days - 1] == expected[seen]).all()
