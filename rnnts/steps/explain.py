"""Explain: why a forecast is what it is, and why it is not that of the issue before."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.database.catalogue import series_keys
from rnnts.database.issues import publications
from rnnts.database.models import calibration, decisions
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.learning.alike import most_alike
from rnnts.learning.standing import Standing
from rnnts.steps.again import Record, given_again, read_record, serving_again
from rnnts.steps.difference import difference
from rnnts.steps.explanation import (
    Change,
    Explanation,
    Inputs,
    Model,
    PastStretch,
    Range,
    Reason,
)
from rnnts.steps.forecast import targets_of
from rnnts.steps.lookup import publication_row, unknown_series
from rnnts.steps.nights import Given, Night
from rnnts.steps.promote import MOST_DECISIONS
from rnnts.steps.provenance import differences, made_with
from rnnts.steps.rungs import NETWORKS, Outcome, forecast_of
from rnnts.steps.snapshots import load_series

if TYPE_CHECKING:
    from rnnts.panels.arrays import FloatArray, IntArray
    from rnnts.panels.grid import Grid
    from rnnts.project import Project

STRETCHES = 3
"""Past stretches that are shown."""
HISTORY_DAYS = 800
"""How far back they are looked for below a day: two years, so that last year's season is there."""
SHARES = (0.8, 0.95)
WEEK = 7


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """A publication, made again."""

    record: Record
    given: Given
    night: Night
    outcome: Outcome
    row: int  # of the series


def explain(
    project: "Project", panel: str, series_id: str, issued_at: datetime | None = None
) -> Explanation:
    """Give account of one forecast: model, inputs, rung, ranges, likes, and what changed.

    Everything is computed again from the publication's records, so it tells of that night, not of
    today. Nothing is written.

    Args:
        project: The project.
        panel: Its name.
        series_id: One of its series.
        issued_at: Which issue; default: the newest.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, SCHEMA_MISSING, SERIES_UNKNOWN, FORECAST_MISSING,
            INPUTS_UNRECORDED, INPUTS_REMOVED.
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT, RECORD_MISMATCH.
    """
    row = publication_row(project, panel, issued_at)
    with project.database.reading() as connection:
        known = series_keys(connection, panel)
    if series_id not in known:
        raise unknown_series(panel, series_id, known)
    made = _made(project, read_record(project, row.id), series_id)
    change, no_change = _change(project, made, series_id)
    return _explanation(project, made, series_id, change, no_change)


def _made(project: "Project", record: Record, series_id: str) -> _Made:
    given = given_again(project, record, serving_again(project, record))
    night = Night.of(given)
    outcome = forecast_of(night)
    names = [info.series_id for info in night.panel.series]
    skipped = series_id not in names or outcome.rungs.method[names.index(series_id)] == "skipped"
    if skipped:
        said = [one for one in outcome.rungs.findings if one.series == series_id]
        raise ConfigurationError(
            "FORECAST_MISSING",
            panel=record.row.panel,
            series=series_id,
            expected=f"a forecast of it in {record.name}",
            got="none" + "".join(f"; {one.code}: {one.evidence}" for one in said),
            do=said[0].remedy if said else "it was not known that night; take a later issue",
        )
    return _Made(record, given, night, outcome, names.index(series_id))


def _change(project: "Project", made: _Made, series_id: str) -> tuple[Change | None, str]:
    """What is otherwise than at the issue before, or why that cannot be said."""
    row = made.record.row
    with project.database.reading() as connection:
        earlier = publications(connection, row.panel, 1, until=row.issued_at)
    if not earlier:
        return None, "it is the first issue"
    try:
        before = read_record(project, earlier[0].id)
        return difference(project, before, made.record, made.given, series_id)
    except (ConfigurationError, IntegrityError) as error:
        return None, f"publication {earlier[0].id} cannot be computed again: {error}"


def _explanation(
    project: "Project", made: _Made, series_id: str, change: Change | None, no_change: str
) -> Explanation:
    row, night, outcome = made.record.row, made.night, made.outcome
    standing = Standing.of(night.panel, night.origin, night.rules)
    method, quality = str(outcome.rungs.method[made.row]), str(outcome.quality[made.row])
    inputs = _inputs(made, standing)
    late = int(standing.age[made.row]) > night.rules.max_delay
    median = night.levels.index(0.5)
    return Explanation(
        panel=row.panel,
        series_id=series_id,
        publication=row.id,
        issued_at=row.issued_at,
        kind=row.kind,
        status=row.status,
        timezone=made.given.config.timezone,
        method=method,
        quality=quality,
        quality_why=_quality_why(made, quality, inputs),
        reasons=[
            Reason(one.code, one.evidence, one.remedy, one.series is None)
            for one in outcome.rungs.findings
            if one.series in {None, series_id}
        ],
        baseline_days=int(night.days[made.row]) if method == "baseline" else None,
        model=_model(project, made.given, row.issued_at),
        inputs=inputs,
        targets=_instants(targets_of(night)),
        point=outcome.quantiles[made.row, :, median].tolist(),
        ranges=list(_ranges(made)),
        widened=late and method in NETWORKS,
        alike=_alike(project, made, series_id),
        change=change,
        no_change=no_change,
        made_elsewhere=differences(made.record.provenance.made_with, made_with()),
    )


