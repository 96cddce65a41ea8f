from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from rnnts.database.engine import Database
from rnnts.database.snapshots import add_snapshot, newest_snapshot, snapshot_row

AS_OF = datetime(2013, 12, 2, 7, tzinfo=UTC)


def _add(connection: Connection, as_of: datetime, snapshot_id: str) -> None:
    add_snapshot(
        connection,
        panel="loads",
        as_of=as_of,
        snapshot_id=snapshot_id,
        watermark=as_of - timedelta(hours=1),
        series=35,
        rows=10_000_000_000,
    )


def test_the_newest_snapshot_is_the_one_of_the_newest_instant(database: Database) -> None:
    with database.writing() as connection:
        _add(connection, AS_OF, "b" * 64)
        _add(connection, AS_OF - timedelta(days=1), "a" * 64)
        newest = newest_snapshot(connection, "loads")
        before = newest_snapshot(connection, "loads", AS_OF - timedelta(seconds=1))
    assert newest is not None
    assert (newest.snapshot_id, newest.rows) == ("b" * 64, 10_000_000_000)
    assert newest.watermark == AS_OF - timedelta(hours=1)
    assert before is not None
    assert before.snapshot_id == "a" * 64


def test_a_snapshot_is_seen_by_nobody_before_its_instant(database: Database) -> None:
    with database.writing() as connection:
        _add(connection, AS_OF, "a" * 64)
        assert newest_snapshot(connection, "loads", AS_OF - timedelta(seconds=1)) is None
        assert newest_snapshot(connection, "wind") is None


def test_the_same_snapshot_twice_is_one_and_an_edited_source_gives_another(
    database: Database,
) -> None:
    with database.writing() as connection:
        _add(connection, AS_OF, "a" * 64)
        first = snapshot_row(connection, "loads", AS_OF)
        _add(connection, AS_OF, "a" * 64)
        assert snapshot_row(connection, "loads", AS_OF) == first
        _add(connection, AS_OF, "b" * 64)
        second = snapshot_row(connection, "loads", AS_OF)
    assert second is not None
    assert second.snapshot_id == "b" * 64
