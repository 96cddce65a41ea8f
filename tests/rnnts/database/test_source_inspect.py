"""What a database says it has, before anything is read."""

from pathlib import Path

import pytest

from rnnts.config import SourceConfig
from rnnts.database.engine import Database
from rnnts.database.source_inspect import (
    Relation,
    find_relation,
    relation_names,
    sample_rows,
    table_relation,
)
from rnnts.errors import ConfigurationError, InfrastructureError


def run(database: Database, *statements: str) -> None:
    database.create_file()
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def relation(database: Database, name: str) -> Relation:
    with database.reading() as connection:
        return table_relation(connection, name)


def found(database: Database, **source: object) -> Relation:
    config = SourceConfig.model_validate({"time": "at", "value": "v", **source})
    with database.reading() as connection:
        return find_relation(connection, config, "loads")


def test_tables_and_views_are_listed_without_those_of_rnnts(database: Database) -> None:
    run(database, "CREATE TABLE loads (a INTEGER)", "CREATE VIEW seen AS SELECT * FROM loads")
    with database.reading() as connection:
        assert relation_names(connection) == ["loads", "seen"]


def test_a_materialized_view_is_a_source_too(empty_postgresql: Database) -> None:
    run(
        empty_postgresql,
        "CREATE TABLE loads (at timestamptz, v real)",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM loads",
        "CREATE SCHEMA other",
        "CREATE TABLE other.loads (at date)",
    )
    assert [column.kind for column in relation(empty_postgresql, "kept").columns] == [
        "instant",
        "number",
    ]
    assert relation(empty_postgresql, "other.loads").sql == '"other"."loads"'


def test_columns_tell_their_kind(empty_postgresql: Database) -> None:
    run(
        empty_postgresql,
        "CREATE TABLE t (a timestamptz, b timestamp, c date, d numeric, e bigint, f text, "
        "g varchar(3), h boolean, i uuid)",
    )
    kinds = [column.kind for column in relation(empty_postgresql, "t").columns]
    assert kinds == [
        "instant", "naive", "date", "number", "number", "text", "text", "boolean", "other",
    ]  # fmt: skip


def test_the_columns_of_a_query_are_known_without_its_rows(empty_database: Database) -> None:
    run(empty_database, "CREATE TABLE t (at TEXT, v INTEGER)")
    seen = found(empty_database, query="SELECT at, v AS v FROM t WHERE 'a%' <> ':b' -- so;")
    assert [column.name for column in seen.columns] == ["at", "v"]
    assert seen.paging == "cursor"


@pytest.mark.parametrize(
    ("ddl", "paging", "rowid"),
    [
        ("CREATE TABLE t (at, v)", "rowid", "rowid"),
        ("CREATE TABLE t (at, v, rowid)", "rowid", "_rowid_"),
        ("CREATE TABLE t (at, v, rowid, _ROWID_, oid)", "cursor", ""),
        ("CREATE TABLE t (at PRIMARY KEY, v) WITHOUT ROWID", "cursor", ""),
        ("CREATE VIEW t AS SELECT 1 AS at, 2 AS v", "cursor", ""),
    ],
)
def test_only_plain_tables_are_read_by_row_number(
    empty_sqlite: Database, ddl: str, paging: str, rowid: str
) -> None:
    run(empty_sqlite, ddl)
    seen = found(empty_sqlite, table="t")
    assert (seen.paging, seen.rowid) == (paging, rowid)


def test_a_missing_table_names_the_three_nearest(empty_database: Database) -> None:
    names = ("flight", "Flights_2013", "lights", "zebra")
    run(empty_database, *(f'CREATE TABLE "{name}" (a INTEGER)' for name in names))
    with pytest.raises(ConfigurationError, match="nearest: flight, lights, Flights_2013") as caught:
        found(empty_database, table="flights")
    assert (caught.value.code, caught.value.panel) == ("SOURCE_MISSING", "loads")


def test_sqlites_misspelt_column_is_not_read_as_text(empty_sqlite: Database) -> None:
    run(empty_sqlite, "CREATE TABLE t (at TEXT, value REAL)")
    with pytest.raises(
        ConfigurationError, match=r"no column 'Value'; there are: at, value"
    ) as caught:
        found(empty_sqlite, table="t", value="Value")
    assert caught.value.code == "COLUMN_MISSING"


@pytest.mark.parametrize("query", ["SELECT at, v FROM nowhere", "SELEKT", "SELECT at v FROM (t"])
def test_a_query_that_fails_is_the_configurations_fault(
    empty_database: Database, query: str
) -> None:
    run(empty_database, "CREATE TABLE t (at TEXT, v INTEGER)")
    with pytest.raises(ConfigurationError) as caught:
        found(empty_database, query=query)
    assert caught.value.code == "SOURCE_SQL"


def test_a_table_that_may_not_be_read_prints_the_grant(empty_postgresql: Database) -> None:
    run(
        empty_postgresql,
        "CREATE TABLE secret (at timestamptz, v real)",
        "DROP ROLE IF EXISTS reader_of_nothing",
        "CREATE ROLE reader_of_nothing LOGIN",
    )
    url = empty_postgresql.url.replace("postgres@", "reader_of_nothing@", 1)
    reader = Database(url, wait_seconds=1, read_only=True)
    try:
        with pytest.raises(InfrastructureError, match="GRANT SELECT") as caught:
            found(reader, table="secret", where="v > 0")
        assert caught.value.code == "PERMISSION"
    finally:
        reader.close()
        run(empty_postgresql, "DROP ROLE reader_of_nothing")


def test_a_sample_takes_stamps_that_no_calendar_holds(empty_postgresql: Database) -> None:
    run(
        empty_postgresql,
        "CREATE TABLE t (at timestamptz, v real)",
        "INSERT INTO t VALUES ('infinity', 1), ('2024-01-01 00:00+00', 2)",
    )
    with empty_postgresql.reading() as connection:
        rows = sample_rows(connection, table_relation(connection, "t"), 10)
    assert rows == {"at": ["infinity", "2024-01-01 00:00:00+00"], "v": [1.0, 2.0]}


def test_a_parameter_that_nobody_binds_is_a_mistake_in_the_query(empty_database: Database) -> None:
    run(empty_database, "CREATE TABLE t (at TEXT, v INTEGER)")
    with pytest.raises(ConfigurationError) as caught:
        found(empty_database, query="SELECT at, v FROM t WHERE v > :least")
    assert caught.value.code == "SOURCE_SQL"


def test_a_database_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="correct the url of the source") as caught:
        found(Database(f"sqlite:///{tmp_path}/none.db", read_only=True), table="t")
    assert caught.value.code == "DB_UNREACHABLE"
