"""Night: for every panel, is tonight's forecast out, by which model, how good, what was noticed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial, reduce
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from rnnts.config import PanelConfig
from rnnts.dashboard.judgement import (
    PATIENCE,
    STATES,
    Day,
    Judgement,
    Schedule,
    State,
    day_of,
    judge,
)
from rnnts.dashboard.memory import Memory
from rnnts.dashboard.page import MAX_TEXT, Page, Screen
from rnnts.database import models
from rnnts.database.findings import FindingRow, findings_of
from rnnts.database.models import VersionRow
from rnnts.database.screens import night, worth
from rnnts.database.screens.reading import View
from rnnts.database.screens.values import (
    NOTHING_REALISED,
    Decision,
    Issue,
    ListedSeries,
    Realised,
    Run,
)
from rnnts.errors import ConfigurationError
from rnnts.panels.slots import newest_slot, next_slot, slots

SCREEN = Screen("Night", "/")
DAYS = 7
MAX_ISSUES_SCORED = 14
"""Of a panel that is forecast every hour, not every issue of the week is summed on each look."""
FALLEN_BACK = frozenset({"fallback", "late"})
MAX_FINDINGS = 100
MAX_NAMED = 2
NOT_OUT: dict[State, str] = {"missing": "missing", "held": "held back", "waiting": "not out yet"}


@dataclass(frozen=True, slots=True)
class Share:
    """How many series are so."""

    name: str
    count: int
    of: int

    @property
    def part(self) -> float:
        """Of all, in 0 to 1."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class PanelNight:
    """One panel's part of the screen."""

    name: str
    timezone: str
    schedule: Schedule
    judgement: Judgement
    days: tuple[Day, ...]  # rising
    worth: dict[int, Realised]  # by publication
    pooled: Realised  # over the days
    worst: tuple[ListedSeries, ...]
    methods: tuple[Share, ...]
    qualities: tuple[Share, ...]
    version: VersionRow | None
    decision: Decision | None
    findings: tuple[FindingRow, ...]
    poor: int  # series that fell back or are late
    failure: Run | None  # the newest failed run for the slot that is due

    @property
    def then(self) -> datetime | None:
        """An instant from which the forecast that readers have was tonight's."""
        return self.judgement.issue.issued_at + PATIENCE if self.judgement.issue else None

    @property
    def architecture(self) -> str:
        """Of the model version; "" where its manifest does not say."""
        return architecture_of(self.version.manifest) if self.version else ""

    @property
    def errors(self) -> int:
        """Findings that say something is wrong."""
        return sum(finding.severity == "error" for finding in self.findings)


def headline(panels: Sequence[PanelNight]) -> str:
    """The state of all panels in a line: what is missing first, by name while that is short."""
    if not panels:
        return "No panel is configured"
    named: dict[State, list[str]] = {state: [] for state in STATES}
    for panel in panels:
        named[panel.judgement.state].append(panel.name)
    parts = [
        f"{_names(named[state], len(panels))} {words}"
        for state, words in NOT_OUT.items()
        if named[state]
    ]
    out = len(named["out"]) + len(named["degraded"])
    degraded = f", {len(named['degraded'])} degraded" if named["degraded"] else ""
    if out == len(panels):
        subject = "The forecast is" if out == 1 else f"All {out} forecasts are"
        return f"{subject} out{', degraded' if out == 1 and degraded else degraded}"
    if out:
        parts.append(f"{out} of {len(panels)} out{degraded}")
    return "; ".join(parts) or "No forecast yet"


def _names(names: Sequence[str], of: int) -> str:
    if len(names) <= MAX_NAMED:
        return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
    return f"{len(names)} of {of} are"


def architecture_of(manifest: object) -> str:
    """The architecture that a manifest names, wherever in it; "" where it names none.

    >>> architecture_of({"seed": 0, "network": {"architecture": "patched_lstm"}})
    'patched_lstm'
    """
    if not isinstance(manifest, dict):
        return ""
    named = manifest.get("architecture")
    if isinstance(named, str):
        return named
    found = (architecture_of(value) for value in manifest.values())
    return next((name for name in found if name), "")


def router(page: Page) -> APIRouter:
    """The routes of the screen."""
    routes = APIRouter()

    @routes.get(SCREEN.path)
    def show(at: Annotated[str, Query(max_length=MAX_TEXT)] = "") -> HTMLResponse:
        looked = page.at(at)
        names = page.project.config.panels
        panels = _panels(page, names, looked.instant)
        worst = max((panel.judgement.state for panel in panels), key=STATES.index, default="none")
        ordered = sorted(
            panels, key=lambda panel: (-STATES.index(panel.judgement.state), panel.name)
        )
        return page.show(
            "night.html", looked, panels=ordered, worst=worst, headline=headline(ordered),
            screen=SCREEN.path,
        )  # fmt: skip

    return routes


def _panels(page: Page, names: dict[str, PanelConfig], at: datetime) -> list[PanelNight]:
    try:
        with page.reading() as connection:
            return [panel_night(connection, page.memory, name, names[name], at) for name in names]
    except ConfigurationError as error:
        if error.code != "SCHEMA_MISSING":
            raise
        return [_nothing_yet(name, names[name], at) for name in names]  # a project on its first day


