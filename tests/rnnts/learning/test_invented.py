"""Series to practise on: what they are like, and that they change nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from rnnts.learning.descent import Descent
from rnnts.learning.fit import fit
from rnnts.learning.invented import CELLS, invented_series, invented_windows
from rnnts.learning.recipe import Recipe, invented_rows
from rnnts.networks.config import NetworkConfig
from rnnts.panels.covariates import Covariates, Vintages
from rnnts.panels.grid import Grid
from rnnts.panels.holiday import COLUMNS, NAME, holiday_entries
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season, seasons_of
from rnnts.windows.pipeline import Beside, batches
from rnnts.windows.windowset import WindowSet

DAYS = seasons_of("1h", 1_000)
WINDOW, HORIZON = 336, 48


def hours(covariates: Covariates | None = None, seasons: tuple[Season, ...] = DAYS) -> WindowSet:
    """Two months of three series."""
    steps = np.arange(24 * 60)
    values = np.stack([np.sin(2 * np.pi * steps / 24 + 0.1) * size for size in (1.0, 5.0, 9.0)])
    infos = tuple(SeriesInfo(f"s{place}", (), 0, len(steps) - 1) for place in range(3))
    panel = Panel("p", Grid("1h"), infos, 0, values, len(steps) - 1, covariates)
    return WindowSet.of(panel, window=WINDOW, horizon=HORIZON, seasons=seasons)


@pytest.mark.parametrize("seasons", [[], [7], [24, 168], [7, 365], [12], [288, 2016], [10, 9_999]])
def test_equal_seeds_give_equal_series_and_others_do_not(seasons: list[int]) -> None:
    one, again, other = (invented_series(seed, 40, 500, seasons) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other, equal_nan=True)
    assert one.shape == (40, 500)
    assert not np.isinf(one).any()
    assert np.nanmax(np.abs(one)) < 1e15


def test_series_are_of_many_kinds() -> None:
    values = invented_series(0, 2_000, 1_000, [24, 168])
    missing = np.isnan(values)
    assert 0.001 < missing.mean() < 0.05
    assert (~missing).any(axis=1).all()
    whole = values[~missing.any(axis=1)]
    size = np.abs(whole).mean(axis=1)
    assert np.quantile(size, 0.95) > 100 * np.quantile(size, 0.05)
    zeros = (whole == 0).mean(axis=1)
    assert 0.05 < (zeros > 0.05).mean() < 0.4
    assert 0.2 < (whole.min(axis=1) < 0).mean() < 0.6
    # most, not all, are more like themselves a day ago than half a day ago
    by_day = np.abs(whole[:, 24:] - whole[:, :-24]).mean(axis=1)
    by_half = np.abs(whole[:, 12:] - whole[:, :-12]).mean(axis=1)
    assert 0.5 < (by_day < by_half).mean() < 0.98


def test_a_season_comes_again() -> None:
    values = invented_series(0, 500, 24 * 40, [24])
    folded = values[np.isfinite(values).all(axis=1)].reshape(-1, 40, 24)
    within = folded - folded.mean(axis=2, keepdims=True)
    share = folded.mean(axis=1).std(axis=1) / (within.std(axis=(1, 2)) + 1e-9)
    assert np.median(share) > 0.5


def test_windows_are_those_of_the_panel_and_all_for_training() -> None:
    own = hours()
    invented = invented_windows(own, 1)
    assert (invented.window, invented.horizon, invented.seasons) == (WINDOW, HORIZON, own.seasons)
    assert 0.5 * CELLS < len(invented.values) <= CELLS
    assert invented.counts().min() > 0
    assert len(invented.parts.gate_origins) == 0
    assert len(invented_windows(own, 1, wanted=30).counts()) == 30


def test_a_batch_holds_both_and_its_own_are_drawn_as_ever() -> None:
    own = hours()
    beside = Beside(invented_windows(own, 1), 10)
    mixed, targets, weights = next(iter(batches(own, 30, 5, beside=beside, start=3)))
    alone, alone_targets, alone_weights = next(iter(batches(own, 20, 5, start=3)))
    ours = np.arange(30) < 20  # windows mix with their neighbours: each kind with its own
    np.testing.assert_array_equal(np.isin(targets[:, 0], own.values), ours)
    for name, values in alone.items():
        np.testing.assert_array_equal(mixed[name][ours], values, name)
        assert len(mixed[name]) == 30
    np.testing.assert_array_equal(targets[ours], alone_targets)
    np.testing.assert_array_equal(weights[ours], alone_weights)
    assert (weights[~ours].numpy() > 0).any()


def test_a_batch_gathered_by_kernels_is_the_same_batch(with_holidays: WindowSet) -> None:
    beside = Beside(invented_windows(with_holidays, 1), 10)
    both = [
        next(iter(batches(with_holidays, 30, 5, beside=beside, fused=fused)))
        for fused in (False, True)
    ]
    (plain, *plain_others), (fused, *fused_others) = both
    for name, values in plain.items():
        np.testing.assert_allclose(fused[name], values, rtol=1e-12, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(fused_others[0], plain_others[0])
    np.testing.assert_array_equal(fused_others[1], plain_others[1])


@pytest.fixture(scope="module")
def with_holidays() -> WindowSet:
    entries = holiday_entries("US", Grid("1h"), 0, 24 * 70)
    return hours(Covariates((Vintages.of(NAME, (), COLUMNS, len(COLUMNS), entries),)))


def test_the_invented_know_of_no_covariates(with_holidays: WindowSet) -> None:
    beside = Beside(invented_windows(with_holidays, 1), 10)
    inputs, _, _ = next(iter(batches(with_holidays, 30, 5, beside=beside)))
    known, clock = inputs["known_future"].numpy(), 4
    assert np.isfinite(known[:20, -HORIZON:]).all()
    assert np.isnan(known[20:, :, :-clock]).all()
    assert (known[20:, :, -clock:] == 0).all()
    assert inputs["past"].shape[0] == inputs["static"].shape[0] == 30


def test_a_network_with_covariates_trains_beside_the_invented(with_holidays: WindowSet) -> None:
    config = NetworkConfig(
        window=WINDOW,
        horizon=HORIZON,
        seasons=with_holidays.seasons,
        covariates=with_holidays.covariates,
        units=4,
        layers=1,
    )
    outcome = fit(config, with_holidays, steps=8, recipe=Recipe(batch=20, passes=0.0))
    assert (outcome.status, outcome.reason) == ("trained", "")


def test_a_short_training_has_no_time_for_them() -> None:
    recipe = Recipe(batch=100, invented=0.8, passes=3.0)
    assert invented_rows(recipe, 30, 1_000, 24) == 0  # 3 passes
    assert invented_rows(recipe, 60, 1_000, 24) == 50
    assert invented_rows(recipe, 10_000, 1_000, 24) == 80
    assert invented_rows(recipe, 60, 12_000, 288) == 50  # twelve of them are hardly more than one


def test_only_networks_that_scale_by_window_and_know_no_calendar_practise() -> None:
    own = hours()
    recipe = Recipe(batch=20, invented=0.5)
    config = NetworkConfig(window=WINDOW, horizon=HORIZON, seasons=own.seasons, units=4, layers=1)
    long = 10_000
    descent = Descent(config, own, 0, recipe, long)
    assert descent.beside is not None
    assert descent.beside.rows == 10
    assert Descent(config, own, 0, recipe, 10).beside is None
    assert Descent(config, own, 0, replace(recipe, invented=0.0), long).beside is None
    by_series = replace(own, static=2, typical=np.ones((3, 2)))
    changed = config.model_copy(update={"scale": "series", "static": 2})
    assert Descent(changed, by_series, 0, recipe, long).beside is None
