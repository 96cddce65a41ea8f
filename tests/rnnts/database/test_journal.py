import sqlite3
from pathlib import Path

import pytest

from rnnts.database import journal
from rnnts.database.engine import Database
from rnnts.database.journal import wal_finding


@pytest.fixture
def wal_file(tmp_path: Path) -> Database:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as theirs:
        theirs.execute("PRAGMA journal_mode = WAL")
        theirs.execute("CREATE TABLE t (x)")
    theirs.close()
    return Database(f"sqlite:///{path}", read_only=True)


def test_a_wal_file_under_a_library_with_the_bug_is_told(
    wal_file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "library_is_fixed", lambda: False)
    finding = wal_finding(wal_file, "loads")
    assert finding is not None
    assert finding.code == "SQLITE_WAL_BUG"
    assert "theirs.db" in finding.evidence


def test_nothing_is_said_where_the_library_is_fixed(
    wal_file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "library_is_fixed", lambda: True)
    assert wal_finding(wal_file, "loads") is None


def test_nothing_is_said_of_files_in_other_modes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "library_is_fixed", lambda: False)
    assert wal_finding(database, "loads") is None
