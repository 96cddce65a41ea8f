"""What peers are given and how their answers are read; their libraries are not needed here."""

import numpy as np

from tests.benchmarks.peers.forecast import column, ets_season, history, interval, known


def test_gaps_are_filled_with_the_value_before_them_and_nothing_from_after() -> None:
    series = np.array([np.nan, np.nan, 1.0, np.nan, np.nan, 4.0, np.nan])
    assert known(series).tolist() == [1.0, 1.0, 1.0, 4.0, 4.0]
    assert known(np.full(3, np.nan)).tolist() == []


def test_levels_are_read_from_the_range_that_they_bound() -> None:
    assert [column(level) for level in (0.025, 0.1, 0.5, 0.6, 0.95)] == [
        "lo-95.0", "lo-80.0", "mean", "hi-20.0", "hi-90.0"
    ]  # fmt: skip
    assert interval(0.3) == interval(0.7) == 40.0


def test_exponential_smoothing_has_the_longest_season_that_it_can_hold() -> None:
    assert ets_season({"seasons": [12, 132]}) == 12
    assert ets_season({"seasons": [288, 2016]}) == 1


def test_statistical_methods_look_back_four_of_the_longest_season() -> None:
    assert history({"seasons": [288, 2016]}) == 8_064
    assert history({"seasons": [24, 168]}) == 1_000
