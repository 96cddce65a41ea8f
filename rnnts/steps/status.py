"""What a person on call wants to know first: is it out, by which model, and what was noticed."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from rnnts.database.findings import findings_of
from rnnts.database.migrate import schema_version
from rnnts.database.models import decisions
from rnnts.database.screens.night import issues, series_by
from rnnts.database.screens.values import NOTHING_REALISED
from rnnts.database.screens.worth import realised
from rnnts.panels.slots import newest_slot, next_slot
from rnnts.steps.retrains import sentence

if TYPE_CHECKING:
    from rnnts.config import PanelConfig
    from rnnts.project import Project

State = Literal["out", "degraded", "missing", "never"]
NIGHTS = 14
"""Skill is pooled over so many of the newest nights."""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One panel."""

    panel: str
    state: State
    issued_at: str | None  # of the live forecast
    rows: int
    version_id: str | None
    methods: dict[str, int]  # series by method
    skill: float | None  # realised, against seasonal naive
    next_slot: str | None
    findings: int  # warnings and errors

    def to_json(self) -> dict[str, Any]:
        """The line as JSON values."""
        return asdict(self)


def status(project: "Project", now: datetime) -> list[StatusLine]:
    """One line a panel, in order of their names, as seen at `now`."""
    names = sorted(project.config.panels)
    if schema_version(project.database) == 0:
        return [_nothing_yet(name, project.panel(name), now) for name in names]
    return [_line(project, name, now) for name in names]


def decisions_of(project: "Project", panel: str) -> list[dict[str, Any]]:
    """What the gate, and people, decided about a panel's networks, newest first."""
    project.panel(panel)
    if schema_version(project.database) == 0:
        return []
    with project.database.reading() as connection:
        return [_plain(row) for row in decisions(connection, panel)]


def retrains_of(project: "Project", panel: str) -> list[dict[str, Any]]:
    """Each decision with how the version was trained, and all of it as sentences, newest first.

    Returns:
        `as_of` of the retrain (None where a person decided), `how` and the other fields of
        `rnnts.steps.retrains.told_of`, `action`, `version_id`, `replaces`, `sentence`, and
        `recorded_at`.
    """
    return [
        {
            "as_of": None,
            **one["numbers"].get("retrain", {}),
            **{name: one[name] for name in ("action", "version_id", "replaces", "recorded_at")},
            "begun_with": one["numbers"].get("retrain", {}).get("version_id"),
            "sentence": one["sentence"],
        }
        for one in _with_sentences(project, panel)
    ]


def _with_sentences(project: "Project", panel: str) -> list[dict[str, Any]]:
    project.panel(panel)
    if schema_version(project.database) == 0:
        return []
    with project.database.reading() as connection:
        made = decisions(connection, panel)
    return [_plain(row) | {"sentence": sentence(row)} for row in made]


def _line(project: "Project", panel: str, now: datetime) -> StatusLine:
    config = project.panel(panel)
    with project.database.reading() as connection:
        nights = issues(connection, panel, now, NIGHTS)
        live = next((night for night in nights if night.status == "live"), None)
        by_method = series_by(connection, live.publication) if live else ()
        worth = realised(connection, [night.publication for night in nights])
        noticed = [row for row in findings_of(connection, panel) if row.severity != "info"]
    pooled = NOTHING_REALISED
    for one in worth.values():
        pooled = pooled.plus(one)
    methods: dict[str, int] = {}
    for method, _, count in by_method:
        methods[method] = methods.get(method, 0) + count
    due = (
        newest_slot(config.schedule.forecast, config.timezone, now)
        if config.schedule.forecast
        else None
    )
    state: State = "never"
    if live is not None:
        state = "degraded" if live.degraded else "out"
        if due is not None and live.issued_at < due:
            state = "missing"
    return StatusLine(
        panel=panel,
        state=state,
        issued_at=_local(live.issued_at, config) if live else None,
        rows=live.rows if live else 0,
        version_id=live.version_id if live else None,
        methods=methods,
        skill=pooled.skill,
        next_slot=_next(config, now),
        findings=len(noticed),
    )


def _nothing_yet(panel: str, config: "PanelConfig", now: datetime) -> StatusLine:
    return StatusLine(panel, "never", None, 0, None, {}, None, _next(config, now), 0)


def _next(config: "PanelConfig", now: datetime) -> str | None:
    cron = config.schedule.forecast
    return None if cron is None else _local(next_slot(cron, config.timezone, now), config)


def _local(instant: datetime, config: "PanelConfig") -> str:
    return instant.astimezone(ZoneInfo(config.timezone)).isoformat(sep=" ", timespec="minutes")


def _plain(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a frozen row
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(row).items()
    }