def _model(project: "Project", given: Given, issued_at: datetime) -> Model | None:
    serving = given.serving
    if serving is None:
        return None
    version = serving.version
    with project.database.reading() as connection:
        made = decisions(connection, version.panel, MOST_DECISIONS)
        ranges = calibration(connection, serving.calibration_id or "")
    since = [
        one.effective_from
        for one in made
        if one.version_id == version.version_id
        and one.effective_from is not None
        and one.effective_from <= issued_at
    ]
    return Model(
        version.version_id,
        "champion" if serving.method == "network" else "the champion before it",
        version.as_of,
        since[0] if since else None,
        serving.calibration_id,
        ranges.as_of if ranges else None,
        ranges.summary.get("errors") if ranges else None,
    )


def _inputs(made: _Made, standing: Standing) -> Inputs:
    grid, night, place = made.night.panel.grid, made.night, made.row
    window, age = night.rules.window, int(standing.age[place])
    length = int(standing.length[place])
    newest = night.origin - 1 - age if length > 0 else None
    return Inputs(
        snapshot_id=made.record.row.snapshot_id,
        watermark=_label(grid, made.given.watermark),
        newest=None if newest is None else _label(grid, newest),
        age=age,
        window=window,
        history=length,
        unseen=window - int(standing.seen[place]),
        missing=round(float(standing.missing[place]) * window),
    )


def _quality_why(made: _Made, quality: str, inputs: Inputs) -> str:
    """In words, with the numbers that decided."""
    share = 100 * inputs.missing / inputs.window
    return {
        "cold": f"its history has {inputs.history} steps, the window {inputs.window}",
        "fallback": "it is by a plain method, not by the champion",
        "imputed": f"{share:.0f} % of its window is missing and was filled in",
        "late": f"its newest observation is {inputs.age} steps old, "
        f"max_delay is {made.night.rules.max_delay}",
        "fresh": "its window is there, and up to date",
    }[quality]


def _ranges(made: _Made) -> "list[Range]":
    """How wide the ranges are, and were before the calibration, each a mean over the horizon."""
    night, outcome, place = made.night, made.outcome, made.row
    serving, found = night.serving, []
    asked = serving is not None and outcome.rungs.method[place] in NETWORKS
    for share in SHARES:
        pair = (round((1 - share) / 2, 3), round((1 + share) / 2, 3))
        published = _width(outcome.quantiles[place], night.levels, pair)
        if published is None:
            continue
        raw = fair = None
        if serving is not None and asked:
            one = outcome.raw[place : place + 1]
            name = np.array([night.panel.series[place].series_id], np.str_)
            levels = serving.config.levels
            raw = _width(one[0], levels, pair)
            fair = _width(
                serving.calibration.apply(one, name, outcome.age[place : place + 1])[0],
                levels,
                pair,
            )
        found.append(Range(share, raw, fair, published))
    return found


def _width(
    quantiles: "FloatArray", levels: tuple[float, ...], pair: tuple[float, float]
) -> float | None:
    """Mean width between two levels, [horizon, levels]; None where one is not there."""
    if not set(pair) <= set(levels):
        return None
    low, high = (quantiles[:, levels.index(level)] for level in pair)
    return float((high - low).mean())


def _alike(project: "Project", made: _Made, series_id: str) -> list[PastStretch]:
    """Past stretches of this series like its newest one, as the snapshot of that night has them."""
    night, grid = made.night, made.night.panel.grid
    per_day = grid.steps_per_day
    back = HISTORY_DAYS * per_day if per_day > 1 else made.given.origin - made.given.first_step
    one = load_series(project, made.record.row.snapshot_id, series_id, night.origin - back)
    if one is None:
        return []
    values, first = one.upto(night.origin - 1).values[0], one.first_step
    newest = np.flatnonzero(np.isfinite(values))
    if not newest.size:
        return []
    values = values[: newest[-1] + 1]
    window, ends = _stretch(grid, first + len(values), len(values))
    horizon, season = night.rules.horizon, night.rules.season
    found = most_alike(values, ends - first, window, horizon, season=season, count=STRETCHES)
    return [
        PastStretch(
            _label(grid, first + each.end - window),
            _label(grid, first + each.end - 1),
            each.distance,
            [None if np.isnan(v) else float(v) for v in values[each.end : each.end + horizon]],
            float(np.nanmean(values[each.end : each.end + horizon])),
        )
        for each in found
    ]


def _stretch(grid: "Grid", end: int, steps: int) -> "tuple[int, IntArray]":
    """Steps of a stretch, and where earlier ones end: at the same hour of every day, or weekday."""
    if grid.steps_per_day > 1:
        days = np.arange(1, steps // grid.steps_per_day)
        same = [grid.lagged(np.array([end], np.int64), int(day)) for day in days]
        return WEEK * grid.steps_per_day, np.concatenate([np.zeros(0, np.int64), *same])
    window, every = {"1D": (28, WEEK), "1W": (13, 1)}.get(grid.frequency, (12, 1))
    return window, np.arange(end - every, end - steps, -every, dtype=np.int64)


def _label(grid: "Grid", step: int) -> datetime:
    return _instants(grid.label_of(np.array([step], np.int64)))[0]


def _instants(seconds: "IntArray") -> list[datetime]:
    return [datetime.fromtimestamp(second, UTC) for second in seconds.tolist()]
