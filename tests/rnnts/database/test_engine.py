import shutil
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Timer

import pytest
from sqlalchemy import Connection, text

from rnnts.database import engine as engine_module
from rnnts.database.engine import Database, open_source
from rnnts.database.faults import TransientError
from rnnts.errors import InfrastructureError, RnntsError

ADD = text(
    "INSERT INTO rnnts_outbox (key, panel, kind, payload, recorded_at) "
    "VALUES (:key, 'loads', 'finding', '{}', '2013-12-02 07:00:00+00:00')"
)


def _add(connection: Connection, key: str) -> None:
    connection.execute(ADD, {"key": key})


def _keys(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(text("SELECT key FROM rnnts_outbox ORDER BY key")))


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such.db", "postgresql://ann:pw@no.such.host/d"):
        database = Database(url)
        assert "pw" not in repr(database)
        database.close()
    assert list(tmp_path.iterdir()) == []


def test_a_transaction_is_whole_or_nothing(database: Database) -> None:
    with database.writing() as connection:
        _add(connection, "kept")

    def interrupted(connection: Connection) -> None:
        _add(connection, "lost")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.run_writing(interrupted)
    assert _keys(database) == ["kept"]


def test_a_reader_sees_one_moment_however_often_it_asks(database: Database) -> None:
    wrote = Event()
    with database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM rnnts_outbox")) == 0

        def write() -> None:
            with database.writing() as other:
                _add(other, "later")
                wrote.set()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            assert wrote.wait(10)
            if database.dialect == "postgresql":
                writing.result()
            assert connection.scalar(text("SELECT count(*) FROM rnnts_outbox")) == 0
            connection.rollback()  # SQLite's writer waits for the reader
            writing.result()
    assert _keys(database) == ["later"]


def test_a_reader_cannot_write(database: Database) -> None:
    for read_only in (database, Database(database.url, 1, read_only=True)):
        with (
            pytest.raises(InfrastructureError, match="DB_READ_ONLY"),
            read_only.reading() as connection,
        ):
            _add(connection, "never")
        read_only.close()
    assert _keys(database) == []


def test_a_source_cannot_be_written_even_in_a_writing_transaction(database: Database) -> None:
    source = Database(database.url, 1, read_only=True)
    with pytest.raises(InfrastructureError, match="DB_READ_ONLY"), source.writing() as connection:
        _add(connection, "never")
    source.close()


def test_a_lock_that_is_released_in_time_is_waited_for(database: Database) -> None:
    held, release = Event(), Event()

    def hold() -> None:
        with database.writing() as connection:
            connection.execute(text("DELETE FROM rnnts_outbox"))
            if database.dialect == "postgresql":
                connection.execute(text("LOCK TABLE rnnts_outbox IN EXCLUSIVE MODE"))
            held.set()
            release.wait(10)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(10)
        Timer(0.2, release.set).start()
        database.run_writing(lambda connection: _add(connection, "after"))
        holding.result()
    assert _keys(database) == ["after"]


def test_a_lock_that_stays_is_told_with_the_seconds_waited(database: Database) -> None:
    hurried = Database(database.url, wait_seconds=0.2)
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("LOCK TABLE rnnts_outbox IN EXCLUSIVE MODE"))
        with pytest.raises(TransientError, match=r"DB_LOCKED.*waited 0\.2 s") as caught:
            hurried.run_writing(lambda other: _add(other, "never"))
    assert caught.value.exit_code == 5
    hurried.close()


def test_transient_failures_are_tried_again_until_they_pass(database: Database) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> int:
        _add(connection, "once")
        tries.append(1)
        if len(tries) < 3:
            raise TransientError("DB_LOCKED", got="a lock", do="wait")
        return len(tries)

    assert database.run_writing(work) == 3
    assert _keys(database) == ["once"]


