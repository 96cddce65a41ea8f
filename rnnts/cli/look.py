"""Commands that look and change nothing: status, models, pictures, the page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnts.cli.options import DEFAULT_CONFIG, Config, IssuedAt, Json, PanelName, opened
from rnnts.cli.output import console, show, table

if TYPE_CHECKING:
    from datetime import datetime

    from rnnts.project import Project


def status(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Say for every panel whether its forecast is out, by which model, and what was noticed."""
    from datetime import UTC, datetime

    from rnnts.steps.status import status as step

    project = opened(config)
    lines = step(project, datetime.now(UTC))  # noqa: TID251 - a command is an entry point
    if json:
        show({"panels": [line.to_json() for line in lines]}, as_json=True)
        return
    table(
        ["panel", "state", "issued", "rows", "model", "methods", "skill", "next", "findings"],
        [
            [
                line.panel,
                line.state,
                line.issued_at or "-",
                str(line.rows),
                (line.version_id or "-")[:12],
                ", ".join(f"{name} {count}" for name, count in line.methods.items()) or "-",
                "-" if line.skill is None else f"{100 * line.skill:+.1f}%",
                line.next_slot or "-",
                str(line.findings),
            ]
            for line in lines
        ],
    )


def models(panel: PanelName, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List model versions and decisions, newest first."""
    from rnnts.steps.status import decisions_of

    rows = decisions_of(opened(config), panel)
    if json:
        show({"panel": panel, "decisions": rows}, as_json=True)
        return
    columns = ["recorded_at", "action", "version_id", "effective_from", "decided_by", "reason"]
    table(columns, [[str(row[name] or "-") for name in columns] for row in rows], title=panel)


def decisions(panel: PanelName, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Tell each retrain: how it began and why, what it cost, what it gained, what was decided."""
    from rnnts.steps.status import retrains_of

    told = retrains_of(opened(config), panel)
    if json:
        show({"panel": panel, "decisions": told}, as_json=True)
        return
    for one in told:
        console().print(f"{one['as_of'] or one['recorded_at']}  {one['sentence']}", soft_wrap=True)
    if not told:
        console().print(f"no retrain yet: python -m flows.weekly_retrain --panel {panel}")


Series = Annotated[list[str] | None, typer.Option("--series", help="Repeatable; default: a few.")]
Picture = Annotated[
    Path | None, typer.Option("--output", help="A .png or .html file; default: a .png here.")
]
Calibration = Annotated[
    bool, typer.Option("--calibration", help="Whether the ranges of all series held, as a .png.")
]


def plot(
    panel: PanelName,
    series: Series = None,
    issued_at: IssuedAt = None,
    output: Picture = None,
    calibration: Calibration = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Draw history, truth and the fan of quantiles of a few series; or how the ranges fared."""
    from rnnts.pictures.fans import draw
    from rnnts.steps.fans import fans
    from rnnts.steps.instants import parse_instant

    at = None if issued_at is None else parse_instant(issued_at)
    if calibration:
        if series:
            raise typer.BadParameter(
                "whether ranges held is told of all series together; leave out one of the two",
                param_hint="--series beside --calibration",
            )
        _plot_calibration(opened(config), panel, at, output or Path("calibration.png"), json=json)
        return
    output = output or Path("forecast.png")
    drawn = fans(opened(config), panel, series or [], at)
    draw(drawn, output)
    if json:
        names = [fan.series_id for fan in drawn]
        show({"panel": panel, "series": names, "picture": str(output)}, as_json=True)
        return
    console().print(f"wrote {output}")


def _plot_calibration(
    project: "Project", panel: str, until: "datetime | None", output: Path, *, json: bool
) -> None:
    from rnnts.pictures.reliability import draw_reliability
    from rnnts.steps.reliability import reliability

    found = reliability(project, panel, until)
    draw_reliability(found, output)
    if json:
        held = {f"{100 * share:g}": values.tolist() for share, values in found.coverage.items()}
        reached = dict(zip(found.levels, found.reached.tolist(), strict=True))
        figures = {"truths": found.truths, "nights": found.nights, "reached": reached, "held": held}
        show({"panel": panel, "picture": str(output), **figures}, as_json=True)
        return
    console().print(found.told())
    console().print(f"wrote {output}")


Host = Annotated[str, typer.Option("--host", help="Loopback only, while there is no login.")]
Port = Annotated[int, typer.Option("--port", help="0 takes a free one.")]


def dashboard(host: Host = "127.0.0.1", port: Port = 4280, config: Config = DEFAULT_CONFIG) -> None:
    """Show the ops page in a browser."""
    from rnnts.dashboard import serve

    serve(opened(config), host, port)
