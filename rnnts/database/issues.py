"""What is published of a panel: read, never written."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, select

from rnnts.database.rows import columns_of, first_of, rows_of
from rnnts.database.schema import publication as table

Kind = Literal["night", "backfill", "shadow", "hindcast"]
PublicationStatus = Literal["staged", "live", "superseded", "held", "replaced", "dead"]

PUBLISHED: tuple[PublicationStatus, ...] = ("live", "superseded")
"""What readers of rnnts_all_forecast see."""
SHARED: tuple[Kind, ...] = ("night", "backfill")
"""Kinds that tell of the same issue; a shadow and a hindcast stand by themselves."""


@dataclass(frozen=True, slots=True)
class PublicationRow:
    """One row of `rnnts_publication`."""

    id: int
    panel: str
    issued_at: datetime
    revision: int
    kind: Kind
    status: PublicationStatus
    staged_id: str
    snapshot_id: str
    version_id: str | None
    calibration_id: str | None
    horizon: int
    series: int
    skipped: int
    rows: int
    degraded: bool
    digest: str
    recorded_at: datetime
    published_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "degraded", bool(self.degraded))


def live(connection: Connection, panel: str) -> PublicationRow | None:
    """What readers of rnnts_latest_forecast see."""
    statement = _rows().where(table.c.panel == panel, table.c.status == "live")
    return first_of(connection, statement, PublicationRow)


def publication(
    connection: Connection, panel: str, issued_at: datetime, kind: Kind
) -> PublicationRow | None:
    """The published revision of an issue, None where it has yet to be made.

    A backfill finds the night that was published for its instant; a night does not find a
    backfill, which it replaces.
    """
    kinds = SHARED if kind == "backfill" else (kind,)
    statement = (
        _rows()
        .where(table.c.panel == panel, table.c.issued_at == issued_at, table.c.kind.in_(kinds))
        .where(table.c.status.in_(PUBLISHED))
        .order_by(table.c.id.desc())
    )
    return first_of(connection, statement, PublicationRow)


def held_back(
    connection: Connection, panel: str, issued_at: datetime, kind: Kind
) -> PublicationRow | None:
    """What was published for an issue and then taken back by a person."""
    statement = _rows().where(table.c.panel == panel, table.c.issued_at == issued_at)
    statement = statement.where(table.c.kind == kind, table.c.status == "held")
    return first_of(connection, statement.order_by(table.c.id.desc()), PublicationRow)


def publication_by_id(connection: Connection, publication_id: int) -> PublicationRow | None:
    """A publication of any status."""
    return first_of(connection, _rows().where(table.c.id == publication_id), PublicationRow)


def publications(
    connection: Connection,
    panel: str,
    limit: int = 50,
    *,
    kinds: Iterable[Kind] = SHARED,
    statuses: Iterable[PublicationStatus] = PUBLISHED,
    until: datetime | None = None,
) -> tuple[PublicationRow, ...]:
    """Publications of a panel, those issued last first.

    Args:
        connection: Any.
        panel: Its name.
        limit: At most so many.
        kinds: Only of these.
        statuses: Only of these.
        until: Only those issued before this instant.
    """
    statement = (
        _rows()
        .where(table.c.panel == panel, table.c.kind.in_(tuple(kinds)))
        .where(table.c.status.in_(tuple(statuses)))
        .order_by(table.c.issued_at.desc(), table.c.id.desc())
        .limit(limit)
    )
    if until is not None:
        statement = statement.where(table.c.issued_at < until)
    return rows_of(connection, statement, PublicationRow)


def unfinished(
    connection: Connection, panel: str, issued_at: datetime, kind: Kind
) -> PublicationRow | None:
    """What a run began to stage for an issue and did not publish."""
    statement = _rows().where(table.c.panel == panel, table.c.issued_at == issued_at)
    statement = statement.where(table.c.kind == kind, table.c.status.in_(("staged", "dead")))
    return first_of(connection, statement, PublicationRow)


def next_revision(connection: Connection, panel: str, issued_at: datetime, kind: Kind) -> int:
    """1 for an issue that was never published, else one more than its newest."""
    statement = _rows().where(table.c.panel == panel, table.c.issued_at == issued_at)
    statement = statement.where(table.c.kind == kind).order_by(table.c.revision.desc())
    newest = first_of(connection, statement, PublicationRow)
    return newest.revision + 1 if newest else 1


def _rows() -> Select[Any]:
    return select(*columns_of(table, PublicationRow))
