from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.config import Frequency, Label
from rnnts.panels.arrays import IntArray
from rnnts.panels.grid import DAY, LONGEST, SECONDS, Grid, zone_offsets

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "UTC"]


def at(zone: str, *parts: int) -> int:
    """Epoch seconds of a wall clock."""
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp())  # type: ignore[arg-type, misc] # year, month, day …


def seconds(*values: int) -> IntArray:
    return np.array(values, np.int64)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    frequency: Frequency = draw(st.sampled_from(list(SECONDS)))
    labels: list[Label] = ["start", "end", "instant"]
    phase = draw(st.integers(0, LONGEST[frequency] // 60 - 1)) * 60
    return Grid(frequency, draw(st.sampled_from(ZONES)), phase, draw(st.sampled_from(labels)))


def steps_around(grid: Grid) -> st.SearchStrategy[int]:
    now = 1_400_000_000 // grid.step_seconds
    return st.integers(now - 20 * 365 * DAY // grid.step_seconds, now + 10**9 // grid.step_seconds)


@settings(deadline=None)
@given(st.data(), grids())
def test_the_step_of_a_label_is_the_step_that_was_labelled(data: st.DataObject, grid: Grid) -> None:
    step = data.draw(steps_around(grid))
    steps = np.arange(step, step + 400)
    labels = grid.label_of(steps)
    assert np.array_equal(grid.step_of(labels), steps)
    assert grid.on_grid(labels).all()
    assert (np.diff(labels) > 0).all()


@settings(deadline=None)
@given(st.data(), grids(), st.integers(0, 8 * DAY))
def test_a_stamp_belongs_to_the_step_whose_labels_enclose_it(
    data: st.DataObject, grid: Grid, after: int
) -> None:
    stamp = grid.label_of(seconds(data.draw(steps_around(grid)))) + after
    step = grid.step_of(stamp)
    if grid.label == "end":
        assert grid.label_of(step - 1) < stamp <= grid.label_of(step)
    else:
        assert grid.label_of(step) <= stamp < grid.label_of(step + 1)


@settings(deadline=None)
@given(st.data(), grids(), st.integers(0, 8 * DAY))
def test_the_last_visible_step_has_ended_and_the_first_target_has_not(
    data: st.DataObject, grid: Grid, after: int
) -> None:
    second = int(grid.label_of(seconds(data.draw(steps_around(grid))))[0]) + after
    as_of = datetime.fromtimestamp(second, UTC)
    last = grid.last_visible(as_of)
    assert grid.first_target(as_of) == last + 1
    assert int(grid.visible_from(seconds(last))[0]) <= second
    assert int(grid.visible_from(seconds(last + 1))[0]) > second


@settings(deadline=None)
@given(grids())
def test_a_grid_survives_json(grid: Grid) -> None:
    assert Grid.from_json(grid.to_json()) == grid


@pytest.mark.parametrize(
    ("label", "last_hour"),
    [("start", 8), ("end", 9), ("instant", 9)],
)
def test_an_hour_is_seen_once_it_has_ended(label: Label, last_hour: int) -> None:
    grid = Grid("1h", label=label)
    as_of = datetime(2013, 5, 1, 9, 30, tzinfo=UTC)
    label_seen = int(grid.label_of(seconds(grid.last_visible(as_of)))[0])
    assert label_seen == at("UTC", 2013, 5, 1, last_hour)


def test_an_hour_is_seen_at_the_very_second_at_which_it_ends() -> None:
    grid = Grid("1h")
    ended = datetime(2013, 5, 1, 10, tzinfo=UTC)
    assert grid.last_visible(ended) == grid.last_visible(ended - timedelta(seconds=1)) + 1


def test_an_instant_within_a_second_sees_no_more_than_that_second() -> None:
    grid = Grid("1h")
    almost = datetime(2013, 5, 1, 9, 59, 59, 999_999, tzinfo=UTC)
    assert grid.last_visible(almost) == grid.last_visible(almost.replace(microsecond=0))


def test_no_hour_is_lost_or_doubled_when_clocks_change() -> None:
    grid = Grid("1h", "America/New_York")
    for month, day in ((3, 10), (11, 3)):
        begin = at("America/New_York", 2013, month, day)
        labels = np.arange(begin, begin + 2 * DAY, 3_600)
        assert np.array_equal(np.diff(grid.step_of(labels)), np.ones(47))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", (2013, 3, 10), 23),
        ("America/New_York", (2013, 11, 3), 25),
        ("Europe/Berlin", (2013, 3, 31), 23),
        ("Europe/Berlin", (2013, 10, 27), 25),
        ("Australia/Lord_Howe", (2013, 10, 6), 23.5),
        ("Australia/Lord_Howe", (2013, 4, 7), 24.5),
    ],
)
def test_a_local_day_is_one_step_however_long(
    zone: str, day: tuple[int, int, int], hours: float
) -> None:
    grid = Grid("1D", zone)
    begin = at(zone, *day)
    inside = np.arange(begin, begin + int(hours * 3_600), 1_800)
    assert len(np.unique(grid.step_of(inside))) == 1
    step = grid.step_of(seconds(begin))
    assert grid.label_of(step).tolist() == [begin]
    assert grid.visible_from(step).tolist() == [begin + int(hours * 3_600)]


def test_a_local_day_is_seen_only_at_the_end_of_its_25_hours() -> None:
    grid = Grid("1D", "America/New_York")
    day = int(grid.step_of(seconds(at("America/New_York", 2013, 11, 3)))[0])
    late = datetime(2013, 11, 3, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    assert grid.last_visible(late) == day - 1
    assert grid.last_visible(late + timedelta(minutes=1)) == day


def test_a_day_whose_midnight_clocks_skip_begins_when_they_go_on() -> None:
    grid = Grid("1D", "America/Havana")
    step = grid.step_of(seconds(at("America/Havana", 2013, 3, 10, 12)))
    assert grid.label_of(step).tolist() == [at("America/Havana", 2013, 3, 10, 1)]
    end = Grid("1D", "America/Havana", label="end")
    labels = end.label_of(np.arange(15_700, 15_900))
    assert np.array_equal(end.step_of(labels), np.arange(15_700, 15_900))


def test_weeks_begin_on_local_mondays() -> None:
    grid = Grid("1W", "America/New_York")
    labels = grid.label_of(np.arange(2_200, 2_300))
    for label in labels:
        local = datetime.fromtimestamp(int(label), ZoneInfo("America/New_York"))
        assert (local.weekday(), local.hour) == (0, 0)


def test_a_phase_moves_the_labels() -> None:
    quarter_past = Grid("1h", phase=900)
    assert quarter_past.on_grid(seconds(900, 4_500, 3_600)).tolist() == [True, True, False]
    sundays = Grid("1W", "UTC", phase=6 * DAY)
    label = datetime.fromtimestamp(int(sundays.label_of(seconds(2_250))[0]), UTC)
    assert label.weekday() == 6


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("days", [1, 7, 364])
def test_a_lag_keeps_the_wall_clock_over_both_changes_of_a_year(zone: str, days: int) -> None:
    grid = Grid("30min", zone)
    begin = at(zone, 2013, 1, 1)
    steps = grid.step_of(np.arange(begin, begin + 365 * DAY, 1_800))
    lagged = grid.lagged(steps, days)
    wall, earlier = (
        [datetime.fromtimestamp(int(label), ZoneInfo(zone)).replace(tzinfo=None) for label in each]
        for each in (grid.label_of(steps), grid.label_of(lagged))
    )
    wrong = [
        now for now, then in zip(wall, earlier, strict=True) if then != now - timedelta(days=days)
    ]
    # One hour in spring has no counterpart: nothing else may miss it.
    assert len(wrong) <= 2
    assert (lagged < steps).all()


def test_a_day_has_lags_of_days_and_a_week_of_weeks() -> None:
    assert Grid("1D").lagged(seconds(100), 7).tolist() == [93]
    assert Grid("1W").lagged(seconds(100), 364).tolist() == [48]


def test_the_wall_clock_is_the_panels() -> None:
    grid = Grid("15min", "Asia/Kolkata")
    step = grid.step_of(seconds(at("UTC", 2012, 12, 31, 19, 0)))
    hour_of_day, day_of_week, day_of_year = grid.wall_clock(step)
    assert (hour_of_day[0], day_of_week[0], day_of_year[0]) == (0.5, 1, 1)


def test_the_last_day_of_a_leap_year_is_its_366th() -> None:
    grid = Grid("1D")
    day_of_year = grid.wall_clock(grid.step_of(seconds(at("UTC", 2012, 12, 31))))[2]
    assert day_of_year.tolist() == [366]


def test_no_steps_are_no_labels() -> None:
    none = np.zeros(0, np.int64)
    for frequency in SECONDS:
        grid = Grid(frequency, "Europe/Berlin")
        assert len(grid.label_of(grid.step_of(none))) == 0


def test_steps_follow_one_another_for_a_century() -> None:
    grid = Grid("1D", "America/New_York")
    labels = grid.label_of(np.arange(0, 36_500))
    assert {late - early for early, late in pairwise(labels.tolist())} == {82_800, 86_400, 90_000}
    assert zone_offsets(labels, "America/New_York")[-1] == -5 * 3_600
