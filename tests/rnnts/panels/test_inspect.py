from datetime import UTC, datetime

import numpy as np
import pytest

from rnnts.config import Frequency
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.inspect import describe
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import seasons_of

FIRST = 400_000


def panel(values: FloatArray, frequency: Frequency = "1h", zone: str = "UTC") -> Panel:
    """A panel whose series live from their first value to their last."""
    infos = []
    for row, each in enumerate(values):
        known = np.flatnonzero(np.isfinite(each))
        first, last = (known[0], known[-1]) if len(known) else (0, 0)
        infos.append(SeriesInfo(f"s{row}", (), FIRST + int(first), FIRST + int(last)))
    last_step = FIRST + values.shape[1] - 1
    return Panel("loads", Grid(frequency, zone), tuple(infos), FIRST, values, last_step)


def wave(steps: int, *seasons: int, noise: float = 0.1) -> FloatArray:
    time = np.arange(steps)
    rng = np.random.default_rng(3)
    shape = sum(np.sin(2 * np.pi * time / season) for season in seasons)
    return np.asarray(10 + shape + noise * rng.normal(size=steps), np.float64)


def test_span_counts_and_gaps_are_those_of_the_values() -> None:
    values = np.array(
        [
            [np.nan, 1.0, np.nan, np.nan, 0.0, 3.0],
            [2.0, 2.0, np.nan, 2.0, np.nan, np.nan],
        ]
    )
    found = describe(panel(values), seasons_of("1h", 6))
    assert (found.series, found.steps, found.observations) == (2, 6, 6)
    assert (found.gaps, found.longest_gap) == (2, 2)
    assert found.missing_share == pytest.approx(3 / 9)
    assert (found.lowest, found.highest) == (0.0, 3.0)
    assert found.zero_share == pytest.approx(1 / 6)
    assert found.first == datetime.fromtimestamp(FIRST * 3_600, UTC)
    assert found.last == datetime.fromtimestamp((FIRST + 5) * 3_600, UTC)


def test_series_with_a_trait_are_counted_and_some_are_named() -> None:
    values = np.tile(wave(200, 24), (9, 1))
    values[:7] = 5.0
    values[8, 5:150] = np.nan
    found = describe(panel(values), seasons_of("1h", 200))
    assert (found.constant.count, found.constant.examples) == (7, ("s0", "s1", "s2", "s3", "s4"))
    assert (found.gappy.count, found.gappy.examples) == (1, ("s8",))
    assert found.short.count == 0


def test_a_series_of_less_than_two_seasons_is_short() -> None:
    values = np.full((2, 100), np.nan)
    values[0, :47], values[1, :48] = wave(47, 24), wave(48, 24)
    found = describe(panel(values), seasons_of("1h", 100))
    assert (found.short.count, found.short.examples) == (1, ("s0",))


@pytest.mark.parametrize("season", [24, 168])
def test_the_season_found_is_the_one_that_repeats(season: int) -> None:
    found = describe(panel(wave(2_000, season)[None]), seasons_of("1h", 2_000))
    assert found.season == season
    assert found.calendar_season


def test_a_season_that_the_calendar_does_not_have_is_told() -> None:
    found = describe(panel(wave(2_000, 37)[None]), seasons_of("1h", 2_000))
    assert found.season is not None
    assert found.season % 37 == 0
    assert not found.calendar_season


def test_noise_and_drift_have_no_season_of_their_own() -> None:
    noise = np.random.default_rng(5).normal(size=(3, 2_000))
    for values in (noise, np.cumsum(noise, axis=1)):
        found = describe(panel(values), seasons_of("1h", 2_000))
        assert found.season in {24, 168}
        assert found.calendar_season


def test_naive_errors_equal_their_plain_loops() -> None:
    values = np.stack([wave(400, 24), 3 * wave(400, 24, 168)])
    values[0, 50:60] = np.nan
    found = {each.name: each for each in describe(panel(values), seasons_of("1h", 400)).naive}
    for name, lag in (("last value", 1), ("day", 24), ("week", 168)):
        plain = [
            abs(row[step] - row[step - lag])
            for row in values
            for step in range(lag, 400)
            if np.isfinite(row[step]) and np.isfinite(row[step - lag])
        ]
        assert found[name].error == pytest.approx(np.mean(plain))
        assert found[name].share == pytest.approx(np.mean(plain) / np.nanmean(np.abs(values)))


def test_seasonal_errors_go_by_the_wall_clock() -> None:
    zone = "America/New_York"
    grid = Grid("1h", zone)
    begin = int(datetime(2013, 3, 4, 5, tzinfo=UTC).timestamp())
    first = int(grid.step_of(np.array([begin]))[0])
    steps = np.arange(first, first + 14 * 24)
    hour_of_day, _, _ = grid.wall_clock(steps)
    values = hour_of_day[None]
    info = SeriesInfo("all", (), first, int(steps[-1]))
    found = describe(
        Panel("loads", grid, (info,), first, values, int(steps[-1])), seasons_of("1h", 336)
    )
    day = next(each for each in found.naive if each.name == "day")
    assert day.error < 0.01  # one hour does not exist; 24 steps back would err by an hour a day


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("frequency", ["1h", "1D", "1W"])
def test_next_to_nothing_is_described_too(frequency: Frequency, steps: int) -> None:
    for values in (np.zeros((1, steps)), np.full((1, steps), np.nan), np.zeros((0, steps))):
        found = describe(panel(values, frequency), seasons_of(frequency, steps))
        assert found.season is None
        assert found.series == len(values)
