from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo, series_id_of


def panel(series: int = 2, steps: int = 5) -> Panel:
    infos = tuple(SeriesInfo(f"s{row}", (("id", row),), 100, 99 + steps) for row in range(series))
    values = np.arange(float(series * steps)).reshape(series, steps)
    return Panel("loads", Grid("1h"), infos, 100, values, 99 + steps)


def test_a_panel_is_read_only() -> None:
    found = panel()
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 1.0
    with pytest.raises(FrozenInstanceError):
        found.watermark = 3  # type: ignore[misc] # that is what is tried


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="2 series"):
        Panel("loads", Grid("1h"), panel().series, 100, np.zeros((3, 5)), 104)
    with pytest.raises(ValueError, match="2 series"):
        Panel("loads", Grid("1h"), panel().series, 100, np.zeros(10), 104)


def test_upto_sees_nothing_later_and_since_nothing_earlier() -> None:
    early, late = panel().upto(102), panel().since(103)
    assert (early.last_step, early.watermark) == (102, 102)
    assert early.values.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert (late.first_step, late.last_step, late.watermark) == (103, 104, 104)
    assert late.values.tolist() == [[3, 4], [8, 9]]


@settings(deadline=None)
@given(st.integers(90, 120))
def test_the_two_sides_of_a_step_are_the_whole(step: int) -> None:
    whole = panel()
    sides = (whole.upto(step).values, whole.since(step + 1).values)
    assert np.array_equal(np.concatenate(sides, axis=1), whole.values)


def test_a_step_outside_cuts_nothing_or_everything() -> None:
    assert panel().upto(1_000).values.shape == (2, 5)
    assert panel().upto(1_000).watermark == 104
    assert panel().upto(50).values.shape == (2, 0)
    assert panel().since(50).first_step == 100
    assert panel().since(1_000).values.shape == (2, 0)


@pytest.mark.parametrize(
    ("keys", "series_id"),
    [
        ([], "all"),
        (["EWR"], "EWR"),
        (["a/b\\c"], "a/b\\c"),
        (["EWR", "UA"], "EWR/UA"),
        (["a/b", "c"], "a\\/b/c"),
        (["a\\", "b"], "a\\\\/b"),
        ([7, "x"], "7/x"),
    ],
)
def test_an_id_is_its_keys_text(keys: list[object], series_id: str) -> None:
    assert series_id_of(keys) == series_id


@settings(deadline=None)
@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=2, max_size=2))
def test_different_keys_have_different_ids(keys: list[list[str]]) -> None:
    first, second = keys
    assert (series_id_of(first) == series_id_of(second)) == (first == second)
