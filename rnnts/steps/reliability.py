"""What published ranges promised, held against what then happened."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import forecast_rows
from rnnts.database.issues import publications
from rnnts.database.migrate import require_schema
from rnnts.database.snapshots import newest_snapshot
from rnnts.learning.calibration import places_of
from rnnts.learning.metrics import covered
from rnnts.pictures.reliability import Reliability
from rnnts.steps.realised import values_at
from rnnts.steps.snapshots import load_panel

if TYPE_CHECKING:
    from rnnts.database.forecasts import ForecastRows
    from rnnts.panels.arrays import FloatArray
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

NIGHTS = 28
"""Newest nights that are looked at."""
BINS = 10
SHARES = (0.8, 0.95)


def reliability(project: "Project", panel: str, until: datetime | None) -> Reliability:
    """How the ranges of the newest nights fared, as far as the newest snapshot knows the truth.

    Args:
        project: The project.
        panel: The panel's name.
        until: The last issue that counts; None: the newest.

    Raises:
        ConfigurationError: SCHEMA_MISSING.
    """
    require_schema(project.database)
    with project.database.reading() as connection:
        keys = series_keys(connection, panel)
        nights = [
            night
            for night in publications(connection, panel, 10 * NIGHTS, kinds=("night",))
            if until is None or night.issued_at <= until
        ][:NIGHTS]
        newest = newest_snapshot(connection, panel)
        rows = [(night.horizon, forecast_rows(connection, night.id)) for night in nights]
    horizon = max((horizon for horizon, _ in rows), default=0)
    quantiles, actual = np.zeros((0, horizon, len(LEVELS))), np.zeros((0, horizon))
    if newest is not None and rows:
        truth = load_panel(project, newest.snapshot_id)
        place = {keys[info.series_id]: row for row, info in enumerate(truth.series)}
        pairs = [_beside(truth, forecast, place, horizon) for length, forecast in rows
                 if length == horizon]  # fmt: skip
        quantiles = np.concatenate([pair[0] for pair in pairs])
        actual = np.concatenate([pair[1] for pair in pairs])
    return _reliability(panel, len(nights), quantiles, actual)


def _beside(
    truth: "Panel", forecast: "ForecastRows", place: dict[int, int], horizon: int
) -> "tuple[FloatArray, FloatArray]":
    """Published quantiles [series, horizon, levels] and what happened [series, horizon]."""
    steps = truth.grid.step_of(forecast.target[:horizon])
    unknown = np.full((1, horizon), np.nan)  # of a series that the source no longer has
    values = np.concatenate([values_at(truth, steps), unknown])
    actual: FloatArray = values[
        [place.get(int(key), len(values) - 1) for key in forecast.series[::horizon]]
    ]
    return forecast.quantiles.reshape(len(actual), horizon, len(LEVELS)), actual


def _reliability(
    panel: str, nights: int, quantiles: "FloatArray", actual: "FloatArray"
) -> Reliability:
    """The figures of forecasts [rows, horizon, levels] beside truths [rows, horizon]."""
    known = np.isfinite(actual)
    published = [at for at in range(len(LEVELS)) if np.isfinite(quantiles[known][:, at]).any()]
    levels = tuple(LEVELS[at] for at in published)
    if len(levels) < 2 or not known.any():  # noqa: PLR2004 - a point has no range
        return Reliability(panel, nights, 0, levels, np.zeros(0), np.zeros(BINS), {})
    quantiles = quantiles[:, :, published]
    places = places_of(quantiles[known], actual[known], np.asarray(levels))
    counts, _ = np.histogram(np.clip(places, 0.0, 1.0), BINS, (0.0, 1.0))
    coverage = {}
    for share in SHARES:
        inside = covered(actual, quantiles, levels, share)  # [rows, horizon], NaN where unknown
        total = np.maximum((~np.isnan(inside)).sum(axis=0), 1)
        coverage[share] = np.nansum(inside, axis=0) / total
    return Reliability(
        panel=panel,
        nights=nights,
        truths=int(known.sum()),
        levels=levels,
        reached=(places[:, None] <= levels).mean(axis=0),
        places=counts / counts.sum(),
        coverage=coverage,
    )