def _schedule(config: PanelConfig, at: datetime) -> Schedule:
    cron, retrain, zone = config.schedule.forecast, config.schedule.retrain, config.timezone
    return Schedule(
        newest_slot(cron, zone, at) if cron else None,
        next_slot(cron, zone, at) if cron else None,
        next_slot(retrain, zone, at) if retrain else None,
    )


def _nothing_yet(name: str, config: PanelConfig, at: datetime) -> PanelNight:
    schedule = _schedule(config, at)
    judgement = Judgement("none", None, None)
    days = _days(config, (), at)
    return PanelNight(
        name, config.timezone, schedule, judgement, days, {}, NOTHING_REALISED, (), (), (), None,
        None, (), 0, None,
    )  # fmt: skip


def panel_night(
    connection: View, memory: Memory, name: str, config: PanelConfig, at: datetime
) -> PanelNight:
    """What the screen says of one panel as of an instant."""
    schedule = _schedule(config, at)
    issues = night.issues(connection, name, at)
    runs = night.newest_runs(connection, name, schedule.due) if schedule.due else ()
    published = next((issue for issue in issues if issue.status != "held"), None)
    counts = _series_by(connection, memory, published) if published else ()
    poor = sum(count for _, quality, count in counts if quality in FALLEN_BACK)
    judgement = judge(schedule, issues, runs, at, poor=poor)
    days = _days(config, issues, at)
    scored = [day.issue.publication for day in days if day.issue][-MAX_ISSUES_SCORED:]
    realised, worst = _worth(connection, memory, scored)
    version_id = published.version_id if published else None
    return PanelNight(
        name=name,
        timezone=config.timezone,
        schedule=schedule,
        judgement=judgement,
        days=days,
        worth=realised,
        pooled=reduce(Realised.plus, realised.values(), NOTHING_REALISED),
        worst=worst,
        methods=_shares([(method, count) for method, _, count in counts]),
        qualities=_shares([(quality, count) for _, quality, count in counts]),
        version=models.version(connection, version_id) if version_id else None,
        decision=night.last_decision(connection, name, at),
        findings=_findings(connection, name, at),
        poor=poor,
        failure=next((run for run in runs if run.status == "failed"), None),
    )


def _series_by(connection: View, memory: Memory, issue: Issue) -> tuple[tuple[str, str, int], ...]:
    """Series of an issue by method and quality; what was published does not change."""
    key = ("series_by", issue.publication, issue.published_at, issue.rows)
    return memory.recall(key, partial(night.series_by, connection, issue.publication))


def _worth(
    connection: View, memory: Memory, publications: Sequence[int]
) -> tuple[dict[int, Realised], tuple[ListedSeries, ...]]:
    """What publications were worth, and the series that lost most in them.

    A night changes the scores of the last few, so each is remembered by itself.
    """
    scored = worth.states(connection, publications)
    each = [
        memory.recall(("worth", key, state), partial(worth.realised, connection, [key]))
        for key, state in scored.items()
    ]
    worst = partial(worth.worst_series, connection, publications)
    return (
        {key: realised for one in each for key, realised in one.items()},
        memory.recall(("worst", *scored.items()), worst),
    )


def _findings(connection: View, name: str, at: datetime) -> tuple[FindingRow, ...]:
    """What was seen in the week before; what is only seen later is not known yet."""
    week = findings_of(connection, name, at - timedelta(days=DAYS), MAX_FINDINGS)
    return tuple(finding for finding in week if finding.first_seen <= at)


def _shares(counts: Sequence[tuple[str, int]]) -> tuple[Share, ...]:
    total = sum(count for _, count in counts)
    summed: dict[str, int] = {}
    for name, count in counts:
        summed[name] = summed.get(name, 0) + count
    ordered = sorted(summed.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(name, count, total) for name, count in ordered)


def _days(config: PanelConfig, issues: Sequence[Issue], at: datetime) -> tuple[Day, ...]:
    """The last days of the panel's own calendar, rising; the last one is today."""
    zone = ZoneInfo(config.timezone)
    begun = issues[-1].issued_at if issues else at
    today = at.astimezone(zone).date()
    days = []
    for back in reversed(range(DAYS)):
        day = today - timedelta(days=back)
        due = _slots_on(config, day, at)
        of_day = [issue for issue in issues if issue.issued_at.astimezone(zone).date() == day]
        days.append(day_of(day, due, of_day, at, begun))
    return tuple(days)


def _slots_on(config: PanelConfig, day: date, at: datetime) -> list[datetime]:
    """Slots of one day that have come, midnight's own included, the next midnight's not."""
    if not config.schedule.forecast:
        return []
    zone, second = ZoneInfo(config.timezone), timedelta(seconds=1)
    start = datetime.combine(day, time(), zone) - second
    end = datetime.combine(day + timedelta(days=1), time(), zone) - second
    return slots(config.schedule.forecast, config.timezone, start, min(at, end))
