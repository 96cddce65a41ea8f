"""Runs that could not reach the database, kept in files and told to it next time."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert

from rnnts.database.engine import Database
from rnnts.database.findings import record_findings
from rnnts.database.processes import this_process
from rnnts.database.schema import run as runs
from rnnts.errors import RnntsError
from rnnts.findings import Finding


@dataclass(frozen=True, slots=True)
class Spooled:
    """A run that failed before it could say so in the ledger; instants as ISO text."""

    panel: str
    step: str
    as_of: str
    failed_at: str
    code: str
    exit_code: int
    message: str
    remedy: str
    process: str


def spool(
    folder: Path, panel: str, step: str, as_of: datetime, failed_at: datetime, error: RnntsError
) -> Path:
    """Keep a failure in a file of its own, whole or not at all.

    Args:
        folder: Created where it is missing; for its owner alone.
        panel: The panel's name.
        step: A verb, or a flow's name.
        as_of: The instant it worked for.
        failed_at: Now, by the clock of the entry point: the database's is out of reach.
        error: What happened.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = Spooled(
        panel,
        step,
        as_of.isoformat(),
        failed_at.isoformat(),
        error.code,
        error.exit_code,
        str(error),
        error.do,
        this_process(),
    )
    path = folder / f"{uuid4().hex}.json"
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(asdict(kept), file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    return path


def load_spool(database: Database, folder: Path) -> int:
    """Tell the database of every kept failure and remove the files; give how many they were.

    Killed in between, a failure may stand in the ledger twice; its finding counts once.
    """
    loaded = 0
    for path, kept in _kept(folder):
        database.run_writing(lambda connection, kept=kept: _tell(connection, kept))  # type: ignore[misc] # bound now
        path.unlink(missing_ok=True)
        loaded += 1
    return loaded


def _kept(folder: Path) -> Iterator[tuple[Path, Spooled]]:
    for path in sorted(folder.glob("*.json")):
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        yield path, Spooled(**values)


def _tell(connection: Connection, kept: Spooled) -> None:
    failed_at, as_of = datetime.fromisoformat(kept.failed_at), datetime.fromisoformat(kept.as_of)
    connection.execute(
        insert(runs).values(
            panel=kept.panel,
            step=kept.step,
            as_of=as_of,
            status="failed",
            exit_code=kept.exit_code,
            message=kept.message,
            process=kept.process,
            started_at=failed_at,
            finished_at=failed_at,
        )
    )
    finding = Finding(kept.code, "error", kept.panel, kept.message, kept.remedy)
    record_findings(connection, [finding], as_of)
