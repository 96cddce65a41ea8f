"""One database: how it is opened, read, written, and how its failures are told."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from json import dumps
from pathlib import Path
from typing import Literal, Protocol, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from tenacity import Retrying, retry_if_exception_type, stop_before_delay, wait_random_exponential

from rnnts.database.faults import Faults, TransientError
from rnnts.database.urls import parse_url, resolve_url, url_shown
from rnnts.errors import ConfigurationError

STATEMENT_SECONDS = 300.0
"""No statement of ours takes minutes: COPY and page reads are cut into chunks."""
IDLE_SECONDS = 30.0
"""A sleeper inside a transaction must not keep its lease's row longer than the lease lasts."""
SOURCE_IDLE_SECONDS = 600.0
"""A source's page may wait while the former one is worked on."""
CONNECT_SECONDS = 10
OLDEST_SQLITE = (3, 38)
"""The first with `->>`; RETURNING came in 3.35."""

Dialect = Literal["sqlite", "postgresql"]
T = TypeVar("T")


class Fence(Protocol):
    """What proves, inside a writing transaction, that the writer is still the one."""

    def check(self, connection: Connection) -> None:
        """Raise IntegrityError FENCED where another took over."""


class Database:
    """A results or source database; connects when it is first used, not before.

    Args:
        url: "sqlite:///FILE" or "postgresql://user@host/name".
        wait_seconds: How long a lock is waited for, and how long transient failures are retried.
        read_only: A source: every write is refused by the database itself.
        spool: Folder in which runs are kept that could not reach it; None: they are not.

    Raises:
        ConfigurationError: DATABASE_URL, SECRET_IN_QUERY.
    """

    def __init__(
        self,
        url: str,
        wait_seconds: float = 60.0,
        *,
        read_only: bool = False,
        spool: Path | None = None,
    ) -> None:
        self._url = parse_url(url)
        self.wait_seconds = wait_seconds
        self.read_only = read_only
        self.spool = spool
        self.shown = url_shown(url)
        self._faults = Faults(self._url, wait_seconds, read_only=read_only)

    def __repr__(self) -> str:
        return f"Database({self.shown!r})"

    @property
    def url(self) -> str:
        """The address with its secrets: for child processes, never for a page or a log."""
        return self._url.render_as_string(hide_password=False)

    @property
    def dialect(self) -> Dialect:
        """Which of the two."""
        return cast("Dialect", self._url.get_backend_name())

    @property
    def file(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        return Path(str(self._url.database)) if self.dialect == "sqlite" else None

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""
        if self.file is not None:
            return _sqlite_engine(self.file, self.wait_seconds, read_only=self.read_only)
        return _postgresql_engine(self)

    def create_file(self) -> None:
        """Create a missing SQLite file, readable for its owner alone; else do nothing."""
        if self.file is None or self.file.exists():
            return
        with self._translated():
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the whole database; keep it short, SQLite's writers wait.

        Raises:
            RnntsError: DB_LOCKED, DB_UNREACHABLE, DB_CORRUPT, PERMISSION, DB_SLOW.
        """
        with self._translated(), self.engine.connect() as connection:
            if self.dialect == "postgresql":
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, lease: Fence | None = None) -> Iterator[Connection]:
        """One transaction: all of it or nothing; with a lease, only while it is ours.

        Raises:
            RnntsError: As `reading`; DB_READ_ONLY, DISK_FULL, FENCED, DB_CONSTRAINT.
        """
        with self._translated(), self.engine.connect() as connection:
            connection.execution_options(rnnts_writing=True)
            with connection.begin():
                if lease is not None:
                    lease.check(connection)
                yield connection

    def patiently(self, work: Callable[[], T]) -> T:
        """Do `work`, and all of it again while it fails transiently, up to `wait_seconds`."""
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_random_exponential(multiplier=0.1, max=5),
            stop=stop_before_delay(self.wait_seconds),
            reraise=True,
        )
        return retrying(work)

    def run_writing(self, work: Callable[[Connection], T], lease: Fence | None = None) -> T:
        """`work(connection)` in one transaction, repeated whole where that can help."""

        def attempt() -> T:
            with self.writing(lease) as connection:
                return work(connection)

        return self.patiently(attempt)

    def run_reading(self, work: Callable[[Connection], T]) -> T:
        """`work(connection)` on one consistent view, repeated whole where that can help."""

        def attempt() -> T:
            with self.reading() as connection:
                return work(connection)

        return self.patiently(attempt)

    def close(self) -> None:
        """Close what is open; the next use opens again."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            fault = self._faults.of(error)
            if fault is None:
                raise
            raise fault from error


def open_source(root: Path, url: str, wait_seconds: float = 60.0) -> Database:
    """A database that is only read; a relative SQLite file counts from `root`.

    Raises:
        ConfigurationError: DATABASE_URL, SECRET_IN_QUERY.
    """
    return Database(resolve_url(url, root), wait_seconds, read_only=True)


def to_json_text(value: object) -> str:
    """JSON as the tables hold it: readable, and never NaN, which is no JSON."""
    return dumps(value, ensure_ascii=False, allow_nan=False)


def _sqlite_engine(path: Path, wait_seconds: float, *, read_only: bool) -> Engine:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(
            "SQLITE_TOO_OLD",
            expected=f"SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer",
            got=sqlite3.sqlite_version,
            where="the running Python",
            do="use a newer Python, or PostgreSQL",
        )

    def connect() -> sqlite3.Connection:
        if read_only:
            return _open_for_reading(path, wait_seconds)
        return _open_sqlite(path, wait_seconds, "rw")

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=NullPool,
        hide_parameters=True,
        json_serializer=to_json_text,
    )
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_sqlite(path: Path, wait_seconds: float, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=wait_seconds,
        isolation_level=None,  # the begin of every transaction is ours
        check_same_thread=False,  # SQLAlchemy hands a connection to one thread at a time
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA schema_version").fetchone()  # now, not at some later statement
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_for_reading(path: Path, wait_seconds: float) -> sqlite3.Connection:
    """A connection that cannot write, except to roll back what a dead writer left in a journal."""
    try:
        return _open_sqlite(path, wait_seconds, "ro")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise
        connection = _open_sqlite(path, wait_seconds, "rw")
        connection.execute("PRAGMA query_only = ON")
    return connection


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("rnnts_writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a read that turns to writing cannot wait
    else:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")


def _postgresql_engine(database: Database) -> Engine:
    engine = create_engine(
        database.url,
        hide_parameters=True,
        json_serializer=to_json_text,
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=30,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "rnnts",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": int(1000 * IDLE_SECONDS),
            "prepare_threshold": None,  # poolers between us and the server lose them
        },
    )
    idle = SOURCE_IDLE_SECONDS if database.read_only else IDLE_SECONDS
    settings = {
        "statement_timeout": f"{int(1000 * STATEMENT_SECONDS)}ms",
        "lock_timeout": f"{max(1, int(1000 * database.wait_seconds))}ms",
        "idle_in_transaction_session_timeout": f"{int(1000 * idle)}ms",
        "default_transaction_read_only": "on" if database.read_only else "off",
        "TimeZone": "UTC",
    }

    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))
        cursor.close()
        connection.autocommit = False

    event.listen(engine, "connect", configure)
    return engine
