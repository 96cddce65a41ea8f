"""Observations and forecasts as pandas frames, in the long format of utilsforecast and its kin."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import forecast_rows
from rnnts.database.issues import live, publication
from rnnts.database.migrate import require_schema
from rnnts.database.snapshots import newest_snapshot
from rnnts.errors import ConfigurationError
from rnnts.steps.snapshots import load_panel

if TYPE_CHECKING:
    from rnnts.panels.arrays import IntArray
    from rnnts.project import Project

MODEL = "rnnts"
"""Name of the column with the point forecast."""


def observations(project: "Project", panel: str, as_of: datetime | None = None) -> pd.DataFrame:
    """What was observed, as the newest snapshot has it.

    Args:
        project: Whose panel.
        panel: Its name.
        as_of: The newest snapshot not after this instant; default: the newest.

    Returns:
        `unique_id`, `ds` (the step's label, in the panel's zone) and `y`, in this order; steps
        without a value are left out.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, SCHEMA_MISSING, SNAPSHOT_MISSING.
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT.
    """
    config = project.panel(panel)
    require_schema(project.database)
    with project.database.reading() as connection:
        row = newest_snapshot(connection, panel, as_of)
    if row is None:
        raise ConfigurationError(
            "SNAPSHOT_MISSING",
            panel=panel,
            got=f"no snapshot up to {as_of.isoformat()}" if as_of else "no snapshot yet",
            do=f"run `rnnts ingest {panel}` first",
        )
    found = load_panel(project, row.snapshot_id)
    values = found.values  # noqa: PD011 - a Panel's, not pandas'
    rows, columns = np.nonzero(~np.isnan(values))
    names = np.array([info.series_id for info in found.series], dtype=object)
    labels = found.grid.label_of(np.arange(values.shape[1]) + found.first_step)  # [steps]
    return pd.DataFrame(
        {
            "unique_id": names[rows],
            "ds": _instants(labels[columns], config.timezone),
            "y": values[rows, columns],
        }
    )


def forecasts(project: "Project", panel: str, issued_at: datetime | None = None) -> pd.DataFrame:
    """What was published for one instant.

    Joined with `observations` it is what utilsforecast's `evaluate` takes:
    `forecasts(project, "loads").merge(observations(project, "loads"), on=["unique_id", "ds"])`.

    Args:
        project: Whose panel.
        panel: Its name.
        issued_at: Which issue; default: the live one.

    Returns:
        `unique_id`, `ds`, `rnnts` (the point), and for each interval of the panel's quantiles
        `rnnts-lo-80`, `rnnts-hi-80`.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, SCHEMA_MISSING, FORECAST_MISSING.
    """
    config = project.panel(panel)
    require_schema(project.database)
    with project.database.reading() as connection:
        issue = (
            live(connection, panel)
            if issued_at is None
            else publication(connection, panel, issued_at, "backfill")
        )
        if issue is None:
            raise ConfigurationError(
                "FORECAST_MISSING",
                panel=panel,
                got=f"nothing published for {issued_at.isoformat()}" if issued_at else "none live",
                do=f"publish one first: python -m flows.nightly_forecast --panel {panel}",
            )
        rows = forecast_rows(connection, issue.id)
        names = {key: name for name, key in series_keys(connection, panel).items()}
    points = {"unique_id": [names[key] for key in rows.series.tolist()]}
    frame = pd.DataFrame(points, dtype=object)
    frame["ds"] = _instants(rows.target, config.timezone)
    frame[MODEL] = rows.quantiles[:, LEVELS.index(0.5)]
    for low, high in zip(LEVELS[: len(LEVELS) // 2], LEVELS[::-1], strict=False):
        if low in config.quantiles and high in config.quantiles:
            share = round(100 * (high - low))
            frame[f"{MODEL}-lo-{share}"] = rows.quantiles[:, LEVELS.index(low)]
            frame[f"{MODEL}-hi-{share}"] = rows.quantiles[:, LEVELS.index(high)]
    return frame


def _instants(seconds: "IntArray", timezone: str) -> pd.DatetimeIndex:
    instants = pd.DatetimeIndex(seconds.astype("datetime64[s]").astype("datetime64[ns]"))
    return instants.tz_localize("UTC").tz_convert(timezone)
