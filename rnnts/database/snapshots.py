"""Which snapshots of a panel were taken, as of which instants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from rnnts.database.instants import database_now
from rnnts.database.rows import columns_of, first_of
from rnnts.database.schema import snapshot as table
from rnnts.database.upsert import insert_into


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One row of `rnnts_snapshot`."""

    panel: str
    as_of: datetime
    snapshot_id: str  # the hash of its manifest
    watermark: datetime | None
    series: int
    rows: int  # read from the source
    recorded_at: datetime


def add_snapshot(
    connection: Connection,
    *,
    panel: str,
    as_of: datetime,
    snapshot_id: str,
    watermark: datetime | None,
    series: int,
    rows: int,
) -> None:
    """Record a snapshot; the same one of the same instant is recorded once."""
    connection.execute(
        insert_into(connection, table)
        .values(
            panel=panel,
            as_of=as_of,
            snapshot_id=snapshot_id,
            watermark=watermark,
            series=series,
            rows=rows,
            recorded_at=database_now(),
        )
        .on_conflict_do_nothing(index_elements=["panel", "as_of", "snapshot_id"])
    )


def newest_snapshot(
    connection: Connection, panel: str, as_of: datetime | None = None
) -> SnapshotRow | None:
    """The snapshot of the newest instant, of none later than `as_of`."""
    statement = _of(panel).order_by(table.c.as_of.desc(), table.c.id.desc())
    if as_of is not None:
        statement = statement.where(table.c.as_of <= as_of)
    return first_of(connection, statement, SnapshotRow)


def snapshot_row(connection: Connection, panel: str, as_of: datetime) -> SnapshotRow | None:
    """The snapshot of exactly that instant; the one taken last, where rows were edited since."""
    statement = _of(panel).where(table.c.as_of == as_of).order_by(table.c.id.desc())
    return first_of(connection, statement, SnapshotRow)


def _of(panel: str) -> Select[Any]:
    return select(*columns_of(table, SnapshotRow)).where(table.c.panel == panel)
