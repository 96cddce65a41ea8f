"""What a forecast is made from, loaded as it was visible at its instant, and nothing later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.database.catalogue import SeriesRow, known_series
from rnnts.findings import Finding
from rnnts.learning import baselines
from rnnts.learning.bounds import Bounds, lowest_of
from rnnts.learning.standing import Rules
from rnnts.panels.doubts import Doubts
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.resolve import Resolved, resolve
from rnnts.steps.serving import Serving, serving_at
from rnnts.steps.snapshots import Manifest, load_panel, manifest

if TYPE_CHECKING:
    from rnnts.config import PanelConfig
    from rnnts.panels.arrays import BoolArray, IntArray
    from rnnts.panels.grid import Grid
    from rnnts.project import Project
    from rnnts.steps.results import Kind

RETIRED_DAYS = 14
"""A series silent for max_stale and so many days more is retired (RELIABILITY D21)."""
DAY = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """What a forecast is made from: nothing in it was known later than issued_at."""

    panel: Panel  # up to the origin; a row for every known series
    origin: int  # grid step of the first target
    rules: Rules
    levels: tuple[float, ...]
    new: "BoolArray"  # first seen after the panel's own first night, within a window, [series]
    absent: "BoolArray"  # known, but without a row in the source, [series]
    retired: "BoolArray"  # before this night, [series]
    guarded: "BoolArray"  # given to a baseline by the gate, [series]
    days: "IntArray"  # season of that baseline, by the wall clock, [series]
    serving: Serving | None
    findings: tuple[Finding, ...]

    @classmethod
    def of(
        cls,
        project: "Project",
        panel: str,
        snapshot_id: str,
        issued_at: datetime,
        kind: "Kind",
    ) -> "Night":
        """Load what was visible and is believed at an instant, and the champion of then."""
        snapshot = manifest(project, snapshot_id)
        origin = snapshot.grid.first_target(issued_at)
        serving, findings = serving_at(project, panel, snapshot.grid, issued_at, kind)
        first_step = origin - reach(snapshot.grid, serving)
        if serving is not None and serving.config.static:
            first_step = snapshot.first_step  # a series' level and spread are of all its history
        doubts = Doubts.of(load_panel(project, snapshot_id, first_step=first_step).upto(origin - 1))
        loaded = doubts.masked()
        with project.database.reading() as connection:
            known = [row for row in known_series(connection, panel) if row.first_seen <= issued_at]
        config = project.panel(panel)
        rules = _rules(panel, config, snapshot, serving, loaded)
        complete, absent = _with_absent(loaded, known, origin)
        rows = {row.series_id: row for row in known}
        begun = min((row.first_seen for row in known), default=issued_at)
        every = [rows.get(info.series_id) for info in complete.series]
        young = [origin - info.first < rules.window for info in complete.series]
        guarded = serving.baselines if serving else {}
        days = [guarded.get(info.series_id, rules.days) for info in complete.series]
        return cls(
            complete,
            origin,
            rules,
            config.quantiles,
            np.array([row is None or row.first_seen > begun for row in every], bool) & young,
            absent,
            np.array([_was_retired(row, issued_at) for row in every], bool),
            np.array([info.series_id in guarded for info in complete.series], bool),
            np.array(days, np.int64),
            serving,
            (*findings, *doubts.findings()),
        )


def _was_retired(row: SeriesRow | None, issued_at: datetime) -> bool:
    """Whether it was retired before this instant; a repeated run does not see its own word."""
    return row is not None and row.retired_at is not None and row.retired_at < issued_at


def reach(grid: "Grid", serving: Serving | None = None) -> int:
    """Steps before the origin that some rung may look at."""
    if grid.frequency == "1W":
        plain = baselines.SPAN_WEEKS + baselines.FEWEST_SEASONS * 52
    elif grid.frequency == "1MS":
        plain = baselines.SPAN_MONTHS + baselines.FEWEST_SEASONS * 12
    elif grid.frequency == "1D":
        plain = baselines.SPAN_DAYS + baselines.FEWEST_SEASONS * 365
    else:
        plain = 2 * baselines.SPAN_DAYS * grid.steps_per_day
    if serving is None:
        return plain
    from rnnts.windows.clock import history_steps as network_steps

    return max(plain, network_steps(serving.config))


def _rules(
    name: str, config: "PanelConfig", snapshot: Manifest, serving: Serving | None, panel: Panel
) -> Rules:
    """The panel's rules in steps; a network brings its own window and what it has learnt."""
    history = max(0, snapshot.watermark - snapshot.first_step + 1)
    resolved = resolve(name, config, snapshot.grid, history)
    season, step = resolved.seasons[0], snapshot.grid.step_seconds
    return Rules(
        window=serving.config.window if serving else resolved.window,
        horizon=config.horizon,
        season=season.steps,
        days=season.days,
        max_delay=resolved.max_delay // step,
        max_stale=resolved.max_stale // step,
        retired_after=(resolved.max_stale + RETIRED_DAYS * DAY) // step,
        bounds=_bounds(resolved, serving, panel),
    )


def _bounds(resolved: Resolved, serving: Serving | None, panel: Panel) -> Bounds:
    """What is written; else 0 where neither training nor the days since saw a negative value."""
    if serving is None:
        return Bounds(resolved.minimum, resolved.maximum)
    learnt = Bounds(**serving.version.manifest["bounds"])
    if learnt.minimum == 0:
        resolved = resolved.knowing(lowest_of(panel.values))
    return Bounds(resolved.minimum, resolved.maximum, learnt.whole)


def _with_absent(
    panel: Panel, known: Sequence[SeriesRow], origin: int
) -> tuple[Panel, "BoolArray"]:
    """The panel with an empty row for each known series that the source no longer has.

    A network's block then keeps its rows, and the bits of all others, when a series goes away.
    """
    there = {info.series_id for info in panel.series}
    absent = [
        SeriesInfo(row.series_id, tuple(row.keys.items()), origin, origin - 1)
        for row in known
        if row.series_id not in there
    ]
    infos = [*panel.series, *absent]
    ids = [info.series_id.encode("utf-8", "surrogatepass") for info in infos]
    order = sorted(range(len(infos)), key=ids.__getitem__)
    empty = np.full((len(absent), panel.values.shape[1]), np.nan)
    values = np.concatenate([panel.values, empty])[order]
    complete = replace(panel, series=tuple(infos[place] for place in order), values=values)
    return complete, np.array(order, np.int64) >= len(panel.series)
