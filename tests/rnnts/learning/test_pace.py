"""How many steps fit into a time, and when their batches grow."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.learning import child, pace
from rnnts.learning.jobs import plan_of
from rnnts.learning.recipe import Recipe, full_batch, fuller, recipe_for
from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.windowset import WindowSet

SIXTH = Season("sixth", 6, 1)
CONFIG = NetworkConfig(window=12, horizon=5, seasons=((6, 3, 0),), units=4, layers=1)
MILLION = 10**6


def windows(series: int) -> WindowSet:
    """Series of 600 steps: some 500 windows each."""
    values = np.random.default_rng(0).normal(10, 1, (series, 600))
    infos = tuple(SeriesInfo(f"s{place}", (), 0, 599) for place in range(series))
    panel = Panel("p", Grid("1h"), infos, 0, values, 599)
    return WindowSet.of(panel, window=12, horizon=5, seasons=[SIXTH])


@pytest.mark.parametrize(
    ("steps", "count", "season", "horizon", "batch"),
    [
        (1_500, MILLION, 24, 48, 256),
        (3_000, MILLION, 24, 48, 512),
        (9_000, MILLION, 24, 48, 1_024),
        (9_000, 70_000, 24, 48, 1_024),
        (9_000, 60_000, 24, 48, 512),  # a pass over it would be less than 64 batches
        (9_000, 60_000, 288, 48, 256),  # windows of 5 minutes are nearly the same
        (9_000, 2_000, 12, 12, 256),
        (9_000, MILLION, 24, 168, 512),  # more targets than batches may grow to
        (9_000, MILLION, 24, 10_000, 256),
    ],
)
def test_batches_grow_with_time_with_windows_to_fill_them_and_as_far_as_memory_goes(
    steps: int, count: int, season: int, horizon: int, batch: int
) -> None:
    assert full_batch(Recipe(), steps, count, season=season, horizon=horizon) == batch


def test_other_architectures_keep_their_batch() -> None:
    course = recipe_for(NetworkConfig(architecture="lstm", window=8, horizon=2))
    assert full_batch(course, MILLION, MILLION, season=24, horizon=2) == course.batch


def test_a_fuller_batch_has_a_larger_rate_unless_the_network_says_its_own() -> None:
    usual = recipe_for(CONFIG)
    assert fuller(usual, CONFIG, usual.batch) == usual
    four = fuller(usual, CONFIG, 4 * usual.batch)
    assert four.batch == 1_024
    assert four.rate == pytest.approx(5 / 3 * usual.rate)
    own = CONFIG.model_copy(update={"rate": 0.01})
    assert fuller(recipe_for(own), own, 1_024).rate == 0.01


def test_time_for_many_steps_makes_fewer_and_fuller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(_config: NetworkConfig, _windows: WindowSet, *, recipe: Recipe) -> float:
        return {256: 0.01}[recipe.batch]  # a fuller step is not measured

    monkeypatch.setattr(pace, "measure_step_seconds", measured)
    many = windows(100)
    assert pace.pace_for(CONFIG, many, 10.0) == pace.Pace(500, 0.01, None)
    found = pace.pace_for(CONFIG, many, 100.0)
    assert (found.steps, found.batch) == (1_785, 1_024)
    assert found.step_seconds == pytest.approx(0.028)
    assert pace.pace_for(CONFIG, windows(3), 100.0) == pace.Pace(5_000, 0.01, None)


def test_a_plan_is_made_once_kept_and_trained_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    (tmp_path / "job").mkdir()
    job = child.Job(
        store=str(store.root),
        windows=store.put_arrays(windows(2).save(), "windows"),
        network=CONFIG.model_dump(mode="json"),
        seed=0,
        steps=None,
        seconds=60.0,
        folder=str(tmp_path / "job"),
    )
    monkeypatch.setattr(pace, "pace_for", lambda *_: pace.Pace(30, 0.01, 512))
    planned = child.planned_steps(job, CONFIG, windows(2))
    assert planned == {"steps": 30, "step_seconds": 0.01, "batch": 512}
    assert json.loads((tmp_path / "job" / "steps.json").read_text()) == planned
    assert plan_of(planned) == {"steps": 30, "batch": 512}
    monkeypatch.setattr(pace, "pace_for", lambda *_: pace.Pace(70, 0.01, None))
    assert child.planned_steps(job, CONFIG, windows(2)) == planned
    outcome, recipe, _ = child.trained(
        replace(job, seconds=None), CONFIG, windows(2), planned, lambda _line: None, 0.0
    )
    assert (outcome.status, outcome.steps, recipe.batch) == ("trained", 30, 512)
