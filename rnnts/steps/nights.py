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
from rnnts.panels.panel import Key, Panel, SeriesInfo
from rnnts.panels.resolve import Resolved, resolve
from rnnts.steps.covariate_gaps import gap_findings
from rnnts.steps.serving import Serving, serving_at
from rnnts.steps.snapshots import load_panel, manifest
from rnnts.windows.clock import least_history

if TYPE_CHECKING:
    from rnnts.config import PanelConfig
    from rnnts.panels.arrays import BoolArray, IntArray
    from rnnts.panels.grid import Grid
    from rnnts.project import Project
    from rnnts.steps.results import Kind

RETIRED_DAYS = 14
"""A series silent for max_stale and so many days more is retired (RELIABILITY D21)."""
DAY = 86_400
Keys = tuple[tuple[str, Key], ...]
EVER = -(1 << 40)
"""A step before any that a time line has."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue said of a panel's series at an instant, as far as a forecast asks."""

    later: frozenset[str]  # first seen after the panel's own first night
    absent: tuple[tuple[str, Keys], ...]  # known, but without a row in the snapshot
    retired: frozenset[str]  # before that instant

    @classmethod
    def at(cls, known: Sequence[SeriesRow], panel: Panel, issued_at: datetime) -> "Known":
        """Ask the catalogue about the series of a panel, and about those that it lacks."""
        rows = {row.series_id: row for row in known if row.first_seen <= issued_at}
        begun = min((row.first_seen for row in rows.values()), default=issued_at)
        there = {info.series_id for info in panel.series}
        return cls(
            frozenset(
                name
                for name in there | set(rows)
                if name not in rows or rows[name].first_seen > begun
            ),
            tuple(
                (name, tuple(row.keys.items())) for name, row in rows.items() if name not in there
            ),
            frozenset(name for name, row in rows.items() if _was_retired(row, issued_at)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """All that a forecast is made from: looked up for a night, read in its records ever after."""

    panel: Panel  # up to the origin, as far back as anything may look
    first_step: int  # of the whole snapshot
    watermark: int  # of the whole snapshot
    origin: int  # grid step of the first target
    config: "PanelConfig"
    serving: Serving | None
    known: Known
    findings: tuple[Finding, ...]  # why the champion does not serve

    @classmethod
    def of(
        cls,
        project: "Project",
        panel: str,
        snapshot_id: str,
        issued_at: datetime,
        kind: "Kind",
    ) -> "Given":
        """Load what was visible at an instant, and the network that was champion then."""
        snapshot = manifest(project, snapshot_id)
        serving, findings = serving_at(project, panel, snapshot.grid, issued_at, kind)
        origin = snapshot.grid.first_target(issued_at)
        first_step = looks_from(snapshot.grid, origin, serving)
        loaded = load_panel(project, snapshot_id, first_step=first_step, with_covariates=True)
        loaded = loaded.upto(origin - 1)
        with project.database.reading() as connection:
            known = Known.at(known_series(connection, panel), loaded, issued_at)
        return cls(
            loaded,
            snapshot.first_step,
            snapshot.watermark,
            origin,
            project.panel(panel),
            serving,
            known,
            tuple(findings),
        )


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
    def of(cls, given: Given) -> "Night":
        """Lay out what is given; nothing else has a say in the forecast."""
        origin, serving, known = given.origin, given.serving, given.known
        first_step = looks_from(given.panel.grid, origin, serving)
        doubts = Doubts.of(given.panel.since(first_step).upto(origin - 1))
        loaded = doubts.masked()
        rules = _rules(given, loaded)
        complete, absent = _with_absent(loaded, known.absent, origin)
        names = [info.series_id for info in complete.series]
        young = [origin - info.first < rules.window for info in complete.series]
        guarded = serving.baselines if serving else {}
        gaps = gap_findings(complete, serving.config, origin) if serving else []
        return cls(
            complete,
            origin,
            rules,
            given.config.quantiles,
            np.array([name in known.later for name in names], bool) & young,
            absent,
            np.array([name in known.retired for name in names], bool),
            np.array([name in guarded for name in names], bool),
            np.array([guarded.get(name, rules.days) for name in names], np.int64),
            serving,
            (*given.findings, *gaps, *doubts.findings()),
        )


def _was_retired(row: SeriesRow, issued_at: datetime) -> bool:
    """Whether it was retired before this instant; a repeated run does not see its own word."""
    return row.retired_at is not None and row.retired_at < issued_at


def looks_from(grid: "Grid", origin: int, serving: Serving | None) -> int:
    """The first step that a forecast may look at."""
    if serving is not None and serving.config.static:
        return EVER  # a series' level and spread are of all its history
    return origin - reach(grid, serving)


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


def _rules(given: Given, panel: Panel) -> Rules:
    """The panel's rules in steps; a network brings its own window and what it has learnt."""
    config, serving = given.config, given.serving
    history = max(0, given.watermark - given.first_step + 1)
    resolved = resolve(panel.name, config, panel.grid, history)
    season, step = resolved.seasons[0], panel.grid.step_seconds
    window = serving.config.window if serving else resolved.window
    return Rules(
        window=window,
        least=least_history(window, season.steps),
        horizon=config.horizon,
        season=season.steps,
        days=season.days,
        max_delay=resolved.max_delay // step,
        max_stale=resolved.max_stale // step,
        retired_after=(resolved.max_stale + RETIRED_DAYS * DAY) // step,
        bounds=_bounds(resolved, serving, panel),
        seasons=tuple(one.days for one in resolved.seasons),
    )


def _bounds(resolved: Resolved, serving: Serving | None, panel: Panel) -> Bounds:
    """What is written; else 0 where neither training nor the days since saw a negative value."""
    if serving is None:
        return Bounds(resolved.minimum, resolved.maximum, integer=resolved.integer)
    learnt = Bounds(**serving.version.manifest["bounds"])
    if learnt.minimum == 0:
        resolved = resolved.knowing(lowest_of(panel.values))
    return Bounds(resolved.minimum, resolved.maximum, learnt.whole, resolved.integer)


def _with_absent(
    panel: Panel, known: Sequence[tuple[str, Keys]], origin: int
) -> tuple[Panel, "BoolArray"]:
    """The panel with an empty row for each known series that the source no longer has.

    A network's block then keeps its rows, and the bits of all others, when a series goes away.
    """
    absent = [SeriesInfo(name, keys, origin, origin - 1) for name, keys in known]
    infos = [*panel.series, *absent]
    ids = [info.series_id.encode("utf-8", "surrogatepass") for info in infos]
    order = sorted(range(len(infos)), key=ids.__getitem__)
    empty = np.full((len(absent), panel.values.shape[1]), np.nan)
    values = np.concatenate([panel.values, empty])[order]
    complete = replace(panel, series=tuple(infos[place] for place in order), values=values)
    return complete, np.array(order, np.int64) >= len(panel.series)
