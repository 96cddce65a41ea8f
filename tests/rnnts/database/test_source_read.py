"""Pages of a source: all rows once, no lock between them, and what stands in the way of that."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest

from rnnts.config import SourceConfig
from rnnts.database import source_read
from rnnts.database.engine import Database
from rnnts.database.source_read import reading_source

ROWS = 25
CONFIG = SourceConfig(table="t", series=("k",), time="at", value="v")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_read, "PAGE_ROWS", 10)


def run(database: Database, *statements: str) -> None:
    database.create_file()
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def filled(database: Database, stamp: str = "TEXT") -> Database:
    values = ", ".join(f"('s{n % 3}', '2024-01-{n + 1:02d} 00:00:00', {n})" for n in range(ROWS))
    run(
        database,
        f"CREATE TABLE t (k TEXT, at {stamp}, v INTEGER)",
        f"INSERT INTO t VALUES {values}",  # noqa: S608 - of the test
    )
    return database


def rows_of(
    database: Database, config: SourceConfig = CONFIG, since: datetime | None = None
) -> list[tuple[Any, ...]]:
    with reading_source(database, config, "loads", since) as reader:
        return [
            row
            for page in reader.pages()
            for row in zip(*page.keys, page.time, page.value or page.time, strict=True)
        ]


def test_every_row_comes_once_whatever_the_source_is(empty_database: Database) -> None:
    filled(empty_database)
    run(empty_database, "CREATE VIEW seen AS SELECT * FROM t")
    expected = {(f"s{n % 3}", f"2024-01-{n + 1:02d} 00:00:00", n) for n in range(ROWS)}
    for source in ({"table": "t"}, {"table": "seen"}, {"query": "SELECT v, at, k FROM t"}):
        config = SourceConfig.model_validate({"series": "k", "time": "at", "value": "v", **source})
        rows = rows_of(empty_database, config)
        assert len(rows) == ROWS
        assert set(rows) == expected


@pytest.mark.parametrize(
    "rowid", [-(2**63), -5, 0, 2**40, 2**63 - 1], ids=["least", "negative", "0", "large", "most"]
)
def test_row_numbers_may_be_anything(empty_sqlite: Database, rowid: int) -> None:
    filled(empty_sqlite)
    run(empty_sqlite, f"INSERT INTO t (rowid, k, at, v) VALUES ({rowid}, 'x', 'y', 99)")  # noqa: S608 - of the test
    rows = rows_of(empty_sqlite)
    assert len(rows) == ROWS + 1
    assert ("x", "y", 99) in rows


def test_a_condition_that_leaves_whole_pages_empty_skips_none_after_them(
    empty_sqlite: Database,
) -> None:
    filled(empty_sqlite)
    config = CONFIG.model_copy(update={"where": "v >= 23 -- the newest"})
    assert [row[2] for row in rows_of(empty_sqlite, config)] == [23, 24]


def test_a_writer_need_not_wait_for_a_slow_reader_of_a_table(empty_sqlite: Database) -> None:
    filled(empty_sqlite)
    with reading_source(empty_sqlite, CONFIG) as reader:
        pages = reader.pages()
        next(pages)
        with sqlite3.connect(str(empty_sqlite.file), timeout=0) as writer:
            writer.execute("UPDATE t SET v = -1 WHERE rowid = 1")
        writer.close()
        assert len(list(pages)) == 2
        assert not reader.stood_still()


def test_what_others_write_elsewhere_or_at_the_end_is_no_change(empty_sqlite: Database) -> None:
    filled(empty_sqlite)
    run(empty_sqlite, "CREATE TABLE other (a)")
    with reading_source(empty_sqlite, CONFIG) as reader:
        assert sum(map(len, reader.pages())) == ROWS
        run(empty_sqlite, "INSERT INTO other VALUES (1)")
        assert reader.stood_still()
        run(empty_sqlite, "INSERT INTO t VALUES ('late', 'x', 1)")
        assert reader.stood_still()
        run(empty_sqlite, "DELETE FROM t WHERE rowid = 15")
        assert not reader.stood_still()


def test_one_cursor_sees_one_state(empty_postgresql: Database) -> None:
    filled(empty_postgresql)
    with reading_source(empty_postgresql, CONFIG) as reader:
        pages = reader.pages()
        first = next(pages)
        run(empty_postgresql, "DELETE FROM t")
        assert len(first) + sum(map(len, pages)) == ROWS
        assert reader.stood_still()
        assert sum(map(len, reader.pages())) == ROWS


def test_text_that_is_no_utf8_spoils_only_its_row(empty_sqlite: Database) -> None:
    filled(empty_sqlite)
    run(
        empty_sqlite,
        "UPDATE t SET k = CAST(x'61ff' AS TEXT) WHERE rowid = 13",
        "CREATE VIEW seen AS SELECT * FROM t",
    )
    for table in ("t", "seen"):
        rows = rows_of(empty_sqlite, CONFIG.model_copy(update={"table": table}))
        assert len(rows) == ROWS
        assert [row for row in rows if row[0] == "a\udcff"]


SINCE = datetime(2024, 1, 20, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["timestamptz", "timestamp", "date", "text"])
def test_a_bound_leaves_out_old_rows_and_never_a_wanted_one(
    empty_postgresql: Database, stamp: str
) -> None:
    filled(empty_postgresql, stamp)
    run(empty_postgresql, "INSERT INTO t VALUES ('x', NULL, 99)")
    values = {row[2] for row in rows_of(empty_postgresql, since=SINCE)}
    assert values >= set(range(19, ROWS))
    assert (0 in values) == (stamp == "text")  # whose order is the collation's affair


@pytest.mark.parametrize(
    ("old", "wanted"),
    [
        ("'2024-01-10T00:00:00Z'", "'2024-01-20T13:00:00+14:00'"),
        ("'2023-12-31'", "'2024/01/21'"),
        ("1704844800", "1705708800"),
        ("1704844800.5", "1705708800000"),
        ("'2024-01-16'", "'20240121'"),
        ("'2024-01-17 23:59'", "'1705708800'"),
        ("1", "NULL"),
        ("-5", "'  2024-01-20'"),
    ],
)
def test_a_bound_on_sqlite_looks_at_each_value_and_its_kind(
    empty_sqlite: Database, old: str, wanted: str
) -> None:
    run(
        empty_sqlite,
        "CREATE TABLE t (k, at, v)",
        f"INSERT INTO t VALUES ('a', {old}, 1), ('a', {wanted}, 2)",  # noqa: S608 - of the test
    )
    assert [row[2] for row in rows_of(empty_sqlite, since=SINCE)] == [2]


def test_stamps_beyond_any_calendar_are_counted_with_an_example(
    empty_postgresql: Database,
) -> None:
    filled(empty_postgresql, "timestamptz")
    run(
        empty_postgresql,
        "INSERT INTO t VALUES ('a', 'infinity', 1), ('b', '0001-01-01 BC', 1), ('c', NULL, 1)",
    )
    assert len(rows_of(empty_postgresql)) == ROWS + 1
    config = CONFIG.model_copy(update={"where": "k = 'a'"})
    with reading_source(empty_postgresql, config) as reader:
        assert (reader.beyond().count, reader.beyond().example) == (1, "infinity")
    config = CONFIG.model_copy(update={"time": "v", "table": "t"})
    with reading_source(empty_postgresql, config) as reader:
        assert reader.beyond().count == 0


def test_a_row_known_at_no_instant_says_nothing(empty_postgresql: Database) -> None:
    filled(empty_postgresql, "timestamptz")
    run(
        empty_postgresql,
        "ALTER TABLE t ADD known timestamptz",
        "UPDATE t SET known = 'infinity' WHERE v = 3",
    )
    config = CONFIG.model_copy(update={"known_at": "known"})
    with reading_source(empty_postgresql, config) as reader:
        known = [stamp for page in reader.pages() for stamp in page.known_at or ()]
    assert known == [None] * ROWS


def test_only_what_is_needed_is_read_and_counting_asks_for_no_value(
    empty_database: Database,
) -> None:
    filled(empty_database)
    run(empty_database, "UPDATE t SET v = NULL WHERE v = 3")
    counted = CONFIG.model_copy(update={"aggregate": "count"})
    with reading_source(empty_database, counted) as reader:
        there = [bool(value) for page in reader.pages() for value in page.value or ()]
    assert there.count(False) == 1
    rows = CONFIG.model_copy(update={"aggregate": "count", "value": None, "series": ()})
    with reading_source(empty_database, rows) as reader:
        pages = list(reader.pages())
    assert sum(map(len, pages)) == ROWS
    assert all(page.value is None and page.keys == () for page in pages)


def test_the_collector_is_left_as_it_was(empty_sqlite: Database) -> None:
    import gc

    filled(empty_sqlite)
    rows_of(empty_sqlite)
    assert gc.isenabled()
    gc.disable()
    try:
        rows_of(empty_sqlite)
        assert not gc.isenabled()
    finally:
        gc.enable()
