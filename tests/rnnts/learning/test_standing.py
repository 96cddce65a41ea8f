import numpy as np

from rnnts.learning.standing import Rules, Standing
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

NAN = np.nan
RULES = Rules(
    window=8, least=8, horizon=2, season=4, days=1, max_delay=2, max_stale=5, retired_after=10
)


def standing(*rows: list[float], first_step: int = 100, before: int = 0) -> Standing:
    """Series whose loaded part begins at step 100, and who have `before` steps not loaded."""
    values: FloatArray = np.array(rows)
    origin = first_step + values.shape[1]
    return Standing.of(panel(values, first_step, before), origin, RULES)


def panel(values: FloatArray, first_step: int, before: int) -> Panel:
    infos = []
    for row, series in enumerate(values):
        there = np.flatnonzero(~np.isnan(series))
        first, last = (there[0], there[-1]) if there.size else (0, -1)
        infos.append(SeriesInfo(f"s{row}", (), first_step + first - before, first_step + last))
    return Panel("loads", Grid("1h"), tuple(infos), first_step, values, first_step)


def test_length_counts_from_the_first_observation_even_where_it_is_not_loaded() -> None:
    assert standing([NAN, NAN, 1, 2, 3]).length.tolist() == [3]
    assert standing([1, 2, 3], before=40).length.tolist() == [43]


def test_age_and_silence_count_the_empty_steps_at_the_end() -> None:
    some = standing([1, 2, 3, NAN, NAN, NAN], [1, 2, 3, 4, NAN, NAN], [NAN] * 6)
    assert some.age.tolist()[:2] == [3, 2]
    assert some.silent.tolist()[:2] == [1, 0]


def test_a_series_without_any_observation_has_no_length() -> None:
    some = standing([NAN, NAN], [1, 2])
    assert some.length.tolist() == [0, 2]
    assert some.seen.tolist() == [0, 2]
    assert np.isnan(some.last[0])


def test_a_series_whose_observations_lie_before_the_loaded_part_is_silent_since_then() -> None:
    values = np.array([[NAN] * 4, [NAN] * 4, [1.0, 2, 3, 4]])
    infos = (
        SeriesInfo("old", (), 20, 60),
        SeriesInfo("rows without a value", (), 20, 103),
        SeriesInfo("other", (), 20, 103),
    )
    some = Standing.of(Panel("loads", Grid("1h"), infos, 100, values, 103), 104, RULES)
    assert some.length.tolist() == [0, 0, 84]
    assert some.silent.tolist() == [43, 0, 0]


def test_the_missing_share_leaves_out_what_is_only_late() -> None:
    full = [float(step) for step in range(20)]
    late = [*full[:17], NAN, NAN, NAN]
    holes = [*full[:14], NAN, NAN, *full[16:]]
    some = standing(full, late, holes)
    assert some.missing.tolist() == [0.0, 0.0, 0.25]
    assert some.seen.tolist() == [8, 5, 6]


def test_nothing_is_missing_before_a_series_began() -> None:
    assert standing([NAN] * 15 + [1.0, 2, NAN, 4, 5]).missing.tolist() == [0.2]


def test_a_panel_that_ends_before_the_origin_is_late_not_full() -> None:
    values = np.arange(20.0)[None]
    some = Standing.of(panel(values, 100, 0), 123, RULES)
    assert (some.age[0], some.seen[0], some.missing[0]) == (3, 5, 0.0)


def test_what_comes_after_the_origin_is_not_looked_at() -> None:
    values = np.array([[1.0, 2.0, 3.0, 1000.0, NAN]])
    whole = Standing.of(panel(values, 100, 0), 103, RULES)
    cut = Standing.of(panel(values[:, :3], 100, 0), 103, RULES)
    for name in ("length", "age", "low", "high", "last", "usual", "seen", "missing"):
        assert getattr(whole, name).tolist() == getattr(cut, name).tolist(), name


def test_constant_and_imprecise_are_told_apart() -> None:
    some = standing([7.0, 7, 7], [1e15, 1e15 + 0.125, 1e15], [1e9, 1e9 + 10, 1e9], [0.0, 0, 0])
    assert some.constant.tolist() == [True, False, False, True]
    assert some.imprecise.tolist() == [False, True, False, False]


def test_the_usual_size_does_not_know_the_last_value() -> None:
    some = standing([2.0, -3, 2, 3, 9000])
    assert (some.last[0], some.usual[0]) == (9000.0, 3.0)


def test_hours_that_become_days_are_seen() -> None:
    hourly = [1.0] * 30
    daily = [1.0 if step % 4 == 0 else NAN for step in range(30)]
    weekdays = [1.0, 1, 1, 1, 1, NAN, NAN] * 8 + [1.0, NAN, NAN, NAN]
    some = standing(hourly + daily, hourly + hourly, [NAN] * 30 + daily, weekdays)
    assert some.thinned.tolist() == [True, False, False, False]


def test_a_panel_without_series_or_steps_is_no_fault() -> None:
    empty = Standing.of(Panel("loads", Grid("1h"), (), 0, np.zeros((0, 5)), 4), 5, RULES)
    assert empty.length.shape == (0,)
    early = Standing.of(panel(np.array([[1.0]]), 100, 0), 100, RULES)
    assert early.length.tolist() == [0]
