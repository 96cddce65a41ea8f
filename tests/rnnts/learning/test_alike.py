import numpy as np
import pytest

from rnnts.learning.alike import most_alike
from rnnts.panels.arrays import FloatArray, IntArray

DAY, WINDOW, HORIZON = 24, 72, 12


def days(shapes: str, noise: float = 0.1) -> FloatArray:
    """A day a letter: low, high or a wave; [steps]."""
    hours = np.arange(DAY)
    known = {"l": np.full(DAY, 1.0), "h": np.full(DAY, 9.0), "w": 5 + 3 * np.sin(hours / 4)}
    values = np.concatenate([known[one] for one in shapes])
    return np.asarray(values + np.random.default_rng(0).normal(0, noise, len(values)))


def ends(values: FloatArray) -> IntArray:
    return np.arange(len(values) - DAY, 0, -DAY)


def alike(values: FloatArray, count: int = 3) -> list[tuple[int, float]]:
    found = most_alike(values, ends(values), WINDOW, HORIZON, season=DAY, count=count)
    return [(one.end, one.distance) for one in found]


def test_the_stretch_that_was_planted_is_found_first() -> None:
    values = days("lhlwhwlllhlllwhw")
    (first, distance), *others = alike(values)
    assert first == 6 * DAY  # after the first w h w
    assert 0 <= distance < 0.1
    assert all(further > 5 * distance for _, further in others)


def test_no_two_overlap_and_what_came_after_each_was_known() -> None:
    values = days("wwwwwwwwwwww")
    found = [end for end, _ in alike(values, 9)]
    assert len(found) >= 2
    assert max(found) + HORIZON <= len(values)
    assert min(abs(a - b) for a in found for b in found if a != b) >= WINDOW


def test_unit_and_level_of_the_series_change_no_distance() -> None:
    values = days("lhlwhwlllhlllwhw")
    plain, scaled = alike(values), alike(1e6 * values - 3e8)
    assert [end for end, _ in scaled] == [end for end, _ in plain]
    assert [far for _, far in scaled] == pytest.approx([far for _, far in plain])


def test_gaps_are_left_out_and_stretches_of_gaps_are_not_chosen() -> None:
    values = days("lhlwhwlllhlllwhw")
    values[-30:-20] = np.nan
    values[4 * DAY : 4 * DAY + 9] = np.nan
    assert alike(values)[0][0] == 6 * DAY
    values[3 * DAY : 5 * DAY] = np.nan
    assert 6 * DAY not in [end for end, _ in alike(values)]


def test_where_there_is_nothing_to_compare_there_is_no_likeness() -> None:
    assert alike(days("w")) == []
    assert alike(np.full(10 * DAY, np.nan)) == []
    assert alike(np.full(10 * DAY, 3.0)) == []
