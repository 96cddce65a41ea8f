"""Which instant a run works for: the one it is given, else the slot it was scheduled for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from prefect.runtime import deployment, flow_run

from rnnts.errors import ConfigurationError
from rnnts.panels.slots import newest_slot, slots
from rnnts.project import open_project
from rnnts.steps.instants import instant_of, parse_instant


@dataclass(frozen=True, slots=True)
class Issue:
    """The instant of a run; late runs keep theirs."""

    at: datetime
    overtaken_by: str | None = None  # a newer slot, due by now: this one need not be done
    scheduled_by: str = ""  # id of the deployment whose schedule it follows, if one does

    @property
    def text(self) -> str:
        """The instant as the tasks take it."""
        return self.at.isoformat()


def issue_of(
    config: str, panel: str, given: str | None, verb: Literal["forecast", "retrain"]
) -> Issue:
    """The instant of the current flow run.

    Args:
        config: Path of the project's `rnnts.toml`.
        panel: Name of a panel.
        given: An instant that is meant, as ISO text; it is never overtaken.
        verb: Whose schedule the run follows. A retrain sees the world from the newest forecast
            slot, so that it and that night share a snapshot.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, INSTANT_INVALID, INSTANT_FUTURE, INSTANT_NEEDED.
    """
    project = open_project(config)
    due = flow_run.scheduled_start_time  # Prefect's; now for a run started by hand
    schedule, zone = project.panel(panel).schedule, project.panel(panel).timezone
    own = schedule.forecast if verb == "forecast" else schedule.retrain
    if given is None and schedule.forecast is None and own is not None:
        at = newest_slot(own, zone, due) or due
    else:
        at = instant_of(project, panel, given, due)
    if given is not None or own is None:
        return Issue(at)
    slot = newest_slot(own, zone, due)
    newest = newest_slot(own, zone, datetime.now(UTC))  # noqa: TID251 - a flow is an entry point
    overtaken_by = newest.isoformat() if slot and newest and newest > slot else None
    return Issue(at, overtaken_by, str(deployment.id or ""))


def slots_between(config: str, panel: str, first: str, last: str) -> list[str]:
    """The due slots of a panel's forecast schedule from `first` to `last`, both included, rising.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, INSTANT_INVALID, SCHEDULE_MISSING, SPAN_INVALID.
    """
    found = open_project(config).panel(panel)
    if found.schedule.forecast is None:
        raise ConfigurationError(
            "SCHEDULE_MISSING",
            panel=panel,
            expected="a schedule whose past slots can be filled",
            got="none",
            do='set schedule.forecast = "0 2 * * *" in rnnts.toml',
        )
    start, end = parse_instant(first), parse_instant(last)
    if end < start:
        raise ConfigurationError(
            "SPAN_INVALID", panel=panel, expected="--from before --to", got=f"{first} and {last}",
            do="exchange them",
        )  # fmt: skip
    end = min(end, datetime.now(UTC))  # noqa: TID251 - a flow is an entry point
    due = slots(found.schedule.forecast, found.timezone, start - timedelta(microseconds=1), end)
    return [slot.isoformat() for slot in due]
