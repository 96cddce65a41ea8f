"""Runs that could not reach the database: kept in files, and told to it by the next that can."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from rnnts.database.engine import Database
from rnnts.database.findings import record_findings, storable
from rnnts.database.processes import this_process
from rnnts.database.schema import run as runs
from rnnts.errors import IntegrityError, RnntsError
from rnnts.findings import Finding

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spooled:
    """A run that failed before it could say so in the ledger; when, its file's time says."""

    panel: str
    step: str
    as_of: AwareDatetime | None
    code: str
    exit_code: Annotated[int, Field(ge=0, le=255)]
    message: str
    remedy: str
    process: str


_FILE = TypeAdapter(Spooled)


def spool(
    database: Database, panel: str, step: str, as_of: datetime | None, error: RnntsError
) -> None:
    """Keep that a run failed, if it failed because its results database is out of reach.

    Every other failure is in the ledger, a source out of reach too.

    Args:
        database: The results database.
        panel: The panel's name, "" where a run has none.
        step: A verb, or a flow's name.
        as_of: The instant it worked for.
        error: How it ended.
    """
    unreachable = error.code == "DB_UNREACHABLE" and error.where == database.shown
    if database.spool is None or not unreachable:
        return
    kept = Spooled(
        panel, step, as_of, error.code, error.exit_code, str(error), error.do, this_process()
    )
    try:
        _write(database.spool, _FILE.dump_json(kept))
    except OSError as trouble:  # the error that led here matters more
        _log.warning("that %s failed could not be kept in %s: %s", step, database.spool, trouble)


def load_spool(database: Database) -> int:
    """Tell the database of every kept failure and remove the files; give how many they were.

    Guarantees: killed at any moment and run again, each stands in the ledger once. A file that
    holds no failure is set aside; no trouble with files ends the run that loads them.

    Raises:
        RnntsError: The faults of `Database.run_writing`.
    """
    folder = database.spool
    if folder is None or not folder.is_dir():
        return 0
    try:
        with _alone(folder) as alone:
            files = sorted(folder.glob("*.json")) if alone else []
            return sum(_load(database, path) for path in files)
    except OSError as error:
        _log.warning("failures kept in %s are not in the ledger yet: %s", folder, error)
        return 0


def _write(folder: Path, data: bytes) -> None:
    """A file of its own, whole or not at all, for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}.json"
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else tells of the same files: nights of many panels begin at once."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _load(database: Database, path: Path) -> bool:
    """Tell of one file and remove it; whether it held a failure."""
    failed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    try:
        kept = _FILE.validate_json(path.read_bytes())
        database.run_writing(lambda connection: _tell(connection, kept, failed_at))
    except (ValidationError, IntegrityError, SQLAlchemyError) as error:
        aside = path.rename(path.with_suffix(".damaged"))
        _log.warning("%s holds no failure that the ledger takes: %s", aside, type(error).__name__)
        return False
    path.unlink()
    return True


def _tell(connection: Connection, kept: Spooled, failed_at: datetime) -> None:
    """Put it into the ledger, as the end of the row that it left open, else as a row of its own."""
    message = storable(kept.message)
    end = {
        "status": "failed",
        "exit_code": kept.exit_code,
        "message": message,
        "finished_at": failed_at,
    }
    names = {"panel": kept.panel, "as_of": kept.as_of, "process": kept.process}
    its = select(runs.c.id).filter_by(**names)
    told = its.where(runs.c.message == message).limit(1)
    left_open = update(runs).where(runs.c.id.in_(its.where(runs.c.status == "running"))).values(end)
    if not connection.execute(left_open).rowcount and connection.scalar(told) is None:
        row = names | end | {"step": kept.step, "started_at": failed_at}
        connection.execute(insert(runs).values(row))
    finding = Finding(kept.code, "error", kept.panel, kept.message, kept.remedy)
    record_findings(connection, [finding], kept.as_of or failed_at)
