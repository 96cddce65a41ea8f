"""What a fan chart needs of a few series: history, one issue, the issue before, and the truth."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import forecast_rows
from rnnts.database.issues import publications
from rnnts.database.migrate import require_schema
from rnnts.database.snapshots import newest_snapshot
from rnnts.errors import ConfigurationError
from rnnts.pictures.fans import Fan
from rnnts.steps.lookup import unknown_series
from rnnts.steps.realised import values_at
from rnnts.steps.snapshots import load_panel

if TYPE_CHECKING:
    from rnnts.database.forecasts import ForecastRows
    from rnnts.database.issues import PublicationRow
    from rnnts.panels.arrays import FloatArray, IntArray
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

FEW = 4
"""Series drawn where none is named: those with the largest values, which people look at first."""
HISTORY_WINDOWS = 3
"""History drawn, in horizons."""
NIGHTS = 400


def fans(
    project: "Project",
    panel: str,
    series: Sequence[str],
    issued_at: datetime | None,
    *,
    truth_snapshot: str | None = None,
) -> list[Fan]:
    """Fans of a few series at one issue.

    Args:
        project: The project.
        panel: The panel's name.
        series: Their ids; none means a few of the largest.
        issued_at: Which issue; None means the newest night.
        truth_snapshot: A later snapshot to draw the truth from; default: the newest there is.

    Raises:
        ConfigurationError: SCHEMA_MISSING, FORECAST_MISSING, or SERIES_UNKNOWN.
    """
    config = project.panel(panel)
    require_schema(project.database)
    with project.database.reading() as connection:
        keys = series_keys(connection, panel)
        night, before = _nights(panel, publications(connection, panel, NIGHTS), issued_at)
        newest = newest_snapshot(connection, panel)
        if newest is None:
            raise _missing(panel)
    truth = load_panel(project, truth_snapshot or newest.snapshot_id)
    with project.database.reading() as connection:
        chosen = list(series) or _largest(truth)
        for name in chosen:
            if name not in keys:
                raise unknown_series(panel, name, keys)
        wanted = [keys[name] for name in chosen]
        rows = forecast_rows(connection, night.id, wanted)
        earlier = forecast_rows(connection, before.id, wanted) if before else None
    found = []
    for name, key in zip(chosen, wanted, strict=True):
        one = _fan(truth, name, key, night, rows, config.timezone, earlier)
        if one is not None:
            found.append(one)
    return found


def _missing(panel: str) -> ConfigurationError:
    return ConfigurationError(
        "FORECAST_MISSING",
        panel=panel,
        got="no such publication",
        do=f"publish one first: python -m flows.nightly_forecast --panel {panel}",
    )


def _nights(
    panel: str, nights: "Sequence[PublicationRow]", issued_at: datetime | None
) -> "tuple[PublicationRow, PublicationRow | None]":
    """The issue asked for and the one before it."""
    for index, night in enumerate(nights):
        if issued_at is None or night.issued_at == issued_at:
            return night, nights[index + 1] if index + 1 < len(nights) else None
    raise _missing(panel)


def _largest(panel: "Panel") -> list[str]:
    there = ~np.isnan(panel.values)
    size = np.where(there, np.abs(panel.values), 0.0).sum(axis=1)
    return [panel.series[row].series_id for row in np.argsort(-size, kind="stable")[:FEW]]


def _fan(
    truth: "Panel",
    name: str,
    key: int,
    night: "PublicationRow",
    rows: "ForecastRows",
    timezone: str,
    earlier: "ForecastRows | None",
) -> Fan | None:
    mine = rows.series == key
    if not mine.any():
        return None  # skipped that night; its finding says why
    target = rows.target[mine]
    steps = truth.grid.step_of(target)
    history = np.arange(steps[0] - HISTORY_WINDOWS * night.horizon, steps[0])
    row = next(index for index, info in enumerate(truth.series) if info.series_id == name)
    quantiles = rows.quantiles[mine]  # [horizon, quantiles]
    return Fan(
        series_id=name,
        timezone=timezone,
        issued_at=night.issued_at,
        method=str(rows.method[mine][0]),
        quality=str(rows.quality[mine][0]),
        history_times=truth.grid.label_of(history),
        history=values_at(truth, history)[row],
        target_times=target,
        quantiles={
            level: quantiles[:, index]
            for index, level in enumerate(LEVELS)
            if not np.isnan(quantiles[:, index]).any()
        },
        truth=values_at(truth, steps)[row],
        earlier=_points(earlier, key),
    )


def _points(rows: "ForecastRows | None", key: int) -> "tuple[IntArray, FloatArray] | None":
    """Target times and point forecasts of one series at the issue before."""
    if rows is None or not (rows.series == key).any():
        return None
    mine = rows.series == key
    return rows.target[mine], rows.quantiles[mine][:, LEVELS.index(0.5)]
