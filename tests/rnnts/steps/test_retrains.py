"""A retrain says beforehand how it begins and why, and afterwards what came of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rnnts.config import TrainConfig
from rnnts.database import models
from rnnts.learning.versions import code_version
from rnnts.project import Project
from rnnts.steps.retrains import FRESH_EVERY, Plan, plan, sentence, told_of
from rnnts.steps.train import train
from rnnts.steps.window import Windows, load_windows
from tests.rnnts.steps.trained_project import (
    AS_OF,
    PANEL,
    add_windows,
    daily_rows,
    project_in,
    trained_project,
)

WEEK = timedelta(days=7)
STEPS = TrainConfig(steps=20)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path)


@pytest.fixture
def windows(project: Project) -> Windows:
    return load_windows(project, add_windows(project, daily_rows()))


def crown(
    project: Project,
    windows: Windows,
    at: datetime = AS_OF,
    numbers: dict[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of a manifest
) -> str:
    """A champion of these windows, whose weights are in the store; its id."""
    weights = project.store.put(b"weights", "weights", "keras")
    manifest = {
        "network": windows.network.model_dump(mode="json"),
        "grid": windows.grid.to_json(),
        "code": code_version(),
        "parts": windows.parts,
        "seconds": 60.0,
        "ended_at": 100,
        **changes,
    }
    name = f"{at:%m%d}" * 16
    with project.database.writing() as connection:
        models.add_version(
            connection, version_id=name, panel=PANEL, as_of=at, snapshot_id="s" * 64,
            windows_id=windows.windows_id, manifest=manifest, weights_name=weights,
            weights_sha256="a" * 64,
        )  # fmt: skip
        models.promote(
            connection, panel=PANEL, version_id=name, scorecard_id=None, reason="by hand",
            numbers=numbers or {}, effective_from=at,
        )  # fmt: skip
    return name


def planned(project: Project, windows: Windows, config: TrainConfig = STEPS) -> Plan:
    return plan(project, windows, config, AS_OF + WEEK)


def test_without_a_champion_it_begins_from_scratch(project: Project, windows: Windows) -> None:
    found = planned(project, windows)
    assert (found.how, found.version_id, found.generation) == ("scratch", None, 0)
    assert found.reason == "there is no champion yet"
    assert (found.expected_gain, found.expected_minutes) == (None, None)


def test_it_begins_with_the_champion_of_the_same_shape(project: Project, windows: Windows) -> None:
    name = crown(project, windows)
    found = planned(project, windows)
    assert (found.how, found.version_id, found.generation) == ("warm", name, 1)
    assert found.expected_minutes == pytest.approx(0.2)  # 20 of 100 steps that took a minute


def test_a_budget_of_minutes_is_expected_in_full_from_scratch_and_a_third_when_warm(
    project: Project, windows: Windows
) -> None:
    assert planned(project, windows, TrainConfig()).expected_minutes == 15
    crown(project, windows)
    assert planned(project, windows, TrainConfig(minutes=6)).expected_minutes == pytest.approx(2)


def test_asked_again_after_its_promotion_it_decides_the_same(
    project: Project, windows: Windows
) -> None:
    crown(project, windows)
    first = planned(project, windows)
    crown(project, windows, at=AS_OF + WEEK)
    assert planned(project, windows) == first


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network": {"window": 48, "horizon": 7}}, "the panel's shape changed (architecture, "),
        ({"grid": {"frequency": "30min"}}, "the panel's shape changed (its time line)"),
        ({"start": {"generation": FRESH_EVERY - 1}}, "every 4th retrain begins anew"),
        ({"parts": {"training": 10**9, "calibration": 0}}, "was trained on what is held out now"),
        ({"parts": {"training": 0, "calibration": 10**9}}, "was trained on what is held out now"),
        ({"parts": None}, "was trained on what is held out now"),
    ],
)
def test_a_champion_whose_weights_do_not_fit_is_not_begun_with(
    project: Project, windows: Windows, changes: dict[str, Any], reason: str
) -> None:
    crown(project, windows, **changes)
    found = planned(project, windows)
    assert (found.how, found.version_id) == ("scratch", None)
    assert reason in found.reason


def test_another_learning_rate_is_no_other_shape(project: Project, windows: Windows) -> None:
    network = windows.network.model_copy(update={"rate": 0.001}).model_dump(mode="json")
    crown(project, windows, network=network)
    assert planned(project, windows).how == "warm"


def test_who_wants_to_begin_from_scratch_does(project: Project, windows: Windows) -> None:
    crown(project, windows)
    assert planned(project, windows, TrainConfig(start="scratch")).how == "scratch"


def test_weights_that_are_gone_are_not_begun_with(project: Project, windows: Windows) -> None:
    crown(project, windows)
    for name in list(project.store.names("weights")):
        project.store.remove(name)
    assert planned(project, windows).reason == "the champion's weights are not in the store"


def test_what_to_expect_is_the_mean_of_what_its_kind_has_brought(
    project: Project, windows: Windows
) -> None:
    for weeks, how, gain in ((3, "warm", 0.03), (2, "warm", 0.01), (1, "scratch", 0.2)):
        at = AS_OF - weeks * WEEK
        told = {"how": how, "gain": gain, "as_of": at.isoformat()}
        crown(project, windows, at=at, numbers={"retrain": told})
    crown(project, windows)
    found = planned(project, windows)
    assert found.rests_on == 2
    assert found.expected_gain == pytest.approx(0.02)


def decision(action: models.Action, told: dict[str, Any]) -> models.DecisionRow:
    return models.DecisionRow(
        1, PANEL, action, "ab" * 32, "cd" * 32, None, "MASE 0.80 beats champion 0.81",
        {"retrain": told}, "gate", AS_OF, AS_OF,
    )  # fmt: skip


def test_a_decision_is_told_in_sentences() -> None:
    begun = Plan("warm", "cd" * 32, 1, 0.02, 2, 5.0, "the champion is the same network")
    manifest = {"start": begun.to_json(), "as_of": AS_OF.isoformat(), "seconds": 288.0}
    told = told_of(manifest, 0.012)
    assert sentence(decision("promote", told)) == (
        "ababababab became champion, in place of cdcdcdcdcd. Trained warm from cdcdcdcdcd because "
        "the champion is the same network; it took 4.8 min of 5.0 expected, gain expected: +2.0 % "
        "(the mean of the last 2), found: +1.2 %. MASE 0.80 beats champion 0.81."
    )
    cold = replace(begun, how="scratch", version_id=None, expected_gain=None, rests_on=0)
    told = told_of(manifest | {"start": cold.to_json()}, None)
    assert sentence(decision("reject", told)).startswith(
        "Kept what was there, ababababab was rejected. Trained from scratch because"
    )
    assert "not known, none of its kind was judged before, found: none to compare with" in sentence(
        decision("reject", told)
    )


def test_decisions_of_before_plans_were_kept_are_told_too() -> None:
    assert told_of({"seconds": 1.0}, None) == {}
    assert sentence(decision("promote", {})).endswith("cdcdcdcdcd. MASE 0.80 beats champion 0.81.")
    assert sentence(decision("rollback", {})).startswith("Rolled back to ababababab")


def test_a_warm_training_begins_where_the_champion_stands_and_says_so(tmp_path: Path) -> None:
    project = trained_project(tmp_path)
    with project.database.writing() as connection:
        (first,) = models.versions(connection, PANEL)
        models.promote(
            connection, panel=PANEL, version_id=first.version_id, scorecard_id=None,
            reason="by hand", numbers={}, effective_from=first.as_of,
        )  # fmt: skip
    result = train(project, PANEL, first.windows_id, AS_OF + WEEK)
    assert result.version_id != first.version_id  # the same windows, steps and seed
    with project.database.reading() as connection:
        row = models.version(connection, result.version_id)
    assert row is not None
    manifest = row.manifest
    assert manifest["begun_with"] == first.manifest["weights"]["sha256"]
    assert (manifest["start"]["how"], manifest["start"]["version_id"]) == ("warm", first.version_id)
    assert manifest["recipe"]["rate"] == pytest.approx(0.5 * first.manifest["recipe"]["rate"])
    assert manifest["curve"][0][2] < first.manifest["curve"][0][2]
