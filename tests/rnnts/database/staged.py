"""Small forecasts to publish."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from rnnts.config import LEVELS
from rnnts.database.catalogue import register_series
from rnnts.database.engine import Database
from rnnts.database.forecasts import ForecastRows
from rnnts.database.issues import Kind, PublicationRow
from rnnts.database.leases import Lease, hold
from rnnts.database.publications import Flipped, Manifest, flip, stage
from rnnts.panels.panel import SeriesInfo

NIGHT = datetime(2013, 12, 2, 7, tzinfo=UTC)
HORIZON = 3
SERIES = ("EWR/AA", "JFK/B6", "LGA/DL", "LGA/MQ")


def registered(database: Database, panel: str = "loads") -> list[int]:
    """Make the four series known; their keys in that order."""
    infos = [
        SeriesInfo(name, (("origin", name[:3]), ("carrier", name[4:])), 0, 9) for name in SERIES
    ]
    with database.writing() as connection:
        keys = register_series(connection, panel, infos, NIGHT)
    return [keys[name] for name in SERIES]


def forecast_of(keys: list[int], issued_at: datetime = NIGHT, level: float = 0.0) -> ForecastRows:
    """HORIZON steps for each series: quantiles rise by 1 from `level` + key + step / 10."""
    series = np.repeat(np.array(keys, np.int64), HORIZON)
    step = np.tile(np.arange(1, HORIZON + 1), len(keys))
    base = level + series + step / 10
    return ForecastRows(
        series,
        step,
        int(issued_at.timestamp()) + 3600 * (step - 1),
        base[:, None] + np.arange(len(LEVELS)),
        np.where(series == keys[-1], "seasonal_naive", "network"),
        np.where(series == keys[-1], "fallback", "fresh"),
    )


def manifest_of(
    issued_at: datetime = NIGHT, kind: Kind = "night", panel: str = "loads", series: int = 4
) -> Manifest:
    """What a forecast of the four series says of itself."""
    return Manifest(
        panel, issued_at, kind, "5" * 64, "6" * 64, None, None, HORIZON, series, 0, degraded=True
    )


def chunks_of(rows: ForecastRows) -> Iterator[ForecastRows]:
    """Two chunks of whole series, the later series first."""
    half = len(rows) // HORIZON // 2 * HORIZON
    yield rows.part(half, len(rows))
    yield rows.part(0, half)


def staged(
    database: Database,
    lease: Lease,
    issued_at: datetime = NIGHT,
    kind: Kind = "night",
    *,
    level: float = 0.0,
    replace: bool = False,
) -> PublicationRow:
    """Stage the four series."""
    rows = forecast_of(registered(database), issued_at, level)
    manifest = manifest_of(issued_at, kind)
    return stage(database, lease, manifest, chunks_of(rows), replace=replace)


def published(
    database: Database,
    issued_at: datetime = NIGHT,
    kind: Kind = "night",
    *,
    level: float = 0.0,
    replace: bool = False,
) -> Flipped:
    """Stage and flip the four series, under a lease of their own."""
    with hold(database, "loads", "night") as lease:
        row = staged(database, lease, issued_at, kind, level=level, replace=replace)
        return flip(database, lease, row.id)
