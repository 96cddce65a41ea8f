"""The schema: created in an empty database, refused where it is another's, upgraded when asked."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from rnnts.database.engine import Database
from rnnts.database.schema import SCHEMA_VERSION
from rnnts.errors import ConfigurationError, IntegrityError

VERSION_TABLE = "rnnts_schema"
_MIGRATIONS = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x726E6E7473  # "rnnts": one process at a time changes tables


def schema_version(database: Database) -> int:
    """The schema's number in this database; 0 where there is none yet.

    Raises:
        RnntsError: The faults of `Database.reading`.
    """
    if database.file is not None and not database.file.exists():
        return 0
    with database.reading() as connection:
        return _version(connection)


def touch(connection: Connection) -> None:
    """Write what stands there already: a database that takes no writes refuses this too."""
    connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = version_num"))  # noqa: S608 - a constant


def ensure_schema(database: Database) -> None:
    """Create the tables in an empty database; leave those that fit as they are.

    Raises:
        ConfigurationError: SCHEMA_OLDER, with `rnnts db upgrade` as the remedy.
        IntegrityError: SCHEMA_NEWER.
    """
    found = database.patiently(lambda: schema_version(database))
    if found == 0:
        upgrade(database)
    else:
        _check(found, database)


def require_schema(database: Database) -> None:
    """What commands that only read ask for: tables that fit, created by nobody here.

    Raises:
        ConfigurationError: SCHEMA_MISSING, SCHEMA_OLDER.
        IntegrityError: SCHEMA_NEWER.
    """
    if (found := schema_version(database)) == 0:
        raise ConfigurationError(
            "SCHEMA_MISSING",
            expected="the tables of rnnts",
            got="none yet",
            where=database.shown,
            do="run `rnnts ingest PANEL` first, which creates them",
        )
    _check(found, database)


def upgrade(database: Database) -> int:
    """Bring the schema to today's number in one transaction; give that number.

    Guarantees: killed at any moment, the old or the new schema stands whole.

    Raises:
        IntegrityError: SCHEMA_NEWER.
        RnntsError: The faults of `Database.writing`.
    """
    database.create_file()
    return database.run_writing(lambda connection: _upgrade(connection, database))


def _upgrade(connection: Connection, database: Database) -> int:
    if database.dialect == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    found = _version(connection)
    if found < SCHEMA_VERSION:
        _migrate(connection)
    elif found > SCHEMA_VERSION:
        _check(found, database)
    return SCHEMA_VERSION


def _migrate(connection: Connection) -> None:
    """Run the missing steps inside the transaction of `connection`."""
    from alembic.config import Config  # noqa: PLC0415 - time that readers need not pay
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    target = f"{SCHEMA_VERSION:04d}"
    with EnvironmentContext(
        config,
        script,
        fn=lambda found, _context: script._upgrade_revs(target, found),  # noqa: SLF001 - its manual says so
    ) as environment:
        environment.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            transactional_ddl=True,  # alembic has it off for SQLite, where it works
        )
        with environment.begin_transaction():
            environment.run_migrations()


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(VERSION_TABLE):
        return 0
    return int(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) or 0)  # noqa: S608 - a constant


def _check(found: int, database: Database) -> None:
    if found > SCHEMA_VERSION:
        raise IntegrityError(
            "SCHEMA_NEWER",
            got=f"has {found}, knows {SCHEMA_VERSION}",
            where=database.shown,
            do="upgrade rnnts",
        )
    if found < SCHEMA_VERSION:
        raise ConfigurationError(
            "SCHEMA_OLDER",
            expected=f"schema {SCHEMA_VERSION}",
            got=f"schema {found}",
            where=database.shown,
            do="make a backup, then run `rnnts db upgrade`",
        )
