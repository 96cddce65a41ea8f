"""A candidate that went wrong in training does not get past the gate, whatever it says itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rnnts.database import models
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.project import Project
from rnnts.steps.evaluate import evaluate
from rnnts.steps.promote import promote
from rnnts.steps.results import DecisionResult
from rnnts.steps.window import windowset_of
from rnnts.windows.windowset import WindowSet
from tests.rnnts.steps.spoiled import (
    Inputs,
    Linear,
    Understudies,
    honest,
    look_ahead,
    shuffled_targets,
    ten_times_the_scale,
    training_windows,
    walking_levels,
)
from tests.rnnts.steps.trained_project import AS_OF, PANEL, add_windows, daily_rows, project_in

Spoil = Callable[[Inputs, FloatArray], tuple[Inputs, FloatArray]]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path)


@pytest.fixture
def stage(project: Project, monkeypatch: pytest.MonkeyPatch) -> Understudies:
    """A panel whose champion was trained on honest windows."""
    stage = Understudies(project, add_windows(project, daily_rows()), monkeypatch)
    assert decided(stage, "champion", honest).action == "promote"
    return stage


def decided(
    stage: Understudies, name: str, spoil: Spoil, windowset: WindowSet | None = None
) -> DecisionResult:
    """What the gate says of a candidate trained on spoiled windows; it looks well to itself."""
    own = windowset_of(stage.project, stage.windows)
    probe, _ = training_windows(own)
    inputs, targets = spoil(*training_windows(windowset or own))
    version_id = stage.enter(name, Linear.fitted(inputs, targets), probe, AS_OF)
    card = evaluate(stage.project, PANEL, version_id).scorecard_id
    return promote(stage.project, PANEL, card)


def rejected(stage: Understudies, decision: DecisionResult) -> bool:
    """Whether it was, for losing to the champion, who stays."""
    with stage.project.database.reading() as connection:
        champion = models.champion(connection, PANEL, AS_OF)
    assert champion is not None
    stays = champion.weights_name == "champion"
    loses = bool(decision.numbers["skill"]["champion"] < 0)
    return decision.action == "reject" and stays and loses


@pytest.mark.parametrize("spoil", [shuffled_targets, look_ahead, ten_times_the_scale])
def test_a_candidate_of_spoiled_windows_is_rejected(stage: Understudies, spoil: Spoil) -> None:
    assert rejected(stage, decided(stage, "bad", spoil))


def test_a_candidate_that_sees_ahead_looks_perfect_to_itself(stage: Understudies) -> None:
    """Else its rejection would say nothing of leaks."""
    windows = training_windows(windowset_of(stage.project, stage.windows))
    inputs, targets = look_ahead(*windows)
    leaking, fair = (Linear.fitted(*one) for one in ((inputs, targets), windows))
    errors = [
        np.abs(model.forecast(given)[:, :, 1] - targets).mean()
        for model, given in ((leaking, inputs), (fair, windows[0]))
    ]
    assert errors[0] < 0.2 * errors[1]


def test_a_candidate_of_a_world_that_is_gone_is_rejected(stage: Understudies) -> None:
    values = walking_levels(6, 40)
    infos = tuple(SeriesInfo(f"s{row}", (), 0, values.shape[1] - 1) for row in range(6))
    panel = Panel(PANEL, Grid("1h"), infos, 0, values, values.shape[1] - 1)
    stale = WindowSet.of(panel, window=48, horizon=6, seasons=stage.windows.seasons)
    assert rejected(stage, decided(stage, "stale", honest, stale))


@pytest.mark.parametrize("spoil", [shuffled_targets, look_ahead, ten_times_the_scale])
def test_a_bad_candidate_is_not_made_the_first_champion_either(
    project: Project, monkeypatch: pytest.MonkeyPatch, spoil: Spoil
) -> None:
    stage = Understudies(project, add_windows(project, daily_rows()), monkeypatch)
    decision = decided(stage, "bad", spoil)
    assert decision.action == "reject"
    assert "does not beat seasonal_naive_day" in decision.reason


def test_an_honest_candidate_replaces_a_champion_that_is_a_little_spoiled(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused is what is bad, not what is new."""

    def some_shuffled(inputs: Inputs, targets: FloatArray) -> tuple[Inputs, FloatArray]:
        mixed = targets.copy()
        mixed[::8] = shuffled_targets(inputs, targets)[1][::8]
        return inputs, mixed

    stage = Understudies(project, add_windows(project, daily_rows()), monkeypatch)
    assert decided(stage, "champion", some_shuffled).action == "promote"
    decision = decided(stage, "better", honest)
    assert decision.action == "promote", decision.reason
    assert decision.numbers["confidence"]["champion"] > decision.numbers["level"]
