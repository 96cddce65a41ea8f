"""What the step before left behind, found again by panel and instant."""

import difflib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rnnts.database.issues import PublicationRow, held_back, publication, publications
from rnnts.database.migrate import require_schema
from rnnts.database.runs import newest_result
from rnnts.errors import ConfigurationError

if TYPE_CHECKING:
    from rnnts.project import Project


def snapshot_id(project: "Project", panel: str, as_of: datetime) -> str:
    """Id of the snapshot that `ingest` made for this instant."""
    return str(_result(project, panel, "ingest", as_of)["snapshot_id"])


def windows_id(project: "Project", panel: str, as_of: datetime) -> str:
    """Id of the windows that `window` made for this instant."""
    return str(_result(project, panel, "window", as_of)["windows_id"])


def version_id(project: "Project", panel: str, as_of: datetime) -> str:
    """Id of the model version that `train` made for this instant."""
    return str(_result(project, panel, "train", as_of)["version_id"])


def scorecard_id(project: "Project", panel: str, as_of: datetime) -> str:
    """Id of the scorecard that `evaluate` made for this instant."""
    return str(_result(project, panel, "evaluate", as_of)["scorecard_id"])


def staged_id(project: "Project", panel: str, issued_at: datetime) -> str:
    """Id of the forecast that `forecast` laid down for this instant."""
    return str(_result(project, panel, "forecast", issued_at)["staged_id"])


def publication_row(
    project: "Project", panel: str, issued_at: datetime | None = None
) -> PublicationRow:
    """What was published of a panel for an instant, night or backfill; None: what is newest.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, SCHEMA_MISSING; FORECAST_MISSING, naming the instants
            beside it.
    """
    project.panel(panel)
    require_schema(project.database)
    with project.database.reading() as connection:
        newest = publications(connection, panel, limit=NEAR)
        if issued_at is None:
            found = newest[0] if newest else None
        else:
            found = publication(connection, panel, issued_at, "backfill")
            found = found or held_back(connection, panel, issued_at, "night")
            newest = publications(connection, panel, limit=1, until=issued_at) or newest
    if found is not None:
        return found
    got = "nothing published" if issued_at is None else f"none for {issued_at.isoformat()}"
    near = ", ".join(one.issued_at.isoformat() for one in newest)
    raise ConfigurationError(
        "FORECAST_MISSING",
        panel=panel,
        expected="a published forecast",
        got=got,
        do=f"take one of {near}"
        if near
        else f"publish one first: python -m flows.nightly_forecast --panel {panel}",
    )


def unknown_series(panel: str, name: str, known: Iterable[str]) -> ConfigurationError:
    """SERIES_UNKNOWN, with the nearest names."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
    return ConfigurationError(
        "SERIES_UNKNOWN",
        panel=panel,
        expected="a series of the panel",
        got=repr(name),
        do=f"did you mean {' or '.join(near)}?" if near else "rnnts_series has their names",
    )


NEAR = 3
"""So many instants are named to who asks for one that is not there."""


def _result(project: "Project", panel: str, step: str, as_of: datetime) -> dict[str, Any]:
    project.panel(panel)
    project.database.patiently(lambda: require_schema(project.database))
    found = project.database.run_reading(
        lambda connection: newest_result(connection, panel, step, as_of)
    )
    if found is None:
        raise ConfigurationError(
            "STEP_MISSING",
            panel=panel,
            expected=f"a finished `{step}` for {as_of.isoformat()}",
            got="none",
            do=f"run `rnnts {step} {panel}` for that instant first",
        )
    return found
