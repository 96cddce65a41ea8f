from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.forecasts import count_rows, forecast_rows
from rnnts.database.issues import live, publications
from rnnts.database.leases import hold
from rnnts.database.runs import runs_of
from rnnts.errors import InfrastructureError, IntegrityError
from rnnts.project import Project, open_project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.results import Kind, PublicationResult
from rnnts.steps.staged import Staged, blocks_of
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

NIGHT = BEGIN + timedelta(hours=600)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return lay_out(tmp_path, {"a": wave(640, 24), "b/ä": wave(640, 24, seed=1)})


def staged_at(project: Project, at: datetime) -> str:
    return forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at).staged_id


def published(project: Project, at: datetime, kind: Kind = "night") -> PublicationResult:
    return publish(project, "loads", staged_at(project, at), at, kind=kind)


def live_at(project: Project) -> datetime | None:
    with project.database.reading() as connection:
        row = live(connection, "loads")
    return None if row is None else row.issued_at


def test_what_was_staged_is_what_is_live_row_for_row(project: Project) -> None:
    staged_id = staged_at(project, NIGHT)
    result = publish(project, "loads", staged_id, NIGHT)
    assert (result.status, result.noop, result.rows, result.exit_code) == ("live", False, 12, 3)
    assert result.publication is not None
    with project.database.reading() as connection:
        rows = forecast_rows(connection, result.publication)
    staged = Staged.load(project.store, staged_id)
    (block,) = blocks_of(project.store, staged)
    assert (rows.quantiles == block.quantiles.reshape(12, 13)).all()
    assert rows.target.tolist() == [*staged.targets] * 2
    assert set(rows.method.tolist()) == {"seasonal_naive"}


def test_publishing_twice_is_said_and_changes_nothing(project: Project) -> None:
    staged_id = staged_at(project, NIGHT)
    first = publish(project, "loads", staged_id, NIGHT)
    again = publish(project, "loads", staged_id, NIGHT)
    assert (again.publication, again.noop, again.exit_code) == (first.publication, True, 0)
    assert again.message == "already published"
    with project.database.reading() as connection:
        assert len(publications(connection, "loads")) == 1
        runs = runs_of(connection, "loads", "publish")
    assert [(run.status, run.exit_code) for run in runs] == [("noop", 0), ("done", 3)]


def test_replace_makes_the_next_revision_and_one_is_live(project: Project) -> None:
    staged_id = staged_at(project, NIGHT)
    publish(project, "loads", staged_id, NIGHT)
    second = publish(project, "loads", staged_id, NIGHT, replace=True)
    assert (second.status, second.noop) == ("live", False)
    with project.database.reading() as connection:
        rows = publications(connection, "loads", statuses=("live", "superseded", "replaced"))
    assert [(row.revision, row.status) for row in rows] == [(2, "live"), (1, "replaced")]


def test_a_late_night_never_hides_a_newer_one(project: Project) -> None:
    published(project, NIGHT)
    late = published(project, NIGHT - timedelta(days=1))
    assert late.status == "superseded"
    assert live_at(project) == NIGHT


def test_a_backfill_never_goes_live(project: Project) -> None:
    result = published(project, NIGHT, kind="backfill")
    assert result.status == "superseded"
    assert live_at(project) is None


def test_levels_not_asked_for_are_missing_in_the_table(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(600, 24)}, more="quantiles = [0.1, 0.5, 0.9]")
    result = published(project, NIGHT)
    with project.database.reading() as connection:
        rows = forecast_rows(connection, result.publication or 0)
    there = ~np.isnan(rows.quantiles)
    assert there.sum(axis=1).tolist() == [3] * 6
    assert there[0].nonzero()[0].tolist() == [2, 6, 10]


def test_a_forecast_of_another_instant_is_refused_and_nothing_changes(project: Project) -> None:
    published(project, NIGHT)
    staged_id = staged_at(project, NIGHT + timedelta(hours=24))
    with pytest.raises(IntegrityError, match="STAGE_MISMATCH"):
        publish(project, "loads", staged_id, NIGHT + timedelta(hours=25))
    assert live_at(project) == NIGHT


def test_a_damaged_file_is_refused_and_what_is_live_stays(project: Project) -> None:
    published(project, NIGHT)
    at = NIGHT + timedelta(hours=24)
    staged_id = staged_at(project, at)
    chunk = project.store.root / Staged.load(project.store, staged_id).chunks[0].name
    chunk.write_bytes(chunk.read_bytes()[:-100])
    with pytest.raises(IntegrityError, match="ARTEFACT_CORRUPT"):
        publish(project, "loads", staged_id, at)
    assert live_at(project) == NIGHT
    with project.database.reading() as connection:
        assert runs_of(connection, "loads", "publish")[0].exit_code == 6
        assert [count_rows(connection, row.id) for row in publications(connection, "loads")] == [12]


def test_a_night_that_somebody_else_publishes_is_waited_for(project: Project) -> None:
    staged_id = staged_at(project, NIGHT)
    text = project.file.read_text().replace("wait_seconds = 10", "wait_seconds = 0.2")
    project.file.write_text(text)
    hasty = open_project(project.file)
    with (
        hold(project.database, "loads", "night"),
        pytest.raises(InfrastructureError, match="LEASE_BUSY"),
    ):
        publish(hasty, "loads", staged_id, NIGHT)
    assert publish(hasty, "loads", staged_id, NIGHT).status == "live"
