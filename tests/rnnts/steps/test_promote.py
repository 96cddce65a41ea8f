"""The gate's word is kept once, with its numbers; what readers had stays where it refuses."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.database import models
from rnnts.database.outbox import waiting_messages
from rnnts.database.runs import runs_of
from rnnts.errors import ConfigurationError, InfrastructureError, IntegrityError
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.promote import promote, safeguarded
from tests.rnnts.steps.trained_project import AS_OF, PANEL, add_snapshot, daily_rows, project_in

ORIGINS, SERIES = 8, 6


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path)


def errors(network: float, champion: float | None = None, **series: float) -> dict[str, FloatArray]:
    """Scaled errors by method; `feeder_2=0.1` is last week's error for that series."""
    random = np.random.default_rng(0)
    means = {"network": network, "seasonal_naive_day": 1.0, "seasonal_naive_week": 1.1}
    means |= {} if champion is None else {"champion": champion}
    scored = {
        name: mean + random.normal(0, 0.01, (ORIGINS, SERIES)) for name, mean in means.items()
    }
    for name, error in series.items():
        scored["seasonal_naive_week"][:, int(name.removeprefix("feeder_"))] = error
    return scored


def scored(
    project: Project,
    name: str,
    of: dict[str, FloatArray],
    champion: str | None = None,
    weeks: int = 0,
) -> str:
    """A candidate `name` with a scorecard of these errors; returns the scorecard's id."""
    snapshot_id = add_snapshot(project, daily_rows(SERIES))
    as_of = AS_OF + timedelta(weeks=weeks)
    artefact = project.store.put_arrays({**of, "origins": np.arange(ORIGINS)}, "errors")
    scores: dict[str, Any] = {"artefacts": {"errors": artefact}, "overlap": 2, "champion": champion}
    with project.database.writing() as connection:
        models.add_version(
            connection,
            version_id=name,
            panel=PANEL,
            as_of=as_of,
            snapshot_id=snapshot_id,
            windows_id="w",
            manifest={"seed": 0},
            weights_name="",
            weights_sha256="",
        )
        models.add_scorecard(
            connection,
            scorecard_id=f"card-{name}",
            panel=PANEL,
            version_id=name,
            snapshot_id=snapshot_id,
            as_of=as_of,
            scores=scores,
        )
    return f"card-{name}"


def statuses(project: Project) -> dict[str, str]:
    with project.database.reading() as connection:
        return {row.version_id: row.status for row in models.versions(connection, PANEL)}


def test_a_winner_is_champion_from_the_instant_of_its_retrain(project: Project) -> None:
    result = promote(project, PANEL, scored(project, "a", errors(0.8)))
    assert (result.action, result.version_id, result.noop) == ("promote", "a", False)
    assert "MASE 0.8" in result.reason
    assert result.numbers["skill"]["seasonal_naive_day"] == pytest.approx(0.2, abs=0.01)
    assert statuses(project) == {"a": "champion"}
    with project.database.reading() as connection:
        now = models.champion(connection, PANEL, AS_OF)
        before = models.champion(connection, PANEL, AS_OF - timedelta(seconds=1))
        (message,) = waiting_messages(connection, PANEL)
        (run,) = runs_of(connection, PANEL, "promote")
    assert now is not None
    assert now.version_id == "a"
    assert before is None
    assert message.kind == "promoted"
    assert (run.status, run.result) == ("done", result.to_json())


def test_a_loser_is_rejected_with_the_reason_and_the_champion_stays(project: Project) -> None:
    promote(project, PANEL, scored(project, "a", errors(0.8)))
    card = scored(project, "b", errors(0.9, champion=0.8), champion="a", weeks=1)
    result = promote(project, PANEL, card)
    assert result.action == "reject"
    assert "does not beat champion 0.79" in result.reason
    assert statuses(project) == {"a": "champion", "b": "rejected"}
    with project.database.reading() as connection:
        (decision, _) = models.decisions(connection, PANEL)
    assert decision.effective_from is None
    assert decision.numbers["mase"]["champion"] == pytest.approx(0.8, abs=0.01)


