"""Commands for the first quarter of an hour: write a configuration, and look whether it holds."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnts.cli.options import DEFAULT_CONFIG, AsOf, Config, Json, opened
from rnnts.cli.output import console, show, table
from rnnts.errors import ConfigurationError

Source = Annotated[str, typer.Option("--source", help="URL of the database to look into.")]
Output = Annotated[Path, typer.Option("--output", help="The file to write; - for stdout.")]
OnlyPanel = Annotated[str | None, typer.Argument(metavar="[PANEL]", help="Default: all panels.")]


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

    from rnnts.steps.check import check as step
    from rnnts.steps.instants import parse_instant

    project = opened(config)
    now = parse_instant(as_of) if as_of else datetime.now(UTC)  # noqa: TID251 - an entry point
    names = [panel] if panel else sorted(project.config.panels)
    for name in names:
        report = step(project, name, now)
        if json:
            show(report.to_json(), as_json=True)
            continue
        table(
            ["setting", "value", "from"],
            [[row.name, row.value, row.origin] for row in report.settings],
            title=f"panel {name}",
        )
        table(["data", ""], [[fact.name, fact.value] for fact in report.facts])
        for finding in report.findings:
            console().print(
                f"{finding.severity}: {finding.code} {finding.evidence}; {finding.remedy}"
            )
