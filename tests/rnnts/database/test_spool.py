import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rnnts.database.engine import Database
from rnnts.database.findings import findings_of
from rnnts.database.processes import this_process
from rnnts.database.runs import RunRow, record, runs_of
from rnnts.database.spool import load_spool, spool
from rnnts.errors import InfrastructureError

AS_OF = datetime(2013, 12, 2, 7, tzinfo=UTC)
LATER = AS_OF + timedelta(minutes=2)
KEPT = (
    '{"panel": "loads", "step": "ingest", "as_of": "2013-12-02T07:00:00Z", "code": "X", '
    '"exit_code": 5, "message": "X", "remedy": "", "process": "p"}'
)


@pytest.fixture
def folder(database: Database, tmp_path: Path) -> Path:
    """The spool of the database."""
    database.spool = tmp_path / "project" / "spool"
    return database.spool


def down(database: Database, where: str | None = None) -> InfrastructureError:
    where = database.shown if where is None else where
    return InfrastructureError("DB_UNREACHABLE", got="no answer", do="start it", where=where)


def keep(database: Database, panel: str = "loads", as_of: datetime | None = AS_OF) -> None:
    spool(database, panel, "ingest", as_of, down(database))


def ledger(database: Database) -> list[RunRow]:
    with database.reading() as connection:
        return list(runs_of(connection))


def test_the_next_run_tells_of_one_that_could_not(database: Database, folder: Path) -> None:
    keep(database)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    os.utime(path, (LATER.timestamp(), LATER.timestamp()))
    with record(database, "calls", "ingest", AS_OF):
        told = ledger(database)[1]
    assert (told.panel, told.step, told.as_of) == ("loads", "ingest", AS_OF)
    assert (told.status, told.exit_code, told.started_at) == ("failed", 5, LATER)
    assert told.finished_at == LATER
    assert told.message == str(down(database))
    with database.reading() as connection:
        (finding,) = findings_of(connection)
    assert (finding.code, finding.severity, finding.count) == ("DB_UNREACHABLE", "error", 1)
    assert finding.last_seen == AS_OF
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_a_failure_told_twice_stands_in_the_ledger_once(database: Database) -> None:
    for _ in range(2):  # the second as after a kill between the ledger and the file
        keep(database)
        assert load_spool(database) == 1
    assert len(ledger(database)) == 1


def test_each_instant_and_panel_is_told(database: Database, folder: Path) -> None:
    keep(database)
    keep(database, as_of=LATER)
    keep(database, as_of=None)
    keep(database, panel="calls")
    assert load_spool(database) == 4
    assert len(ledger(database)) == 4
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_a_run_that_lost_its_database_half_way_gets_its_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose() -> None:
        raise down(database)

    def run() -> None:
        with record(database, "loads", "ingest", AS_OF):
            monkeypatch.setattr(database, "writing", lose)
            database.writing()

    with pytest.raises(InfrastructureError):
        run()
    monkeypatch.undo()
    assert [row.status for row in ledger(database)] == ["running"]
    keep(database)
    load_spool(database)
    (row,) = ledger(database)
    assert (row.status, row.exit_code) == ("failed", 5)


def test_what_is_in_the_ledger_anyway_is_not_kept(database: Database, folder: Path) -> None:
    spool(database, "loads", "ingest", AS_OF, down(database, "sqlite:///source.db"))
    busy = InfrastructureError("LEASE_BUSY", got="held", do="wait", where=database.shown)
    spool(database, "loads", "ingest", AS_OF, busy)
    assert not folder.exists()


def test_without_a_spool_nothing_is_kept_or_told(database: Database) -> None:
    keep(database)
    assert load_spool(database) == 0


def test_half_a_file_is_no_failure_to_tell_of(database: Database, folder: Path) -> None:
    assert load_spool(database) == 0
    folder.mkdir(parents=True)
    (folder / "x.part").write_text("{")
    assert load_spool(database) == 0
    assert (folder / "x.part").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        KEPT.replace("T07:00:00Z", "").encode(),
        KEPT.replace('"p"', "null").encode(),
        KEPT.replace("5", "99999999999999999999").encode(),
    ],
    ids=["cut", "no text", "a list", "empty", "no instant", "no process", "no exit code"],
)
def test_a_damaged_file_is_set_aside_and_stops_no_run(
    database: Database, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    keep(database)
    (folder / "0.json").write_bytes(content)
    with record(database, "loads", "ingest", LATER):
        assert len(ledger(database)) == 2
    assert [path.name for path in folder.iterdir()] == ["0.damaged"]
    assert "0.damaged holds no failure" in caplog.text


def test_a_file_that_cannot_be_read_stops_no_run(
    database: Database, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "0.json").mkdir(parents=True)
    with record(database, "loads", "ingest", LATER):
        assert len(ledger(database)) == 1
    assert "are not in the ledger yet" in caplog.text


def test_a_failure_that_cannot_be_kept_is_logged(
    database: Database, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.write_text("a file where the project should be")
    keep(database)
    assert "that ingest failed could not be kept" in caplog.text


@pytest.mark.usefixtures("folder")
def test_runs_that_begin_at_once_tell_of_a_failure_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(database)
    others: list[int] = []
    run_writing = database.run_writing

    def meanwhile(work: Callable[..., None]) -> None:
        with ThreadPoolExecutor(1) as pool:
            others.append(pool.submit(load_spool, database).result())
        run_writing(work)

    monkeypatch.setattr(database, "run_writing", meanwhile)
    assert load_spool(database) == 1
    assert others == [0]
    assert len(ledger(database)) == 1


def test_a_kept_failure_names_its_process(database: Database, folder: Path) -> None:
    keep(database)
    (path,) = folder.iterdir()
    assert this_process() in path.read_text()
