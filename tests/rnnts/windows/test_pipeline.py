from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season, seasons_of
from rnnts.windows.gather import inputs_at
from rnnts.windows.parts import Parts
from rnnts.windows.pipeline import Flat, batches, window_count
from rnnts.windows.windowset import WindowSet

DAY = (Season("day", 4, 1),)
NOTHING = np.zeros(0, np.int64)


def whole(until: int) -> Parts:
    """Everything is training."""
    return Parts(until, until, until, NOTHING, NOTHING)


def test_the_courses_own_case_is_4_windows_of_30_steps_and_the_step_after(
    panel_of: Callable[..., Panel],
) -> None:
    panel = panel_of([np.arange(100.0)], Grid("1D"))
    windowset = WindowSet.of(panel, window=30, horizon=1, seasons=(), minimum=30, parts=whole(1000))
    inputs, targets, _ = next(iter(batches(windowset, batch=4, seed=1)))
    assert inputs["values"][..., None].shape == (4, 30, 1)
    np.testing.assert_array_equal(np.diff(inputs["values"].numpy(), axis=1), 1.0)
    np.testing.assert_array_equal(targets.numpy()[:, 0], inputs["values"].numpy()[:, -1] + 1)


def test_a_pass_gives_each_window_once_and_the_next_pass_another_order(
    panel_of: Callable[..., Panel],
) -> None:
    panel = panel_of([np.arange(40.0), np.arange(100.0, 125.0)])
    windowset = WindowSet.of(panel, window=5, horizon=1, seasons=(), minimum=5, parts=whole(1000))
    total = window_count(windowset)
    assert total == (40 - 5) + (25 - 5)
    stream = iter(batches(windowset, 11, 3))
    drawn = np.concatenate([next(stream)[1].numpy()[:, 0] for _ in range(2 * total // 11)])
    expected = {*np.arange(5.0, 40.0), *np.arange(105.0, 125.0)}
    assert set(drawn[:total]) == set(drawn[total:]) == expected
    assert drawn[:total].tolist() != drawn[total:].tolist()
    assert drawn[:total].tolist() != sorted(drawn[:total])


def test_a_pass_draws_of_no_series_more_than_four_times_the_middle_one(
    panel_of: Callable[..., Panel],
) -> None:
    series = [np.arange(1_000.0), *(start + np.arange(15.0) for start in (2e3, 3e3, 4e3))]
    windowset = WindowSet.of(
        panel_of(series), window=5, horizon=1, seasons=(), minimum=5, parts=whole(1000)
    )
    total = window_count(windowset)
    assert total == 40 + 3 * 10
    stream = iter(batches(windowset, total, 3))
    passes = [np.sort(next(stream)[1].numpy()[:, 0]) for _ in range(20)]
    for drawn in passes:
        old, young = drawn[:40], drawn[40:]
        assert young.tolist() == [start + 5 + at for start in (2e3, 3e3, 4e3) for at in range(10)]
        assert 24 <= np.diff(old).min() <= np.diff(old).max() <= 25  # from all over its life
        assert old[0] < 30
        assert old[-1] > 970
    assert len({start for drawn in passes for start in drawn[:40].tolist()}) > 400


def test_a_stream_goes_on_where_another_one_stopped(panel_of: Callable[..., Panel]) -> None:
    windowset = WindowSet.of(panel_of([np.arange(200.0)]), window=8, horizon=4, seasons=DAY)
    stream = iter(batches(windowset, 7, 5))
    for _ in range(30):
        next(stream)
    _, expected, _ = next(stream)
    _, resumed, _ = next(iter(batches(windowset, 7, 5, start=30)))
    np.testing.assert_array_equal(resumed, expected)


def test_another_seed_gives_another_order(panel_of: Callable[..., Panel]) -> None:
    windowset = WindowSet.of(panel_of([np.arange(200.0)]), window=8, horizon=4, seasons=DAY)
    one, other = (next(iter(batches(windowset, 7, seed)))[1].numpy() for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_training_sees_no_target_of_a_later_part(panel_of: Callable[..., Panel]) -> None:
    windowset = WindowSet.of(panel_of([np.arange(200.0)]), window=8, horizon=12, seasons=DAY)
    limit = windowset.parts.training_until - 800
    stream = iter(batches(windowset, window_count(windowset), 0))
    inputs, targets, _ = next(stream)
    assert np.nanmax(targets) == limit - 1
    assert np.nanmax(inputs["values"]) < limit
    assert np.isnan(targets).any()  # those that would lie in calibration


def test_steps_before_a_series_began_are_missing_not_those_of_its_neighbour(
    panel_of: Callable[..., Panel],
) -> None:
    panel = panel_of([np.full(60, 1.0), np.full(60, 2.0)])
    windowset = WindowSet.of(panel, window=8, horizon=4, seasons=DAY, minimum=4, parts=whole(1000))
    inputs, targets, _ = next(iter(batches(windowset, window_count(windowset), 0)))
    for name in ("values", "before", "bases"):
        seen = inputs[name].numpy().reshape(len(targets), -1)
        wanted = np.broadcast_to(targets.numpy()[:, :1], seen.shape)
        assert np.isnan(seen).any()
        np.testing.assert_array_equal(seen[~np.isnan(seen)], wanted[~np.isnan(seen)])


def test_a_series_of_unknown_scale_weighs_nothing(panel_of: Callable[..., Panel]) -> None:
    panel = panel_of([np.arange(200.0), np.full(200, 3.0)])
    windowset = WindowSet.of(panel, window=8, horizon=4, seasons=DAY)
    inputs, _, weights = next(iter(batches(windowset, 64, 0, "gate")))
    constant = inputs["values"].numpy()[:, 0] == 3.0
    np.testing.assert_array_equal(weights.numpy(), np.where(constant, 0.0, 0.25))


def test_of_too_many_windows_a_fixed_sample_of_all_series_is_given(
    panel_of: Callable[..., Panel],
) -> None:
    panel = panel_of([np.arange(200.0) + 1000 * place for place in range(20)])
    windowset = WindowSet.of(panel, window=8, horizon=4, seasons=DAY)
    everything = list(batches(windowset, 64, 0, "gate"))
    count = sum(len(targets) for _, targets, _ in everything)
    (one, targets, _), (again, _, _) = (
        next(iter(batches(windowset, 10_000, seed, "gate", most=count // 2))) for seed in (0, 1)
    )
    assert len(targets) == count // 2
    assert set(targets.numpy()[:, 0] // 1000) == set(range(20))  # every second were of 10 series
    for name, values in one.items():
        np.testing.assert_array_equal(values, again[name], name)
    for most in (count, count + 1):
        few = list(batches(windowset, 64, 0, "gate", most=most))
        np.testing.assert_array_equal(
            np.concatenate([batch[1] for batch in few]),
            np.concatenate([batch[1] for batch in everything]),
        )


def test_a_panel_without_a_single_window_is_refused(panel_of: Callable[..., Panel]) -> None:
    windowset = WindowSet.of(panel_of([np.arange(10.0)]), window=8, horizon=4, seasons=DAY)
    with pytest.raises(ValueError, match="long enough"):
        batches(windowset, 4, 0)


def hours_around_the_clock_change() -> Panel:
    """Three series of 2013 in New York that begin at different times, with a gap."""
    from rnnts.panels.panel import SeriesInfo

    grid = Grid("1h", "America/New_York")
    first = int(grid.step_of(np.array([int(datetime(2013, 2, 1, tzinfo=UTC).timestamp())]))[0])
    values = np.random.default_rng(0).normal(1e6, 1.0, (3, 24 * 60))
    values[1, :300] = np.nan
    values[2, 500:520] = np.nan
    last = first + values.shape[1] - 1
    infos = tuple(
        SeriesInfo(name, (), first + begin, last)
        for name, begin in (("a", 0), ("b", 300), ("c", 0))
    )
    return Panel("p", grid, infos, first, values, last)


def days_of_five_years() -> Panel:
    """Two series of days with a year in them, one of them young and with gaps."""
    from rnnts.panels.panel import SeriesInfo

    days = np.arange(5 * 365)
    values = np.random.default_rng(0).normal(np.sin(days / 58) * 9 + days / 99, 1.0, (2, 5 * 365))
    values[1, :700] = np.nan
    values[1, 900:920] = np.nan
    last = 15_000
    infos = (
        SeriesInfo("a", (), last - len(days) + 1, last),
        SeriesInfo("b", (), last - len(days) + 701, last),
    )
    return Panel("p", Grid("1D", "Europe/Berlin"), infos, infos[0].first, values, last)


@pytest.mark.parametrize("horizon", [14, 400])
def test_the_pipeline_smooths_what_serving_smooths(horizon: int) -> None:
    panel = days_of_five_years()
    seasons = seasons_of("1D", 5 * 365)
    windowset = WindowSet.of(panel, window=56, horizon=horizon, seasons=seasons)
    assert windowset.seasons[1] == (365, 3, 10)
    for origin, part in [(int(windowset.parts.gate_origins[0]), "gate")]:
        inputs, _, _ = next(iter(batches(windowset, 2, 0, part)))
        served = inputs_at(panel, windowset, origin)
        bases = inputs["bases"].numpy()
        assert np.isfinite(bases[0]).all()
        np.testing.assert_allclose(bases, served["bases"], rtol=1e-12, atol=1e-12)


def test_smoothed_seasons_read_no_value_from_the_origin_on() -> None:
    panel = days_of_five_years()
    seasons = seasons_of("1D", 5 * 365)
    windowset = WindowSet.of(panel, window=56, horizon=400, seasons=seasons)
    origin = int(windowset.parts.calibration_origins[0])
    future = panel.values.copy()
    future[:, origin - panel.first_step :] = 1e6
    changed = Panel("p", panel.grid, panel.series, panel.first_step, future, panel.watermark)
    later = WindowSet.of(changed, window=56, horizon=400, seasons=seasons)
    for one, other in zip(
        next(iter(batches(windowset, 2, 0, "calibration")))[0].items(),
        next(iter(batches(later, 2, 0, "calibration")))[0].items(),
        strict=True,
    ):
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("horizon", [30, 200])
def test_the_pipeline_gathers_what_serving_gathers(horizon: int) -> None:
    panel = hours_around_the_clock_change()
    windowset = WindowSet.of(
        panel,
        window=336,
        horizon=horizon,
        seasons=seasons_of("1h", 1440),
        with_calendar=True,
        by_series=True,
    )
    for part in ("calibration", "gate"):
        origins = windowset.parts.origins(part)
        inputs, _, _ = next(iter(batches(windowset, 10_000, 0, part)))
        served = [inputs_at(panel, windowset, int(o), windowset.typical) for o in origins]
        used = windowset.usable(origins).T  # [origins, series]
        assert used.any()
        for name, gathered in inputs.items():
            rows = [part[name][use] for part, use in zip(served, used, strict=True)]
            np.testing.assert_array_equal(gathered.numpy(), np.concatenate(rows), name)


def test_turns_come_once_more_as_if_their_days_were_like_the_newest() -> None:
    hours = np.arange(24 * 40)
    level = np.repeat(np.arange(40.0) ** 2, 24)  # of each day
    values = np.sin(2 * np.pi * hours / 24) + level
    info = SeriesInfo("a", (), 0, len(hours) - 1)
    panel = Panel("p", Grid("1h"), (info,), 0, values[None], len(hours) - 1)
    windowset = WindowSet.of(panel, window=336, horizon=48, seasons=seasons_of("1h", len(hours)))
    bases = inputs_at(panel, windowset, 24 * 38)["bases"][0]  # [horizon, 12]
    for turn in range(3):
        newest, day, week = 37**2, 37 - turn, 31 - turn * 7
        np.testing.assert_allclose(bases[:24, turn], values[24 * day :][:24])
        np.testing.assert_allclose(
            bases[:24, 3 + turn], values[24 * day :][:24] + newest - (day - 1) ** 2
        )
        np.testing.assert_allclose(bases[:24, 6 + turn], values[24 * week :][:24])
        np.testing.assert_allclose(
            bases[:24, 9 + turn], values[24 * week :][:24] + newest - (week - 1) ** 2
        )


def test_serving_reads_no_value_from_the_origin_on() -> None:
    panel = hours_around_the_clock_change()
    windowset = WindowSet.of(panel, window=336, horizon=30, seasons=seasons_of("1h", 1440))
    origin = panel.last_step - 200
    future = panel.values.copy()
    future[:, origin - panel.first_step :] = -1.0
    changed = Panel("p", panel.grid, panel.series, panel.first_step, future, panel.watermark)
    for name, array in inputs_at(panel, windowset, origin).items():
        np.testing.assert_array_equal(array, inputs_at(changed, windowset, origin)[name])


def test_serving_before_any_history_is_all_missing() -> None:
    panel = hours_around_the_clock_change()
    windowset = WindowSet.of(panel, window=336, horizon=30, seasons=seasons_of("1h", 1440))
    inputs = inputs_at(panel, windowset, panel.first_step)
    assert np.isnan(inputs["values"]).all()
    assert np.isnan(inputs["bases"]).all()


def test_chosen_windows_are_gathered_at_once(panel_of: Callable[..., Panel]) -> None:
    panel = panel_of([np.arange(200.0), np.arange(200.0) ** 2])
    windowset = WindowSet.of(panel, window=8, horizon=4, seasons=DAY)
    expected, targets, weights = next(iter(batches(windowset, 64, 0, "gate")))
    gathered = Flat.of(windowset, "gate").gather(*windowset.windows("gate"))
    for name, array in expected.items():
        np.testing.assert_array_equal(gathered[0][name], array)
    np.testing.assert_array_equal(gathered[1], targets)
    np.testing.assert_array_equal(gathered[2], weights)
