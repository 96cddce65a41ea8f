from datetime import UTC, datetime, timedelta

from rnnts.database.catalogue import known_series, register_series, retire_series, series_keys
from rnnts.database.engine import Database
from rnnts.panels.panel import SeriesInfo

AS_OF = datetime(2013, 12, 2, 7, tzinfo=UTC)


def _info(series_id: str, **keys: str | float | None) -> SeriesInfo:
    return SeriesInfo(series_id, tuple(keys.items()), 0, 1)


def test_a_series_keeps_its_integer_key(database: Database) -> None:
    with database.writing() as connection:
        first = register_series(connection, "loads", [_info("b"), _info("a")], AS_OF)
        later = AS_OF + timedelta(days=1)
        second = register_series(connection, "loads", [_info("a"), _info("c")], later)
    assert second["a"] == first["a"]
    assert set(first) == {"a", "b"}
    assert len({first["a"], first["b"], second["c"]}) == 3
    with database.reading() as connection:
        assert series_keys(connection, "loads") == {**first, **second}
        assert series_keys(connection, "wind") == {}


def test_ids_are_distinct_to_the_byte_and_sorted_by_bytes(database: Database) -> None:
    names = ["a", "A", "é", "e\u0301", "😀", " a", "a/b", "<img>", "'; DROP TABLE x; --"]
    with database.writing() as connection:
        register_series(connection, "loads", [_info(name) for name in names], AS_OF)
        rows = known_series(connection, "loads")
    assert [row.series_id for row in rows] == sorted(names, key=str.encode)


def test_keys_come_back_as_the_source_has_them(database: Database) -> None:
    info = _info("EWR/7/1.5", origin="EWR", gate=7, level=1.5, wing=None)
    with database.writing() as connection:
        register_series(connection, "loads", [info], AS_OF)
        (row,) = known_series(connection, "loads")
    assert tuple(row.keys.items()) == info.keys
    assert type(row.keys["gate"]) is int


def test_a_backfill_moves_the_first_sight_back(database: Database) -> None:
    earlier = AS_OF - timedelta(days=30)
    with database.writing() as connection:
        for seen_at in (AS_OF, earlier, AS_OF + timedelta(days=1)):
            register_series(connection, "loads", [_info("a")], seen_at)
        (row,) = known_series(connection, "loads")
    assert row.first_seen == earlier


def test_a_retired_series_that_comes_back_is_retired_no_more(database: Database) -> None:
    with database.writing() as connection:
        register_series(connection, "loads", [_info("a"), _info("b")], AS_OF)
        assert retire_series(connection, "loads", ["a"], AS_OF) == 1
        assert retire_series(connection, "loads", ["a"], AS_OF) == 0
        assert [row.retired_at for row in known_series(connection, "loads")] == [AS_OF, None]
        register_series(connection, "loads", [_info("a")], AS_OF)
        assert known_series(connection, "loads")[0].retired_at is None
