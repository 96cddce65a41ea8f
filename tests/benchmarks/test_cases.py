"""The windows of the accuracy benchmark: what a forecast may see, and what the naive ones say."""

from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks.accuracy import invented
from tests.benchmarks.accuracy.case import (
    Case,
    last_values,
    median_of_weeks,
    newest_season,
    one_day,
    seen,
)
from tests.benchmarks.accuracy.missing import SHARE, with_holes


def rising(steps: int) -> Case:
    """A case whose value is its column: what is read tells whence."""
    return one_day(np.arange(float(steps))[None])


def test_the_naive_forecast_is_the_value_a_season_earlier() -> None:
    case = replace(rising(72), origins=np.array([48]))
    assert newest_season(case, 24)[0, 0].tolist() == list(range(24, 48))


def test_a_season_shorter_than_the_horizon_is_repeated_and_reads_nothing_new() -> None:
    case = replace(rising(72), origins=np.array([48]), seasons=(10,))
    expected = [*range(38, 48), *range(38, 48), *range(38, 42)]
    assert newest_season(case, 10)[0, 0].tolist() == expected


def test_where_a_season_is_missing_the_one_before_it_stands_in_then_the_last_value() -> None:
    values = np.arange(72.0)
    values[30], values[[6, 31]] = np.nan, np.nan
    case = replace(one_day(values[None]), origins=np.array([48]))
    assert newest_season(case, 24)[0, 0, 6:8].tolist() == [47.0, 7.0]


def test_nothing_at_or_after_an_origin_is_seen() -> None:
    case = replace(rising(120), origins=np.array([48, 72]))
    columns = np.array([[47, 48, 49], [71, 72, 73]])
    assert np.isnan(seen(case, columns)[0]).tolist() == [[False, True, True]] * 2
    changed = case.values.copy()
    changed[:, 72:] = 1e9
    poisoned = replace(case, values=changed)
    for steps in (7, 24, 168):
        assert np.array_equal(newest_season(poisoned, steps), newest_season(case, steps))
    assert np.array_equal(last_values(poisoned), [[47.0, 71.0]])


def test_a_week_ago_is_the_same_wall_clock_after_clocks_went_back() -> None:
    steps, change = 600, 350
    case = rising(steps)
    clock = np.where(np.arange(steps) < change, -4, -5)
    case = replace(case, clock=clock, origins=np.array([400]))
    first = newest_season(case, 168)[0, 0, 0]
    assert first == 400 - 168 - 1  # an hour was lived twice in between


def test_the_median_of_three_weeks_is_that_of_the_three_values() -> None:
    case = replace(rising(24 * 29), origins=np.array([24 * 28]))
    assert median_of_weeks(case, 3, 168)[0, 0].tolist() == newest_season(case, 336)[0, 0].tolist()


def test_a_quick_case_has_the_same_last_windows() -> None:
    case = replace(rising(5_000), origins=np.arange(4_000, 4_900, 24))
    quick = case.quick(series=1, windows=2)
    assert np.array_equal(quick.actual, case.actual[:, -2:])
    assert [quick.issued_at(one) for one in quick.origins.tolist()] == [
        case.issued_at(one) for one in case.origins[-2:].tolist()
    ]


def test_a_case_without_truth_for_its_last_window_is_refused() -> None:
    with pytest.raises(ValueError, match="no truth"):
        replace(rising(72), origins=np.array([60]))


def test_a_fifth_of_every_series_is_taken_singly_and_in_blocks() -> None:
    values = np.random.default_rng(1).normal(size=(3, 4_000))
    values[1, :2_000] = np.nan
    holed = with_holes(values, 0)
    for before, after in zip(values, holed, strict=True):
        known = ~np.isnan(before)
        gone = known & np.isnan(after)
        assert gone.sum() == pytest.approx(SHARE * known.sum(), abs=1)
        assert np.array_equal(after[known & ~gone], before[known & ~gone])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(int), [0]])))
        lengths = edges[1::2] - edges[::2]
        assert (lengths == 1).sum() > 20
        assert lengths.max() >= 24
    assert not np.isnan(values[0]).any()


def test_invented_weeks_are_the_same_each_time_and_all_are_known_at_their_origin() -> None:
    case, again = next(invented.weekly()), next(invented.weekly())
    assert np.array_equal(case.values, again.values, equal_nan=True)
    assert case.issued_at(case.fitted_before).isoformat() == "2016-01-04T00:00:00+00:00"
    assert np.isfinite(case.values[:, case.fitted_before - 93 :]).all()
    assert (case.values[~np.isnan(case.values)] > 0).all()
    assert {invented.kind_of(one) for one in case.ids} == {*invented.KINDS}
