"""Commands for the first quarter of an hour: write a configuration, and look whether it holds."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnts.cli.options import DEFAULT_CONFIG, Config, Json, opened
from rnnts.cli.output import console, show, table
from rnnts.errors import ConfigurationError

if TYPE_CHECKING:
    from rnnts.steps.check import Report

Source = Annotated[str, typer.Option("--source", help="URL of the database to look into.")]
Output = Annotated[Path, typer.Option("--output", help="The file to write; - for stdout.")]
OnlyPanel = Annotated[str | None, typer.Argument(metavar="PANEL", help="Default: all panels.")]

AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="INSTANT",
        help="See the world from here, such as 2013-12-02T02:00:00-05:00. Default: now.",
    ),
]


def init(source: Source, output: Output = DEFAULT_CONFIG) -> None:
    """Look into a database and write an rnnts.toml that proposes panels."""
    from rnnts.steps.init import propose

    text = propose(source)
    if str(output) == "-":
        sys.stdout.write(text)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigurationError(
            "CONFIG_EXISTS",
            got="a file of that name already",
            where=str(output),
            do="choose another with --output, or remove that one",
        ) from error
    console(stderr=True).print(f"wrote {output}; now: rnnts check --config {output}")


def check(
    panel: OnlyPanel = None,
    as_of: AsOf = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Print every resolved value and where it came from, and what the data looks like."""
    from datetime import UTC, datetime

    from rnnts.errors import RnntsError
    from rnnts.steps.check import check as step
    from rnnts.steps.instants import parse_instant

    project = opened(config)
    now = parse_instant(as_of) if as_of else datetime.now(UTC)  # noqa: TID251 - an entry point
    reports: list[dict[str, Any]] = []
    codes = {0}
    for name in [panel] if panel else sorted(project.config.panels):
        try:
            report = step(project, name, now)
        except RnntsError as error:  # one panel's mistake leaves the others their report
            sys.stderr.write(f"{error}\n")
            codes.add(error.exit_code)
            reports.append({"panel": name, "code": error.code, "error": str(error)})
            continue
        reports.append(report.to_json())
        if not json:
            _print(report)
    if json:
        show({"panels": reports}, as_json=True)
    raise typer.Exit(next(code for code in (6, 5, 2, 4, 0) if code in codes))


def _print(report: "Report") -> None:
    table(
        ["setting", "value", "from"],
        [[row.name, row.value, row.origin] for row in report.settings],
        title=f"panel {report.panel}",
    )
    table(["data", ""], [[fact.name, fact.value] for fact in report.facts])
    for finding in report.findings:
        place = finding.panel if finding.series is None else f"{finding.panel}/{finding.series}"
        console().print(
            f"{finding.severity}: {finding.code} {place}: {finding.evidence}; {finding.remedy}",
            soft_wrap=True,
        )
