import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import text

from rnnts.database import leases
from rnnts.database.engine import Database
from rnnts.database.leases import Lease, hold
from rnnts.errors import InfrastructureError, IntegrityError


def _row(database: Database) -> tuple[int, str]:
    with database.reading() as connection:
        row = connection.execute(text("SELECT token, holder FROM rnnts_lease")).one()
    return int(row.token), str(row.holder)


def _expire(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE rnnts_lease SET expires = expires - 31"))


def test_a_token_rises_with_every_holder_and_a_released_lease_is_free(database: Database) -> None:
    with hold(database, "loads", "night") as first:
        pass
    with hold(database, "loads", "night", wait_seconds=0) as second:
        assert _row(database) == (second.token, second.holder)
    assert (first.token, second.token) == (1, 2)
    assert _row(database) == (2, "")


def test_a_held_lease_keeps_others_out_and_says_who_holds_it(database: Database) -> None:
    with (
        hold(database, "loads", "night"),
        pytest.raises(InfrastructureError, match=rf"LEASE_BUSY loads.*process {os.getpid()} on"),
        hold(database, "loads", "night", wait_seconds=0.2),
    ):
        pass


def test_other_panels_and_purposes_do_not_wait(database: Database) -> None:
    with (
        hold(database, "loads", "night"),
        hold(database, "loads", "retrain", wait_seconds=0),
        hold(database, "wind", "night", wait_seconds=0),
    ):
        pass


def test_a_waiter_gets_the_lease_once_it_is_released(database: Database) -> None:
    held, release = Event(), Event()

    def holder() -> None:
        with hold(database, "loads", "night"):
            held.set()
            release.wait(10)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(holder)
        assert held.wait(10)
        release.set()
        with hold(database, "loads", "night", wait_seconds=10) as lease:
            assert lease.token == 2
        running.result()


def test_a_sleeper_past_its_lease_writes_nothing_more(database: Database) -> None:
    with hold(database, "loads", "night") as sleeper:
        _expire(database)
        with hold(database, "loads", "night", wait_seconds=0) as successor:
            with (
                pytest.raises(IntegrityError, match="FENCED loads: token 1, current 2"),
                database.writing(sleeper) as connection,
            ):
                connection.execute(text("DELETE FROM rnnts_lease"))
            with database.writing(successor):
                pass
    assert _row(database) == (2, "")


def test_the_successor_of_a_sleeper_keeps_its_lease_when_the_sleeper_ends(
    database: Database,
) -> None:
    sleeper = Lease("loads", "night", 1, "elsewhere/x/1/0.0")
    with hold(database, "loads", "night") as successor:
        leases._release(database, sleeper)
        with database.writing(successor):
            pass


def test_writing_renews_the_lease(database: Database) -> None:
    with hold(database, "loads", "night") as lease:
        _expire(database)
        with database.writing(lease):
            pass
        with (
            pytest.raises(InfrastructureError, match="LEASE_BUSY"),
            hold(database, "loads", "night", wait_seconds=0),
        ):
            pass


def test_the_heartbeat_renews_the_lease_while_work_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.02)
    renewed = Event()
    check = Lease.check

    def seen(lease: Lease, connection: object) -> None:
        check(lease, connection)  # type: ignore[arg-type] # a Connection, passed through
        renewed.set()

    monkeypatch.setattr(Lease, "check", seen)
    with hold(database, "loads", "night"):
        assert renewed.wait(10)


def test_the_lease_of_a_killed_process_is_free_at_once(database: Database) -> None:
    program = (
        "import os, signal, sys\n"
        "from rnnts.database.engine import Database\n"
        "from rnnts.database.leases import hold\n"
        "with hold(Database(sys.argv[1]), 'loads', 'night'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, database.url], check=False, timeout=60)
    assert _row(database)[1] != ""
    with hold(database, "loads", "night", wait_seconds=0) as lease:
        assert lease.token == 2


def test_the_lease_of_another_machine_has_to_expire(database: Database) -> None:
    with hold(database, "loads", "night"), database.writing() as connection:
        connection.execute(text("UPDATE rnnts_lease SET holder = 'elsewhere/x/1/0.0'"))
    with (
        pytest.raises(InfrastructureError, match="process 1 on elsewhere"),
        hold(database, "loads", "night", wait_seconds=0),
    ):
        pass
    _expire(database)
    with hold(database, "loads", "night", wait_seconds=0) as lease:
        assert lease.token == 2


def test_a_heartbeat_that_hears_of_a_successor_stops_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.02)
    heard = Event()
    monkeypatch.setattr(leases._log, "warning", lambda *_words: heard.set())
    with hold(database, "loads", "night"):
        with database.writing() as connection:
            connection.execute(text("UPDATE rnnts_lease SET token = 2, holder = 'another'"))
        assert heard.wait(10)
    assert _row(database) == (2, "another")


def test_a_lease_that_cannot_be_released_is_left_to_expire(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(_lease: object = None) -> None:
        raise InfrastructureError("DB_UNREACHABLE", got="no answer", do="see that it runs")

    with hold(sqlite_database, "loads", "night"):
        monkeypatch.setattr(sqlite_database, "writing", down)
    assert "it expires in 30 s" in caplog.text
