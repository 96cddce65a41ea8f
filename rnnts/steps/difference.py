"""One issue against the one before it: what each part of the change did to a series' forecast."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.database.models import calibration
from rnnts.learning.parts import taken_apart
from rnnts.steps.again import Record, given_again, serving_again
from rnnts.steps.changes import (
    CALIBRATION,
    COVARIATES,
    MODEL,
    NEW,
    REVISED,
    SETTINGS,
    Part,
    fresh,
    mixed,
    on_axes,
    parts_between,
    revised,
    settings_changed,
)
from rnnts.steps.explanation import Change, ChangePart
from rnnts.steps.nights import Given, Night, looks_from
from rnnts.steps.rungs import Outcome, forecast_of
from rnnts.steps.staged import blocks_of

if TYPE_CHECKING:
    from rnnts.panels.arrays import FloatArray, IntArray
    from rnnts.panels.grid import Grid
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

ELSEWHERE = "other code, versions or processor"
"""What no mixture explains: what was published, less what comes out of its records here."""
LOW, MEDIAN, HIGH = 0.1, 0.5, 0.9


def difference(
    project: "Project", earlier: Record, later: Record, now: Given, series_id: str
) -> tuple[Change | None, str]:
    """Take the change of a forecast apart, over the target times that both issues have.

    Args:
        project: The project.
        earlier: The issue before.
        later: The issue that is explained.
        now: What that was made from.
        series_id: One of its series.

    Returns:
        The change, or None and why there is none.

    Raises:
        ConfigurationError: INPUTS_REMOVED of the issue before.
        IntegrityError: As `given_again`.
    """
    serving = serving_again(project, earlier, now.serving)
    grid = now.panel.grid
    origin = grid.first_target(earlier.row.issued_at)
    since = min(
        looks_from(grid, start, each)
        for start in (origin, now.origin)
        for each in (serving, now.serving)
    )
    before = given_again(project, earlier, serving, since=since)
    now = given_again(project, later, now.serving, since=since)
    if before.panel.grid != grid:
        return None, "the time line of the panel changed since the issue before"
    end = min(origin + earlier.row.horizon, now.origin + later.row.horizon)
    steps = np.arange(max(origin, now.origin), end, dtype=np.int64)
    if not steps.size:
        return None, "the issue before forecast none of these target times"
    levels = _levels(earlier, later)
    published = [_published(project, record, series_id, steps, levels)
                 for record in (earlier, later)]  # fmt: skip
    if published[0] is None or published[1] is None:
        return None, f"publication {earlier.row.id} has no forecast of it"
    parts = parts_between(before, now)
    mixtures = _Mixtures(before, now, parts, series_id, steps, levels)
    shares = _shares(mixtures, [part.name for part in parts])
    if any(np.isnan(share).any() for share in shares.values()):
        return None, f"with some of {', '.join(shares)} alone it would have no forecast at all"
    nothing, everything = (mixtures.forecast(frozenset(each)) for each in ((), shares))
    left = (published[1] - everything) - (published[0] - nothing)
    if left.any():
        shares[ELSEWHERE] = left
    told = _told(before, now, series_id)
    if CALIBRATION in shares:
        told[CALIBRATION] = (
            f"{_calibration_told(project, before)}, now {_calibration_told(project, now)}"
        )
    methods = mixtures.methods[frozenset()], mixtures.methods[frozenset(shares) - {ELSEWHERE}]
    return _change(grid, earlier, steps, (published[0], published[1]), shares, told, methods), ""


def _shares(mixtures: "_Mixtures", names: list[str]) -> "dict[str, FloatArray]":
    """What each part did, [steps, levels]; new data first, the others in every order behind it.

    New data bring the time with them. All other parts are then asked about tonight's forecast (had
    those values not been revised, it would be …) and not about one that nobody waits for, of last
    night with tonight's network; and what one of them does leaves the share of new data alone.
    """
    first = frozenset({NEW} & set(names))
    others = taken_apart(
        lambda chosen: mixtures.forecast(chosen | first), [name for name in names if name != NEW]
    )
    moved = mixtures.forecast(first) - mixtures.forecast(frozenset())
    return {NEW: moved, **others} if first else others


@dataclass(frozen=True, slots=True, eq=False)
class _Mixtures:
    """Forecasts of one series from mixtures of two issues, each made once."""

    before: Given
    now: Given
    parts: tuple[Part, ...]
    series_id: str
    steps: "IntArray"  # [steps]
    levels: tuple[float, ...]
    made: "dict[frozenset[str], FloatArray]" = field(default_factory=dict)
    methods: dict[frozenset[str], str] = field(default_factory=dict)

    def forecast(self, chosen: frozenset[str]) -> "FloatArray":
        """Its quantiles with those parts of the later issue, NaN without one, [steps, levels]."""
        if chosen not in self.made:
            night = Night.of(mixed(self.before, self.now, self.parts, chosen))
            outcome = forecast_of(night)
            self.methods[chosen] = _method(night.panel, outcome, self.series_id)
            self.made[chosen] = self._of(night, outcome)
        return self.made[chosen]

    def _of(self, night: Night, outcome: Outcome) -> "FloatArray":
        row = _row(night.panel, self.series_id)
        if row is None:
            return np.full((len(self.steps), len(self.levels)), np.nan)
        places = [night.levels.index(level) for level in self.levels]
        found: FloatArray = outcome.quantiles[row][self.steps - night.origin][:, places]
        return found


def _row(panel: "Panel", series_id: str) -> int | None:
    return next((row for row, info in enumerate(panel.series) if info.series_id == series_id), None)


def _method(panel: "Panel", outcome: Outcome, series_id: str) -> str:
    row = _row(panel, series_id)
    return "skipped" if row is None else str(outcome.rungs.method[row])


def _levels(earlier: Record, later: Record) -> tuple[float, ...]:
    """The median, and the 80 % range where both issues have it."""
    both = set(earlier.staged.levels) & set(later.staged.levels)
    return (LOW, MEDIAN, HIGH) if {LOW, HIGH} <= both else (MEDIAN,)


def _published(
    project: "Project",
    record: Record,
    series_id: str,
    steps: "IntArray",
    levels: tuple[float, ...],
) -> "FloatArray | None":
    """What was published of a series at some grid steps, [steps, levels]."""
    staged = record.staged
    for block in blocks_of(project.store, staged):
        if series_id in block.series:
            quantiles = block.quantiles[block.series.index(series_id)]
            places = [staged.levels.index(level) for level in levels]
            found: FloatArray = quantiles[steps - staged.origin][:, places]
            return found
    return None


def _told(before: Given, now: Given, series_id: str) -> dict[str, str]:
    """What changed, in words, by part."""
    return {
        NEW: _new_told(before, now, series_id),
        REVISED: _revised_told(before, now, series_id),
        COVARIATES: "what was known of them then, now what is known of them",
        MODEL: f"{_network_told(before)}, now {_network_told(now)}, each with its own calibration",
        SETTINGS: _settings_told(before, now),
        ELSEWHERE: "what is published is not what comes out here to the bit; see rnnts replay",
    }


def _new_told(before: Given, now: Given, series_id: str) -> str:
    row = _row(now.panel, series_id)
    count = 0 if row is None else int(fresh(before, now)[row].sum())
    moved = now.origin - before.origin
    ahead = f"; {moved} steps less to look ahead" if moved else ""
    if count or row is None:
        return f"{count} new value{'' if count == 1 else 's'}{ahead}"
    known = np.flatnonzero(~np.isnan(now.panel.values[row]))
    age = now.origin - 1 - (now.panel.first_step + int(known[-1])) if known.size else None
    old = "it has none" if age is None else f"its newest is {age} steps old now"
    return f"no new value of this series, {old}{ahead}"


def _revised_told(before: Given, now: Given, series_id: str) -> str:
    row = _row(before.panel, series_id)
    changed = np.zeros(0, np.int64) if row is None else np.flatnonzero(revised(before, now)[row])
    if row is None or not changed.size:
        return "none of this series, some of others"
    then, later = before.panel.values[row], _later(before, now, row)
    gone = int(np.isnan(later[changed]).sum())
    apart = np.nan_to_num(np.abs(later[changed] - then[changed]))
    place = int(changed[int(apart.argmax())])
    at = before.panel.grid.told(before.panel.first_step + place)
    count = f"{len(changed)} values" if len(changed) != 1 else "1 value"
    if gone == len(changed):
        return f"{count} removed, such as that of {at}"
    most = "the largest" if len(changed) > 1 else "that"
    removed = f", {gone} removed" if gone else ""
    return f"{count} changed{removed}; {most} of {at}: {then[place]:.4g}, now {later[place]:.4g}"


def _later(before: Given, now: Given, row: int) -> "FloatArray":
    found: FloatArray = on_axes(now.panel, before.panel)[row]
    return found


def _network_told(given: Given) -> str:
    serving = given.serving
    if serving is None:
        return "no network"
    which = "" if serving.method == "network" else " (the champion before)"
    at = serving.version.as_of.strftime("%Y-%m-%d")
    guarded = len(serving.baselines)
    left = f", {guarded} series left to baselines" if guarded else ""
    return f"network {serving.version.version_id[:12]} of {at}{which}{left}"


def _calibration_told(project: "Project", given: Given) -> str:
    name = given.serving.calibration_id if given.serving else None
    if name is None:
        return "none"
    with project.database.reading() as connection:
        row = calibration(connection, name)
    if row is None:
        return name[:12]
    zone = ZoneInfo(given.config.timezone)
    at = row.as_of.astimezone(zone).isoformat(sep=" ", timespec="minutes")
    return f"{name[:12]} learnt until {at}"


def _settings_told(before: Given, now: Given) -> str:
    changed = settings_changed(before, now)
    return ", ".join(f"{name} {then}, now {later}" for name, (then, later) in changed.items())


def _change(
    grid: "Grid",
    earlier: Record,
    steps: "IntArray",
    published: "tuple[FloatArray, FloatArray]",
    shares: "dict[str, FloatArray]",
    told: dict[str, str],
    methods: tuple[str, str],
) -> Change:
    middle = published[0].shape[1] // 2
    before, now = published
    return Change(
        publication=earlier.row.id,
        issued_at=earlier.row.issued_at,
        method_before=methods[0],
        method_now=methods[1],
        targets=[datetime.fromtimestamp(second, UTC) for second in grid.label_of(steps).tolist()],
        before=before[:, middle].tolist(),
        now=now[:, middle].tolist(),
        mean_before=float(before[:, middle].mean()),
        mean_now=float(now[:, middle].mean()),
        range_80_before=_width(before),
        range_80_now=_width(now),
        parts=[
            ChangePart(
                name,
                told.get(name, ""),
                float(share[:, middle].mean()),
                _width(share),
                share[:, middle].tolist(),
            )
            for name, share in shares.items()
        ],
    )


def _width(quantiles: "FloatArray") -> float | None:
    """Mean of the highest less the lowest level; None where there is the median alone."""
    if quantiles.shape[1] == 1:
        return None
    return float((quantiles[:, -1] - quantiles[:, 0]).mean())
