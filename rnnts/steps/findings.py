"""Findings: what was noticed, for whoever asks for it from a shell."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rnnts.database.catalogue import series_keys
from rnnts.database.findings import findings_of
from rnnts.database.migrate import require_schema
from rnnts.steps.kept import EVERY
from rnnts.steps.lookup import unknown_series

if TYPE_CHECKING:
    from rnnts.findings import Severity
    from rnnts.project import Project
    from rnnts.steps.results import Json


def noticed(
    project: "Project",
    panel: str | None = None,
    *,
    series: str | None = None,
    since: datetime | None = None,
    least: "Severity" = "info",
    most: int = EVERY,
) -> "list[dict[str, Json]]":
    """Findings as JSON values, errors first, then warnings, the newest of each first.

    Args:
        project: The project.
        panel: Only of this one; instants are then in its zone, else in that of each.
        series: Only of this series of it.
        since: Only those of this instant and later.
        least: Only as severe as this, or more.
        most: At most so many.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, SERIES_UNKNOWN, SCHEMA_MISSING.
    """
    if panel is not None:
        project.panel(panel)
    require_schema(project.database)
    with project.database.reading() as connection:
        rows = findings_of(connection, panel, since, EVERY if series else most, least=least)
        if series is not None:
            names = [panel] if panel else sorted(project.config.panels)
            known = [name for one in names for name in series_keys(connection, one)]
            if series not in known:
                raise unknown_series(panel or "", series, known)
    mine = [row for row in rows if series in {None, row.series_id}]
    return [
        {
            **asdict(row),
            "first_seen": _local(project, row.panel, row.first_seen),
            "last_seen": _local(project, row.panel, row.last_seen),
        }
        for row in mine[:most]
    ]


def _local(project: "Project", panel: str, instant: datetime) -> str:
    """An instant in the panel's zone, UTC where the panel is no longer configured."""
    config = project.config.panels.get(panel)
    zone = ZoneInfo(config.timezone if config else "UTC")
    return instant.astimezone(zone).isoformat(sep=" ", timespec="minutes")
