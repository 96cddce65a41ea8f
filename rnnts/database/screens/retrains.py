"""What the screen Models reads: a panel's retrains, the newest first, and their scorecards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from rnnts.database.models import DecisionRow, VersionRow
from rnnts.database.rows import columns_of, rows_of
from rnnts.database.schema import decision, model_version, series

MAX_RETRAINS = 30


@dataclass(frozen=True, slots=True)
class Retrain:
    """A version that was trained, and what was decided about it last; None: nothing yet."""

    version: VersionRow
    decision: DecisionRow | None


def retrains(
    connection: Connection, panel: str, until: datetime, limit: int = MAX_RETRAINS
) -> tuple[Retrain, ...]:
    """Retrains of instants up to one, the newest first."""
    columns = model_version.c
    trained = rows_of(
        connection,
        select(*columns_of(model_version, VersionRow))
        .where(columns.panel == panel, columns.as_of <= until)
        .order_by(columns.as_of.desc(), columns.recorded_at.desc())
        .limit(limit),
        VersionRow,
    )
    made = rows_of(
        connection,
        select(*columns_of(decision, DecisionRow))
        .where(decision.c.version_id.in_([one.version_id for one in trained]))
        .where(decision.c.action != "rollback")
        .order_by(decision.c.id),
        DecisionRow,
    )
    last = {one.version_id: one for one in made}
    return tuple(Retrain(one, last.get(one.version_id)) for one in trained)


def keys_of(connection: Connection, panel: str, names: Sequence[str]) -> dict[str, int]:
    """Numbers of a few series by their names."""
    query = select(series.c.series_id, series.c.id).where(
        series.c.panel == panel, series.c.series_id.in_(names)
    )
    return {name: int(key) for name, key in connection.execute(query)}
