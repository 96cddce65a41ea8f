"""Published nights held against what then happened, beside yesterday's and last week's values."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import forecast_rows
from rnnts.database.issues import publications
from rnnts.learning.baselines import seasonal_naive
from rnnts.learning.metrics import seasonal_error
from rnnts.panels.seasons import seasons_of
from rnnts.steps.snapshots import load_panel

if TYPE_CHECKING:
    from rnnts.database.forecasts import ForecastRows
    from rnnts.database.issues import PublicationRow
    from rnnts.panels.arrays import FloatArray, IntArray
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

NIGHTS = 400
"""At most so many nights are held against the truth at once."""
_SUMS = ("n", "error", "naive_short", "naive_long", "covered_80", "covered_95")


@dataclass(frozen=True, slots=True)
class RealisedLine:
    """What the forecasts of one series, or of all, were worth."""

    name: str
    n: int  # targets whose truth is known
    skill_short: float | None  # 1 - sum|error| / sum|error of the first season's naive method|
    skill_long: float | None  # the same against the longest season
    mase: float | None
    coverage_80: float | None
    coverage_95: float | None


@dataclass(frozen=True, slots=True)
class Realised:
    """The whole table."""

    nights: int
    seasons: tuple[str, str]  # names of the shorter and the longer season
    pooled: RealisedLine
    series: tuple[RealisedLine, ...]


def realised(
    project: "Project", panel: str, snapshot_id: str, first: datetime, last: datetime
) -> Realised:
    """Hold the nights issued from `first` to `last` against a later snapshot.

    Args:
        project: The project.
        panel: The panel's name.
        snapshot_id: A snapshot in which the truth is known; what is not yet there is left out.
        first: Instant of the first night.
        last: Instant of the last one.
    """
    truth = load_panel(project, snapshot_id)
    with project.database.reading() as connection:
        keys = series_keys(connection, panel)
        nights = [
            night
            for night in publications(connection, panel, NIGHTS, kinds=("night",))
            if first <= night.issued_at <= last
        ]
        rows = [forecast_rows(connection, night.id) for night in nights]
    place = {keys[info.series_id]: row for row, info in enumerate(truth.series)}
    sums = {name: np.zeros(len(truth.series)) for name in _SUMS}
    for night, forecast in zip(nights, rows, strict=True):
        _add(sums, truth, night, forecast, place)
    seasons = seasons_of(truth.grid.frequency, truth.values.shape[1])
    scale = seasonal_error(truth.values, seasons[0].steps)  # [series]
    lines = tuple(
        _line(info.series_id, {name: float(total[row]) for name, total in sums.items()}, scale[row])
        for row, info in enumerate(truth.series)
        if sums["n"][row]
    )
    pooled = _line("all series", {name: float(total.sum()) for name, total in sums.items()}, None)
    scaled = [line.mase for line in lines if line.mase is not None]
    pooled = RealisedLine(
        pooled.name, pooled.n, pooled.skill_short, pooled.skill_long,
        float(np.mean(scaled)) if scaled else None, pooled.coverage_80, pooled.coverage_95,
    )  # fmt: skip
    return Realised(len(nights), (seasons[0].name, seasons[-1].name), pooled, lines)


def _add(
    sums: "dict[str, FloatArray]",
    truth: "Panel",
    night: "PublicationRow",
    forecast: "ForecastRows",
    place: dict[int, int],
) -> None:
    """Add one night to the sums by series, each [series]."""
    horizon = night.horizon
    series = np.array([place[int(key)] for key in forecast.series[::horizon]], np.int64)
    quantiles = forecast.quantiles.reshape(len(series), horizon, len(LEVELS))
    targets = truth.grid.step_of(forecast.target[:horizon])  # [horizon]
    actual = values_at(truth, targets)[series]  # [series, horizon]
    seasons = seasons_of(truth.grid.frequency, truth.values.shape[1])
    origin = int(targets[0])
    known = truth.upto(origin - 1)
    naives = [
        seasonal_naive(known, origin, horizon, (0.5,), season.days)[series, :, 0]
        for season in (seasons[0], seasons[-1])
    ]
    there = ~np.isnan(actual) & ~np.isnan(naives[0]) & ~np.isnan(naives[1])

    def total(values: "FloatArray") -> "FloatArray":
        summed: FloatArray = np.where(there, values, 0.0).sum(axis=1)
        return summed

    def inside(low: float, high: float) -> "FloatArray":
        bounds = (LEVELS.index(low), LEVELS.index(high))
        within = (quantiles[:, :, bounds[0]] <= actual) & (actual <= quantiles[:, :, bounds[1]])
        return within.astype(np.float64)

    errors = {
        "n": np.ones_like(actual),
        "error": np.abs(actual - quantiles[:, :, LEVELS.index(0.5)]),
        "naive_short": np.abs(actual - naives[0]),
        "naive_long": np.abs(actual - naives[1]),
        "covered_80": inside(0.1, 0.9),
        "covered_95": inside(0.025, 0.975),
    }
    for name, values in errors.items():
        np.add.at(sums[name], series, total(values))


def values_at(panel: "Panel", steps: "IntArray") -> "FloatArray":
    """Values of all series at steps, NaN outside of what there is, [series, steps]."""
    columns = steps - panel.first_step
    inside = (columns >= 0) & (columns < panel.values.shape[1])
    found = np.full((len(panel.series), len(steps)), np.nan)
    found[:, inside] = panel.values[:, columns[inside]]
    return found


def _line(name: str, sums: dict[str, float], scale: "float | None") -> RealisedLine:
    n = sums["n"]

    def ratio(value: float, by: float) -> float | None:
        return value / by if by > 0 else None

    def skill(naive: float) -> float | None:
        return 1 - sums["error"] / naive if naive > 0 else None

    return RealisedLine(
        name=name,
        n=int(n),
        skill_short=skill(sums["naive_short"]),
        skill_long=skill(sums["naive_long"]),
        mase=None if scale is None or not scale > 0 else ratio(sums["error"] / n, float(scale)),
        coverage_80=ratio(sums["covered_80"], n),
        coverage_95=ratio(sums["covered_95"], n),
    )
