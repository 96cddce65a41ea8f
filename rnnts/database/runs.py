"""The ledger: what ran, when, and how it ended."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from rnnts.database.engine import Database
from rnnts.database.instants import database_now
from rnnts.database.migrate import require_schema
from rnnts.database.processes import is_gone, this_process
from rnnts.database.schema import run as table
from rnnts.database.spool import load_spool
from rnnts.errors import RnntsError

Json = Any
RunStatus = Literal["running", "done", "noop", "failed"]
INTERRUPTED = 130

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One row of `rnnts_run`."""

    id: int
    panel: str
    step: str
    as_of: datetime | None
    status: RunStatus
    exit_code: int | None
    message: str
    result: Json
    started_at: datetime
    finished_at: datetime | None


class RunRecord:
    """The run that is going on: tell it how it ends, before it does."""

    __slots__ = ("exit_code", "id", "message", "result", "settled", "status")

    def __init__(self, run_id: int) -> None:
        self.id = run_id
        self.status: RunStatus = "done"
        self.exit_code = 0
        self.message = ""
        self.result: Json = None
        self.settled = False

    def done(self, result: Json, exit_code: int = 0, message: str = "") -> None:
        """It did its work; `result` is plain JSON."""
        self.status, self.result = "done", result
        self.exit_code, self.message = exit_code, message

    def noop(self, result: Json, message: str, exit_code: int = 0) -> None:
        """There was nothing left to do."""
        self.status, self.result = "noop", result
        self.exit_code, self.message = exit_code, message

    def failed(self, error: BaseException) -> None:
        """It broke off; an error that is not ours is named, not quoted: it may hold a secret."""
        self.status = "failed"
        self.exit_code = _exit_code(error)
        self.message = str(error) if isinstance(error, RnntsError) else type(error).__name__

    def write(self, connection: Connection) -> None:
        """Write the end into the ledger, in the transaction of whatever it stands for."""
        connection.execute(
            update(table)
            .where(table.c.id == self.id)
            .values(
                status=self.status,
                exit_code=self.exit_code,
                message=self.message,
                result=self.result,
                finished_at=database_now(),
            )
        )


@contextmanager
def record(
    database: Database, panel: str, step: str, as_of: datetime | None
) -> Iterator[RunRecord]:
    """Keep a row of the ledger while the block runs, whatever its end.

    Rows come first of runs that could not reach the database when it was their turn.

    Args:
        database: The results database.
        panel: Its name.
        step: A verb, or a flow's name.
        as_of: The instant it works for, or issued_at.

    Raises:
        ConfigurationError: SCHEMA_MISSING, SCHEMA_OLDER.
        IntegrityError: SCHEMA_NEWER.
    """
    database.patiently(lambda: require_schema(database))
    load_spool(database)
    run = RunRecord(database.run_writing(lambda connection: _start(connection, panel, step, as_of)))
    try:
        yield run
    except BaseException as error:
        run.failed(error)
        _settle(database, run)
        raise
    if not run.settled:
        database.run_writing(run.write)
        run.settled = True


def runs_of(
    connection: Connection, panel: str | None = None, step: str | None = None, limit: int = 50
) -> tuple[RunRow, ...]:
    """The newest runs first."""
    statement = select(*(table.c[name] for name in RunRow.__slots__)).order_by(table.c.id.desc())
    if panel is not None:
        statement = statement.where(table.c.panel == panel)
    if step is not None:
        statement = statement.where(table.c.step == step)
    return tuple(RunRow(*row) for row in connection.execute(statement.limit(limit)))


def newest_result(
    connection: Connection, panel: str, step: str, as_of: datetime
) -> dict[str, Json] | None:
    """What a step gave back for an instant when it last went well; None where it never did."""
    statement = (
        select(table.c.result)
        .where(table.c.panel == panel, table.c.step == step, table.c.as_of == as_of)
        .where(table.c.status.in_(("done", "noop")), table.c.result.is_not(None))
        .order_by(table.c.id.desc())
        .limit(1)
    )
    found: dict[str, Json] | None = connection.scalar(statement)
    return found


def _start(connection: Connection, panel: str, step: str, as_of: datetime | None) -> int:
    _bury(connection)
    statement = insert(table).values(
        panel=panel,
        step=step,
        as_of=as_of,
        status="running",
        process=this_process(),
        started_at=database_now(),
    )
    return int(connection.execute(statement.returning(table.c.id)).scalar_one())


def _bury(connection: Connection) -> None:
    """Say of runs whose process died without a word that they failed."""
    running = select(table.c.id, table.c.process).where(table.c.status == "running")
    for run_id, process in connection.execute(running).all():
        if is_gone(process):
            connection.execute(
                update(table)
                .where(table.c.id == run_id)
                .values(
                    status="failed",
                    message="its process died without a word (killed, or out of memory)",
                    finished_at=database_now(),
                )
            )


def _settle(database: Database, run: RunRecord) -> None:
    """Write a failure; where even that fails, the error that led here matters more."""
    if run.settled:
        return
    try:
        with database.writing() as connection:
            run.write(connection)
    except RnntsError as error:
        _log.warning("the end of run %d is not in the ledger: %s", run.id, error)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, RnntsError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return 1
