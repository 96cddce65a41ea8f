import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rnnts.database.engine import Database
from rnnts.database.findings import findings_of
from rnnts.database.runs import runs_of
from rnnts.database.spool import load_spool, spool
from rnnts.errors import InfrastructureError

AS_OF = datetime(2013, 12, 2, 7, tzinfo=UTC)
LATER = AS_OF + timedelta(minutes=2)
DOWN = InfrastructureError("DB_UNREACHABLE", got="no answer", do="see that it runs")


def test_a_failure_that_could_not_be_told_is_told_next_time(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    path = spool(folder, "loads", "ingest", AS_OF, LATER, DOWN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    spool(folder, "loads", "ingest", AS_OF, LATER, DOWN)
    assert load_spool(database, folder) == 2
    assert list(folder.iterdir()) == []
    with database.reading() as connection:
        runs = runs_of(connection)
        (finding,) = findings_of(connection)
    assert [(run.status, run.exit_code, run.started_at) for run in runs] == [
        ("failed", 5, LATER)
    ] * 2
    assert (finding.code, finding.severity, finding.count) == ("DB_UNREACHABLE", "error", 1)


def test_half_a_file_is_no_failure_to_tell_of(database: Database, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_text("{")
    assert load_spool(database, tmp_path) == 0
    assert load_spool(database, tmp_path / "none") == 0