def test_what_would_fail_again_is_not_tried_again(database: Database) -> None:
    tries: list[int] = []

    def work(_connection: Connection) -> None:
        tries.append(1)
        raise InfrastructureError("DISK_FULL", got="no room", do="make room")

    with pytest.raises(InfrastructureError):
        database.run_writing(work)
    assert len(tries) == 1


def test_eight_writers_at_once_meet_no_lock_error(database: Database) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            database.run_writing(lambda connection: _add(connection, f"{writer}-{number}"))  # noqa: B023 - done at once

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(_keys(database)) == 80


def test_an_error_message_shows_no_parameter(database: Database) -> None:
    with (
        pytest.raises(Exception, match="hide_parameters") as caught,
        database.reading() as connection,
    ):
        connection.execute(text("SELECT * FROM nowhere WHERE x = :x"), {"x": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_full_disk_is_told_with_the_bytes_that_are_free(sqlite_database: Database) -> None:
    def fill(connection: Connection) -> None:
        pages = int(connection.scalar(text("PRAGMA page_count")) or 0)
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(2000):
            _add(connection, f"{number:0200d}")

    with pytest.raises(InfrastructureError, match=r"DISK_FULL.*bytes are free") as caught:
        sqlite_database.run_writing(fill)
    assert not isinstance(caught.value, TransientError)
    with sqlite_database.reading() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    assert _keys(sqlite_database) == []


def test_no_space_in_python_is_a_full_disk_too(database: Database) -> None:
    with pytest.raises(InfrastructureError, match="DISK_FULL"), database.writing():
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("damage", ["no database", "a broken page"])
def test_a_broken_file_is_an_integrity_error(sqlite_database: Database, damage: str) -> None:
    assert sqlite_database.file is not None
    content = sqlite_database.file.read_bytes()
    sound = b"" if damage == "no database" else content[:4096]  # the first page
    sqlite_database.file.write_bytes(sound.ljust(len(content), b"x"))
    with pytest.raises(RnntsError, match=r"DB_CORRUPT.*restore it") as caught:
        _keys(sqlite_database)
    assert caught.value.exit_code == 6


def test_a_missing_file_is_not_created_by_reading_or_writing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none.db", 0)
    with pytest.raises(InfrastructureError, match="DB_UNREACHABLE"), database.reading():
        pass
    with pytest.raises(InfrastructureError, match="DB_UNREACHABLE"), database.writing():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_hot_journal_of_a_dead_writer_is_rolled_back_for_a_reader(
    sqlite_database: Database, tmp_path: Path
) -> None:
    assert sqlite_database.file is not None
    sqlite_database.run_writing(lambda connection: _add(connection, "whole"))
    dead = tmp_path / "dead" / "rnnts.db"
    dead.parent.mkdir()
    writer = sqlite3.connect(sqlite_database.file, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")  # spill into the file before the commit
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE rnnts_outbox SET key = 'half'")
    for number in range(500):
        writer.execute(str(ADD), {"key": f"{number:0200d}"})
    shutil.copy(sqlite_database.file, dead)
    shutil.copy(f"{sqlite_database.file}-journal", f"{dead}-journal")
    writer.close()
    assert _keys(Database(f"sqlite:///{dead}", 1, read_only=True)) == ["whole"]


def test_a_users_wal_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("PRAGMA journal_mode = WAL")
    theirs.execute("CREATE TABLE t (x)")
    theirs.commit()
    theirs.close()
    source = open_source(tmp_path, "sqlite:///theirs.db", 1)
    with source.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM t")) == 0
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"


def test_creating_a_file_twice_keeps_the_first(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a/b.db")
    database.create_file()
    assert database.file is not None
    database.file.write_bytes(b"something")
    database.create_file()
    assert database.file.read_bytes() == b"something"
    assert stat.S_IMODE(database.file.stat().st_mode) == 0o600


@pytest.mark.postgresql
def test_a_deadlock_is_tried_again_and_both_get_through(postgresql_database: Database) -> None:
    for key in ("a", "b"):
        postgresql_database.run_writing(lambda connection: _add(connection, key))  # noqa: B023 - done at once
    met = Barrier(2)
    tries: list[str] = []

    def cross(first: str, second: str) -> None:
        def work(connection: Connection) -> None:
            tries.append(first)
            lock = text("SELECT 1 FROM rnnts_outbox WHERE key = :key FOR UPDATE")
            connection.execute(lock, {"key": first})
            if len(tries) <= 2:
                met.wait(10)
            connection.execute(lock, {"key": second})

        postgresql_database.run_writing(work)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(cross, "a", "b"), pool.submit(cross, "b", "a")]:
            done.result()
    assert len(tries) > 2  # what is tried again may meet the other once more


@pytest.mark.postgresql
def test_a_server_that_is_down_is_unreachable_after_the_deadline() -> None:
    database = Database("postgresql://ann:s3cret@127.0.0.1:1/d", wait_seconds=0.5)
    with pytest.raises(InfrastructureError, match="DB_UNREACHABLE") as caught:
        database.run_reading(lambda _connection: None)
    assert caught.value.exit_code == 5
    assert "s3cret" not in str(caught.value)


@pytest.mark.postgresql
def test_a_connection_that_was_cut_is_opened_again(postgresql_database: Database) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> str:
        tries.append(1)
        if len(tries) == 1:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return str(connection.scalar(text("SELECT 'answer'")))

    assert postgresql_database.run_reading(work) == "answer"
    assert len(tries) == 2


@pytest.mark.postgresql
def test_a_missing_right_is_told_with_the_grant(postgresql_database: Database) -> None:
    with postgresql_database.writing() as connection:
        connection.execute(text("DROP ROLE IF EXISTS viewer"))
        connection.execute(text("CREATE ROLE viewer LOGIN"))
        connection.execute(text("CREATE TABLE flights (x int)"))
    url = postgresql_database.url.replace("postgres@", "viewer@")
    results, source = Database(url, 1), Database(url, 1, read_only=True)
    with (
        pytest.raises(
            InfrastructureError,
            match=r'GRANT SELECT, INSERT, UPDATE, DELETE ON rnnts_outbox TO "viewer"',
        ) as caught,
        results.writing() as connection,
    ):
        _add(connection, "never")
    assert caught.value.code == "PERMISSION"
    with (
        pytest.raises(InfrastructureError, match='GRANT SELECT ON flights TO "viewer"'),
        source.reading() as connection,
    ):
        connection.execute(text("SELECT * FROM flights"))
    for database in (results, source):
        database.close()
    with postgresql_database.writing() as connection:
        connection.execute(text("DROP ROLE viewer"))


@pytest.mark.postgresql
def test_a_statement_that_takes_too_long_is_slow(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "STATEMENT_SECONDS", 0.1)
    hurried = Database(postgresql_database.url, 1)
    with (
        pytest.raises(InfrastructureError, match="DB_SLOW"),
        hurried.reading() as connection,
    ):
        connection.execute(text("SELECT pg_sleep(10)"))
    hurried.close()


@pytest.mark.postgresql
def test_a_sleeper_in_a_transaction_loses_its_locks(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(engine_module, "CONNECT_SECONDS", 2)
    sleepy = Database(postgresql_database.url, 1)
    tries: list[int] = []

    def sleep(connection: Connection) -> None:
        connection.execute(text("LOCK TABLE rnnts_outbox IN EXCLUSIVE MODE"))
        tries.append(1)
        if len(tries) == 1:  # the server ends the session, and the other gets its lock
            postgresql_database.run_writing(lambda other: _add(other, "through"))
            connection.execute(text("SELECT 1"))

    sleepy.run_writing(sleep)
    assert len(tries) == 2
    assert _keys(postgresql_database) == ["through"]
    sleepy.close()
