"""A page's view of the database: read-only, consistent, and over within seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy import Connection, text

from rnnts.database.engine import Database

View = Connection
"""What the rooms above call a connection that they only hand on."""
QUERY_SECONDS = 5.0
"""A page that takes longer is no use to anybody, and a SQLite reader holds up the night."""
_PROGRESS_EVERY = 10_000  # SQLite's virtual instructions, about a millisecond


def page_database(database: Database) -> Database:
    """The same database for a page: it can write nothing, and waits for nobody for long."""
    return Database(database.url, QUERY_SECONDS, read_only=True)


@contextmanager
def page_reading(database: Database) -> Iterator[Connection]:
    """One consistent view, ended by the database itself after QUERY_SECONDS.

    Raises:
        RnntsError: DB_SLOW, and the other faults of `Database.reading`.
    """
    with database.reading() as connection:
        if database.dialect == "postgresql":
            connection.execute(text(f"SET LOCAL statement_timeout = '{QUERY_SECONDS:g}s'"))
        else:
            _interrupt_after(connection, QUERY_SECONDS)
        yield connection


def _interrupt_after(connection: Connection, seconds: float) -> None:
    """SQLite has no time limit of its own, but asks every so often whether to go on."""
    end = monotonic() + seconds
    raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(lambda: monotonic() > end, _PROGRESS_EVERY)
