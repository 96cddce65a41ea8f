"""The flows as a person starts them, on a real Prefect server, down to the rows."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from flows import backfill_history, nightly_forecast, weekly_retrain
from rnnts.database.models import promote
from rnnts.errors import InfrastructureError
from rnnts.project import open_project
from tests.e2e.conftest import AS_OF, HORIZON, SERIES

pytestmark = pytest.mark.prefect

NIGHT = ["--panel", "loads", "--issued-at", AS_OF.isoformat()]


def rows(config: str, query: str) -> list[Any]:
    with closing(sqlite3.connect(Path(config).with_name("results.db"))) as connection:
        return connection.execute(query).fetchall()


def newest_run(prefect: SyncPrefectClient) -> FlowRun:
    (run,) = prefect.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    return run


@pytest.fixture(scope="module")
def trained(
    template: Path, tmp_path_factory: pytest.TempPathFactory, prefect_url: str
) -> tuple[Path, int]:
    """A project after its weekly retrain, and how that ended."""
    from prefect.settings import temporary_settings

    folder = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(template, folder)
    config = str(folder / "rnnts.toml")
    with temporary_settings({"PREFECT_API_URL": prefect_url}):
        code = weekly_retrain.main(["--config", config, "--as-of", AS_OF.isoformat()])
    return folder, code


@pytest.fixture
def project(trained: tuple[Path, int], tmp_path: Path) -> str:
    """Path of the rnnts.toml of a copy of the trained project, its network champion by decree."""
    shutil.copytree(trained[0], tmp_path / "trained")
    config = str(tmp_path / "trained" / "rnnts.toml")
    ((version_id,),) = rows(config, "SELECT version_id FROM rnnts_model_version")
    with open_project(config).database.writing() as connection:
        promote(
            connection, panel="loads", version_id=version_id, scorecard_id=None, numbers={},
            reason="forty steps beat nobody", effective_from=AS_OF, decided_by="a test",
        )  # fmt: skip
    return config


def test_a_retrain_ends_with_a_decision_and_shows_the_scores(
    trained: tuple[Path, int], prefect: SyncPrefectClient
) -> None:
    folder, code = trained
    assert code == 0
    ((action,),) = rows(str(folder / "rnnts.toml"), "SELECT action FROM rnnts_decision")
    assert action in {"promote", "reject"}
    keys = {artifact.key for artifact in prefect.read_latest_artifacts()}
    assert "scorecard-loads" in keys


def test_a_night_publishes_every_step_of_every_series_and_a_picture(
    project: str, prefect: SyncPrefectClient, capsys: pytest.CaptureFixture[str]
) -> None:
    code = nightly_forecast.main(["--config", project, *NIGHT])
    assert code == 0
    assert capsys.readouterr().out == "loads: live, 72 rows (series by method: network 3)\n"
    counted = rows(
        project,
        "SELECT series_id, method, count(*) FROM rnnts_latest_forecast "
        "WHERE panel = 'loads' GROUP BY 1, 2",
    )
    assert sorted(counted) == sorted((series, "network", HORIZON) for series in SERIES)
    state = newest_run(prefect).state
    assert state is not None
    assert (state.type.value, state.name) == ("COMPLETED", "Completed")
    (night,) = [one for one in prefect.read_latest_artifacts() if one.key == "night-loads"]
    assert "data:image/png;base64," in str(night.data)


def test_a_night_without_a_champion_is_degraded(
    config: str, prefect: SyncPrefectClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nightly_forecast.main(["--config", config, *NIGHT]) == 3
    assert capsys.readouterr().out.startswith("loads: ")
    state = newest_run(prefect).state
    assert state is not None
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")


def test_a_night_done_twice_is_a_no_op_that_writes_one_line_of_the_ledger(
    project: str, prefect: SyncPrefectClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nightly_forecast.main(["--config", project, *NIGHT]) == 0
    before = dump(project)
    capsys.readouterr()
    assert nightly_forecast.main(["--config", project, *NIGHT]) == 0
    assert capsys.readouterr().out == "loads: already published\n"
    after = dump(project)
    ledger = after.pop("rnnts_run")
    assert len(ledger) - len(before.pop("rnnts_run")) == 1
    assert "noop" in ledger[-1]
    assert after == before
    assert newest_run(prefect).name


def dump(config: str) -> dict[str, list[Any]]:
    tables = rows(config, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    return {name: rows(config, f"SELECT * FROM {name}") for (name,) in tables}  # noqa: S608 - tables of ours


def test_a_backfill_leaves_what_is_live(project: str, prefect: SyncPrefectClient) -> None:
    nightly_forecast.main(["--config", project, *NIGHT])
    live = "SELECT id FROM rnnts_publication WHERE status = 'live'"
    before = rows(project, live)
    words = ["--from", "2024-03-02T00:00:00Z", "--to", "2024-03-03T23:00:00Z"]
    assert backfill_history.main(["--config", project, "--panel", "loads", *words]) in {0, 3}
    assert rows(project, live) == before
    past = "SELECT issued_at, kind FROM rnnts_publication WHERE kind = 'backfill' ORDER BY 1"
    assert rows(project, past) == [
        ("2024-03-02 02:00:00+00:00", "backfill"),
        ("2024-03-03 02:00:00+00:00", "backfill"),
    ]
    assert newest_run(prefect).name


def test_a_late_run_of_the_schedule_is_superseded_before_any_step(
    project: str, prefect: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.runtime import flow_run

    ledger = "SELECT step, status FROM rnnts_run ORDER BY id"
    before = rows(project, ledger)
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: AS_OF)
    assert nightly_forecast.main(["--config", project]) == 0
    state = newest_run(prefect).state
    assert state is not None
    assert state.is_completed()
    assert str(state.message).startswith("superseded: ")
    assert rows(project, "SELECT count(*) FROM rnnts_publication") == [(0,)]
    assert rows(project, ledger) == [*before, ("nightly_forecast", "noop")]
    found = rows(project, "SELECT code FROM rnnts_finding WHERE code = 'SUPERSEDED'")
    assert found == [("SUPERSEDED",)]


def test_a_night_that_two_deployments_schedule_is_a_finding_that_names_both(
    config: str, prefect: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.runtime import deployment

    now = datetime.now(UTC)  # noqa: TID251 - a schedule that is due is due by the real clock
    shift = now.replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1) - AS_OF
    with closing(sqlite3.connect(Path(config).with_name("source.db"))) as connection:
        days = f"+{shift.days} days"
        connection.execute("UPDATE readings SET read_at = datetime(read_at, ?) || '+00:00'", [days])
        connection.commit()
    for name in ("deployment-1", "deployment-1", "deployment-2"):
        monkeypatch.setitem(deployment.FIELDS, "id", partial(str, name))
        assert nightly_forecast.main(["--config", config]) in {0, 3}
    query = "SELECT evidence FROM rnnts_finding WHERE code = 'DUPLICATE_SCHEDULE'"
    ((evidence,),) = rows(config, query)
    assert "deployment-1" in evidence
    assert "deployment-2" in evidence
    assert rows(config, "SELECT count(*) FROM rnnts_publication") == [(1,)]
    assert newest_run(prefect).name


def test_a_night_whose_calibration_fails_is_published_and_says_so(
    config: str, prefect: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Calibrate:
        name = "calibrate"

        def __call__(self, *_arguments: str) -> None:
            raise InfrastructureError("DB_SLOW", got="no answer", do="wait")

    monkeypatch.setattr(nightly_forecast, "calibrate", Calibrate())
    assert nightly_forecast.main(["--config", config, *NIGHT]) == 3
    query = "SELECT severity, evidence FROM rnnts_finding WHERE code = 'CALIBRATE_FAILED'"
    assert rows(config, query) == [("warning", "DB_SLOW: no answer; wait")]
    assert rows(config, "SELECT status FROM rnnts_publication") == [("live",)]
    assert newest_run(prefect).name


def test_trainings_that_fail_take_nothing_from_the_nights(
    project: str, prefect: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_arguments: str) -> None:
        raise InfrastructureError("TRAIN_MEMORY", got="9 GB", do="set train.memory_gb")

    monkeypatch.setattr(weekly_retrain, "train", failing)
    for day in range(3):
        at = (AS_OF + timedelta(days=day)).isoformat()
        assert weekly_retrain.main(["--config", project, "--as-of", at]) == 5
        assert nightly_forecast.main(["--config", project, "--issued-at", at]) in {0, 3}
    issued = rows(project, "SELECT issued_at FROM rnnts_latest_forecast GROUP BY 1")
    assert issued == [(f"{AS_OF + timedelta(days=2)}",)]
    assert newest_run(prefect).name


def test_an_empty_table_fails_the_run_with_one_sentence(
    config: str, prefect: SyncPrefectClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(Path(config).with_name("source.db"))) as connection:
        connection.execute("DELETE FROM readings")
        connection.commit()
    assert nightly_forecast.main(["--config", config, *NIGHT]) == 4
    captured = capsys.readouterr()
    assert "SOURCE_EMPTY" in captured.out
    assert "Traceback" not in captured.out + captured.err
    state = newest_run(prefect).state
    assert state is not None
    assert state.is_failed()
    assert str(state.message).startswith("SOURCE_EMPTY loads")
