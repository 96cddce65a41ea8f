import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from rnnts.database.engine import Database
from rnnts.database.runs import RunRow, newest_result, record, runs_of
from rnnts.errors import ConfigurationError, InfrastructureError, NoUsableDataError

AS_OF = datetime(2013, 12, 2, 7, tzinfo=UTC)


def _newest(database: Database) -> RunRow:
    with database.reading() as connection:
        return runs_of(connection)[0]


def test_a_run_is_running_until_it_says_how_it_ended(database: Database) -> None:
    with record(database, "loads", "ingest", AS_OF) as run:
        assert _newest(database).status == "running"
        run.done({"rows": 3}, exit_code=3, message="two fell back")
    row = _newest(database)
    assert (row.panel, row.step, row.as_of) == ("loads", "ingest", AS_OF)
    assert (row.status, row.exit_code, row.message) == ("done", 3, "two fell back")
    assert row.result == {"rows": 3}
    assert row.finished_at is not None
    assert row.started_at <= row.finished_at


def test_a_run_with_nothing_to_do_is_a_noop(database: Database) -> None:
    with record(database, "loads", "publish", AS_OF) as run:
        run.noop({}, "already published")
    assert (_newest(database).status, _newest(database).exit_code) == ("noop", 0)


def test_a_failed_run_keeps_its_message_and_exit_code(database: Database) -> None:
    with (
        pytest.raises(NoUsableDataError),
        record(database, "loads", "ingest", AS_OF),
    ):
        raise NoUsableDataError("SOURCE_EMPTY", got="0 rows", do="see to the loader")
    row = _newest(database)
    assert (row.status, row.exit_code) == ("failed", 4)
    assert row.message.startswith("SOURCE_EMPTY")


def test_a_foreign_error_is_named_but_not_quoted(database: Database) -> None:
    with pytest.raises(ValueError, match="s3cret"), record(database, "loads", "ingest", AS_OF):
        raise ValueError("s3cret")
    assert _newest(database).message == "ValueError"
    assert _newest(database).exit_code == 1


def test_an_interrupted_run_says_so(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt), record(database, "loads", "train", AS_OF):
        raise KeyboardInterrupt
    assert _newest(database).exit_code == 130


def test_the_next_run_tells_of_one_that_died_without_a_word(database: Database) -> None:
    with record(database, "loads", "train", AS_OF):
        with database.writing() as connection:
            process = connection.scalar(text("SELECT process FROM rnnts_run"))
            host, machine, *_ = str(process).split("/")
            connection.execute(
                text(
                    "INSERT INTO rnnts_run (panel, step, status, process, started_at) "
                    "VALUES ('loads', 'train', 'running', :gone, '2013-12-02 07:00:00+00:00'),"
                    "('loads', 'train', 'running', 'elsewhere/x/1/0', '2013-12-02 07:00:00+00:00')"
                ),
                {"gone": f"{host}/{machine}/999999999/0.0"},
            )
        with record(database, "loads", "ingest", AS_OF):
            pass
    with database.reading() as connection:
        rows = {row.id: row for row in runs_of(connection)}
    assert rows[2].status == "failed"
    assert "died without a word" in rows[2].message
    assert rows[3].status == "running"
    assert rows[1].status == "done"


def test_the_error_that_led_here_matters_more_than_the_ledger(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(_lease: object = None) -> None:
        raise InfrastructureError("DB_UNREACHABLE", got="no answer", do="see that it runs")

    def stopped() -> None:
        monkeypatch.setattr(sqlite_database, "writing", down)
        sys.exit(143)

    with pytest.raises(SystemExit), record(sqlite_database, "loads", "ingest", AS_OF):
        stopped()
    assert "not in the ledger: DB_UNREACHABLE" in caplog.text


def test_runs_are_found_by_panel_and_step(database: Database) -> None:
    for panel, step in (("loads", "ingest"), ("loads", "train"), ("wind", "train")):
        with pytest.raises(SystemExit), record(database, panel, step, AS_OF):
            sys.exit(143)
    with database.reading() as connection:
        (row,) = runs_of(connection, "loads", "train")
    assert (row.panel, row.step, row.exit_code) == ("loads", "train", 143)


def test_the_end_can_be_written_with_what_it_stands_for(database: Database) -> None:
    with record(database, "loads", "publish", AS_OF) as run:
        with database.writing() as connection:
            run.done({"publication": 1})
            run.write(connection)
        run.settled = True
        run.done({"publication": "never written"})
    assert _newest(database).result == {"publication": 1}


def test_the_newest_good_result_of_an_instant_is_found_again(database: Database) -> None:
    def result(step: str = "ingest", as_of: datetime = AS_OF) -> object:
        with database.reading() as connection:
            return newest_result(connection, "loads", step, as_of)

    assert result() is None
    for number in (1, 2):
        with record(database, "loads", "ingest", AS_OF) as run:
            run.done({"snapshot_id": number})
    with pytest.raises(KeyboardInterrupt), record(database, "loads", "ingest", AS_OF):
        raise KeyboardInterrupt
    with record(database, "loads", "ingest", AS_OF):
        pass  # it went well, and said nothing
    assert result() == {"snapshot_id": 2}
    assert result("window") is None
    assert result(as_of=AS_OF.replace(hour=8)) is None


def test_a_step_in_a_database_without_tables_says_what_to_run(empty_database: Database) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"SCHEMA_MISSING.*rnnts ingest"),
        record(empty_database, "loads", "publish", AS_OF),
    ):
        pass
