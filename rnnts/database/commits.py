"""A COMMIT with a moment between what was sent and what was answered."""

import select
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

ANSWER_SECONDS = 300
"""As long as any statement of ours may take."""


def commit(connection: Connection, sent: Callable[[], None]) -> None:
    """Commit, and call `sent` while the answer is still out; SQLAlchemy then finds nothing to do.

    On SQLite, where a COMMIT is a function call, `sent` is called right before it.

    Raises:
        psycopg.OperationalError: The answer was lost; the commit may have happened.
    """
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        sent()
        raw.execute("COMMIT")
        return
    wire = raw.pgconn
    wire.send_query(b"COMMIT")
    while wire.flush():
        _wait(wire, write=True)
    sent()
    while wire.is_busy():
        _wait(wire, write=False)
        wire.consume_input()
    _check(wire)


def _wait(wire: Any, *, write: bool) -> None:  # noqa: ANN401 - libpq's connection
    import psycopg  # noqa: PLC0415 - only where it is in use

    sockets = [wire.socket]
    ready = select.select(sockets, sockets if write else [], [], ANSWER_SECONDS)
    if not any(ready):
        raise psycopg.OperationalError("no answer to COMMIT")


def _check(wire: Any) -> None:  # noqa: ANN401 - libpq's connection
    import psycopg  # noqa: PLC0415

    results = []
    while (result := wire.get_result()) is not None:
        results.append(result)
    if [result.command_status for result in results] == [b"COMMIT"]:
        return
    failed = results[-1] if results else None
    if failed is not None and failed.error_field(psycopg.pq.DiagnosticField.SQLSTATE):
        raise psycopg.errors.error_from_result(failed)
    raise psycopg.OperationalError("the answer to COMMIT was lost")
