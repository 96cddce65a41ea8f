"""Commands that look after an installation: doctor, rollback, the schema, the learning rate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rnnts.cli.options import DEFAULT_CONFIG, AsOf, Config, Json, PanelName, instant, opened
from rnnts.cli.output import console, show, table

db = typer.Typer(name="db", help="The schema of the results database.", no_args_is_help=True)


@db.command()
def upgrade(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Bring the tables of rnnts to this version's schema."""
    from rnnts.database.migrate import schema_version
    from rnnts.database.migrate import upgrade as step

    database = opened(config).database
    step(database)
    found = schema_version(database)
    if json:
        show({"schema": found}, as_json=True)
        return
    console().print(f"schema is at version {found}")


@db.command()
def version(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Say which schema the results database has, and which this rnnts knows."""
    from rnnts.database.migrate import schema_version
    from rnnts.database.schema import SCHEMA_VERSION

    found = schema_version(opened(config).database)
    if json:
        show({"schema": found, "known": SCHEMA_VERSION}, as_json=True)
        return
    console().print(f"database {found or 'empty'}, this rnnts {SCHEMA_VERSION}")


def doctor(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Look over the installation: each line ok, warn or fail, with the remedy."""
    from datetime import UTC, datetime

    from rnnts.steps.doctor import examine

    lines = examine(config, now=datetime.now(UTC))  # noqa: TID251 - a command is an entry point
    if json:
        show({"lines": [line.to_json() for line in lines]}, as_json=True)
    else:
        table(
            ["", "what", "found", "do"],
            [[line.verdict, line.what, line.found, line.remedy] for line in lines],
        )
    if any(line.verdict == "fail" for line in lines):
        raise typer.Exit(5)


What = Annotated[
    Literal["forecast", "model"],
    typer.Argument(metavar="WHAT", help="forecast: the live night. model: the champion."),
]
Because = Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")]
By = Annotated[str | None, typer.Option("--by", help="Who; default: the user of this shell.")]


def rollback(
    panel: PanelName,
    what: What,
    reason: Because,
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Take back the live forecast, so that the night before is live; or the champion likewise."""
    import getpass
    from datetime import UTC, datetime

    from rnnts.steps.rollback import rollback_forecast, rollback_model

    project, who = opened(config), by or getpass.getuser()
    if what == "forecast":
        result = rollback_forecast(project, panel, by=who, reason=reason)
    else:
        now = datetime.now(UTC)  # noqa: TID251 - a command is an entry point
        result = rollback_model(project, panel, now, by=who, reason=reason)
    show(result.to_json(), as_json=json)


Picture = Annotated[Path, typer.Option("--output", help="The PNG to draw.")]


def lr_sweep(
    panel: PanelName,
    as_of: AsOf = None,
    output: Picture = Path("lr-sweep.png"),
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Raise the learning rate step by step, draw the loss over it, and pick a rate."""
    from rnnts.pictures.files import check_output
    from rnnts.pictures.sweep import draw_sweep
    from rnnts.steps.lookup import windows_id
    from rnnts.steps.sweep import sweep

    check_output(output, ".png")
    project = opened(config)
    at = instant(project, panel, as_of)
    result = sweep(project, panel, windows_id(project, panel, at))
    draw_sweep(result.rates, result.losses, result.picked, output)
    show({"panel": panel, "picked": result.picked, "picture": str(output)}, as_json=json)