def test_a_better_one_replaces_the_champion(project: Project) -> None:
    promote(project, PANEL, scored(project, "a", errors(0.8)))
    card = scored(project, "b", errors(0.7, champion=0.8), champion="a", weeks=1)
    assert promote(project, PANEL, card).action == "promote"
    assert statuses(project) == {"a": "retired", "b": "champion"}
    with project.database.reading() as connection:
        replay = models.champion(connection, PANEL, AS_OF + timedelta(days=1))
        (decision, _) = models.decisions(connection, PANEL)
    assert replay is not None
    assert replay.version_id == "a"
    assert decision.replaces == "a"


def test_a_decision_is_made_once(project: Project) -> None:
    card = scored(project, "a", errors(0.8))
    first = promote(project, PANEL, card)
    again = promote(project, PANEL, card)
    assert again.noop
    assert again.to_json() == first.to_json() | {"noop": True}
    with project.database.reading() as connection:
        assert len(models.decisions(connection, PANEL)) == 1
        assert len(waiting_messages(connection, PANEL)) == 1


def test_a_candidate_that_beats_no_baseline_is_rejected_without_a_champion(
    project: Project,
) -> None:
    result = promote(project, PANEL, scored(project, "a", errors(1.05)))
    assert result.action == "reject"
    assert "does not beat seasonal_naive_day" in result.reason
    assert statuses(project) == {"a": "rejected"}


def test_series_that_a_baseline_serves_better_are_named(project: Project) -> None:
    result = promote(project, PANEL, scored(project, "a", errors(0.8, feeder_2=0.1)))
    assert result.numbers["safeguards"]["series"] == 1
    assert safeguarded(project, PANEL, "a") == {"feeder-2": "seasonal_naive_week"}
    assert safeguarded(project, PANEL, "b") == {}


def test_a_champion_is_compared_as_it_has_served(project: Project) -> None:
    promote(project, PANEL, scored(project, "a", errors(0.8, feeder_2=0.1)))
    theirs = errors(0.7, champion=0.8)
    theirs["champion"][:, 2] = 50.0
    card = scored(project, "b", theirs, champion="a", weeks=1)
    numbers = promote(project, PANEL, card).numbers
    week = theirs["seasonal_naive_week"][:, 2]
    expected = (np.delete(theirs["champion"], 2, 1).sum() + week.sum()) / theirs["champion"].size
    assert numbers["mase"]["champion"] == pytest.approx(expected)
    assert numbers["networks"]["champion"] == pytest.approx(theirs["champion"].mean())


def test_a_network_that_is_better_where_a_baseline_serves_replaces_nobody(
    project: Project,
) -> None:
    weekly = {f"feeder_{place}": 0.1 for place in range(SERIES - 1)}
    promote(project, PANEL, scored(project, "a", errors(0.8, **weekly)))
    theirs = errors(0.82, champion=0.8, **weekly)
    theirs["network"][:, :-1] = 0.4
    result = promote(project, PANEL, scored(project, "b", theirs, champion="a", weeks=1))
    assert result.numbers["confidence"]["champion"] > result.numbers["level"]
    assert result.action == "reject"
    assert "does not beat champion" in result.reason
    assert "% worse; networks alone 0.4" in result.reason


def test_a_champion_that_changed_meanwhile_has_to_be_scored_against(project: Project) -> None:
    card = scored(project, "b", errors(0.7), weeks=1)
    promote(project, PANEL, scored(project, "a", errors(0.8)))
    with pytest.raises(InfrastructureError, match="CHAMPION_CHANGED loads"):
        promote(project, PANEL, card)
    assert statuses(project) == {"a": "champion", "b": "candidate"}


def test_missing_errors_decide_nothing(project: Project) -> None:
    card = scored(project, "a", errors(0.8))
    for name in list(project.store.names("errors")):
        project.store.remove(name)
    with pytest.raises(IntegrityError, match="ARTEFACT_MISSING"):
        promote(project, PANEL, card)
    assert statuses(project) == {"a": "candidate"}


def test_an_unknown_scorecard_is_said(project: Project) -> None:
    with pytest.raises(ConfigurationError, match="SCORECARD_UNKNOWN"):
        promote(project, PANEL, "card-z")
