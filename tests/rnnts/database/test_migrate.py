import stat

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, event, text
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from rnnts.database import migrate
from rnnts.database.engine import Database
from rnnts.database.migrate import ensure_schema, require_schema, schema_version, upgrade
from rnnts.database.schema import SCHEMA_VERSION, metadata
from rnnts.errors import ConfigurationError, IntegrityError


def _tables(database: Database) -> set[str]:
    reflected = MetaData()
    with database.reading() as connection:
        reflected.reflect(connection)
    return set(reflected.tables)


def test_an_empty_database_gets_the_tables_once(empty_database: Database) -> None:
    assert schema_version(empty_database) == 0
    ensure_schema(empty_database)
    ensure_schema(empty_database)
    assert schema_version(empty_database) == SCHEMA_VERSION
    assert set(metadata.tables) <= _tables(empty_database)


def test_a_new_file_is_for_its_owner_alone_and_not_in_wal_mode(empty_sqlite: Database) -> None:
    ensure_schema(empty_sqlite)
    assert empty_sqlite.file is not None
    assert stat.S_IMODE(empty_sqlite.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(empty_sqlite.file.parent.stat().st_mode) == 0o700
    with empty_sqlite.reading() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "delete"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA synchronous")) == 2


def test_the_migrations_give_what_the_schema_says(database: Database) -> None:
    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    added = [change for change in differences if change[0] != "remove_table"]
    removed = {change[1].name for change in differences if change[0] == "remove_table"}
    assert added == []
    assert removed <= {"rnnts_schema", "rnnts_forecast_0"}


def test_the_first_migration_holds_every_statement_of_the_schema(database: Database) -> None:
    dialect = database.engine.dialect
    script = migrate._MIGRATIONS / "versions" / f"0001_first_tables.{database.dialect}.sql"
    held = " ".join(script.read_text().split())
    for table in metadata.sorted_tables:
        statements: list[ExecutableDDLElement] = [CreateTable(table)]
        statements += [CreateIndex(index) for index in table.indexes]
        for statement in statements:
            assert " ".join(str(statement.compile(dialect=dialect)).split()) in held


def test_a_newer_schema_is_refused_with_both_numbers(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE rnnts_schema SET version_num = '0012'"))
    for refused in (ensure_schema, require_schema, upgrade):
        with pytest.raises(IntegrityError, match=rf"SCHEMA_NEWER.*has 12, knows {SCHEMA_VERSION}"):
            refused(database)


def test_an_older_schema_names_the_command_that_upgrades_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(ConfigurationError, match=r"SCHEMA_OLDER.*rnnts db upgrade"):
        ensure_schema(database)


def test_a_reader_of_an_empty_database_is_told_what_to_run(empty_database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"SCHEMA_MISSING.*rnnts ingest"):
        require_schema(empty_database)
    assert empty_database.file is None or not empty_database.file.exists()


def test_a_migration_that_dies_half_way_leaves_nothing(empty_database: Database) -> None:
    empty_database.create_file()

    def die(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "CREATE TABLE rnnts_score" in statement:
            raise KeyboardInterrupt

    event.listen(empty_database.engine, "before_cursor_execute", die)
    with pytest.raises(KeyboardInterrupt):
        upgrade(empty_database)
    event.remove(empty_database.engine, "before_cursor_execute", die)
    assert _tables(empty_database) == set()
    assert upgrade(empty_database) == SCHEMA_VERSION
