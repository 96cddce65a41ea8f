"""Options that mean the same everywhere, and the one place where a command reads the clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rnnts.project import Project

Config = Annotated[
    Path, typer.Option("--config", envvar="RNNTS_CONFIG", help="The project's rnnts.toml.")
]
PanelName = Annotated[str, typer.Argument(metavar="PANEL", help="A [panels.NAME] of rnnts.toml.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="INSTANT",
        help="See the world from here, such as 2013-12-02T02:00:00-05:00. "
        "Default: the newest due slot of the panel's schedule.",
    ),
]
IssuedAt = Annotated[
    str | None,
    typer.Option(
        metavar="INSTANT",
        help="The scheduled instant that the forecast belongs to. "
        "Default: the newest due slot of the panel's schedule.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DEFAULT_CONFIG = Path("rnnts.toml")


def opened(config: Path) -> "Project":
    """The project of a configuration file."""
    from rnnts.project import open_project

    return open_project(config)


def instant(project: "Project", panel: str, given: str | None) -> datetime:
    """The instant that a command works for: as given, else the newest due slot."""
    from rnnts.steps.instants import instant_of

    now = datetime.now(UTC)  # noqa: TID251 - a command is an entry point
    return instant_of(project, panel, given, now)


@contextmanager
def at_work(
    config: Path, panel: str, step: str, given: str | None
) -> Iterator[tuple["Project", datetime]]:
    """The project and the instant of a step; if the database is down, it is told of it later."""
    project = opened(config)
    at = instant(project, panel, given)
    with told_later(project, panel, step, at):
        yield project, at


@contextmanager
def told_later(project: "Project", panel: str, step: str, at: datetime | None) -> Iterator[None]:
    """Close the results database after the block; if it is out of reach, keep that in a file."""
    from rnnts.database.spool import spool
    from rnnts.errors import InfrastructureError

    try:
        yield
    except InfrastructureError as error:
        spool(project.database, panel, step, at, error)
        raise
    finally:
        project.database.close()
