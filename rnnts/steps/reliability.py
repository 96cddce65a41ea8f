"""What published ranges promised, held against what then happened."""

from datetime import datetime, timedelta
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
from rnnts.steps.calibrate import MOST_ROWS
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

    An even sample of the series where there are more forecasts than MOST_ROWS.

    Args:
        project: The project.
        panel: The panel's name.
        until: The last issue that counts; None: the newest.

    Raises:
        ConfigurationError: SCHEMA_MISSING.
    """
    require_schema(project.database)
    before = None if until is None else until + timedelta(seconds=1)
    with project.database.reading() as connection:
        keys = series_keys(connection, panel)
        nights = publications(connection, panel, NIGHTS, kinds=("night",), until=before)
        newest = newest_snapshot(connection, panel)
    nights = tuple(night for night in nights if night.horizon == nights[0].horizon)
    if newest is None or not nights:
        return _reliability(panel, 0, np.zeros((0, 1, len(LEVELS))), np.zeros((0, 1)))
    truth = load_panel(project, newest.snapshot_id)
    place = {keys[info.series_id]: row for row, info in enumerate(truth.series)}
    every = max(1, -(-sum(night.series for night in nights) // MOST_ROWS))
    pairs = []
    for night in nights:
        with project.database.reading() as connection:
            rows = forecast_rows(connection, night.id)
        quantiles, actual = _beside(truth, rows, place, night.horizon)
        pairs.append((quantiles[::every], actual[::every]))
    quantiles, actual = (np.concatenate(each) for each in zip(*pairs, strict=True))
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
