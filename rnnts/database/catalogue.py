"""The series that are known, each with an integer key that forecasts refer to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, select, update

from rnnts.database.rows import columns_of, rows_of
from rnnts.database.schema import series as table
from rnnts.database.upsert import insert_into
from rnnts.panels.panel import Key, SeriesInfo

_PAGE = 10_000  # rows an INSERT carries, so that memory does not grow with the panel


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One row of `rnnts_series`."""

    id: int
    panel: str
    series_id: str
    keys: dict[str, Key]  # as the source has them
    first_seen: datetime
    retired_at: datetime | None


def register_series(
    connection: Connection, panel: str, infos: Iterable[SeriesInfo], seen_at: datetime
) -> dict[str, int]:
    """Make series known; one that was retired is so no more.

    Args:
        connection: In a writing transaction.
        panel: Its name.
        infos: The series of a snapshot.
        seen_at: The as_of of that snapshot.

    Returns:
        {series_id: integer key} of these series.
    """
    infos = tuple(infos)
    statement = insert_into(connection, table)
    earlier = statement.excluded.first_seen < table.c.first_seen
    statement = statement.on_conflict_do_update(
        index_elements=["panel", "series_id"],
        set_={
            "first_seen": case((earlier, statement.excluded.first_seen), else_=table.c.first_seen),
            "retired_at": None,
        },
        where=earlier | table.c.retired_at.is_not(None),
    )
    for start in range(0, len(infos), _PAGE):
        connection.execute(
            statement,
            [
                {
                    "panel": panel,
                    "series_id": info.series_id,
                    "keys": dict(info.keys),
                    "first_seen": seen_at,
                }
                for info in infos[start : start + _PAGE]
            ],
        )
    keys = series_keys(connection, panel)
    return {info.series_id: keys[info.series_id] for info in infos}


def series_keys(connection: Connection, panel: str) -> dict[str, int]:
    """{series_id: integer key} of every series that is known, retired ones too."""
    statement = select(table.c.series_id, table.c.id).where(table.c.panel == panel)
    return {series_id: key for series_id, key in connection.execute(statement).all()}  # noqa: C416 - typed


def known_series(connection: Connection, panel: str) -> tuple[SeriesRow, ...]:
    """Every known series, retired ones too, in the order of a panel: by the bytes of its id."""
    statement = select(*columns_of(table, SeriesRow)).where(table.c.panel == panel)
    rows = rows_of(connection, statement, SeriesRow)
    return tuple(sorted(rows, key=lambda row: row.series_id.encode("utf-8", "surrogatepass")))


def retire_series(
    connection: Connection, panel: str, series_ids: Iterable[str], retired_at: datetime
) -> int:
    """Say of series that nothing has come for long; give how many were not retired before."""
    retired = 0
    for series_id in series_ids:
        statement = (
            update(table)
            .where(table.c.panel == panel, table.c.series_id == series_id)
            .where(table.c.retired_at.is_(None))
            .values(retired_at=retired_at)
        )
        retired += connection.execute(statement).rowcount
    return retired
