"""Commands that give account of a forecast, and change nothing: explain, replay, findings."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rnnts.cli.options import DEFAULT_CONFIG, Config, Json, PanelName, opened
from rnnts.cli.output import console, show, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rnnts.project import Project
    from rnnts.steps.results import ReplayResult

Publication = Annotated[
    str,
    typer.Argument(
        metavar="PUBLICATION",
        help="Its number, or a PANEL: then its issue of --issued-at, or its newest.",
    ),
]
IssuedAt = Annotated[
    str | None,
    typer.Option(
        metavar="INSTANT", help="The instant that the forecast belongs to. Default: the newest."
    ),
]


def replay(
    publication: Publication,
    issued_at: IssuedAt = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Compute a publication again from its recorded inputs, and say whether every bit is the same.

    Exit code 0: identical. 3: not to the bit, on other versions or another processor than then.
    6: not what was published, or not what stands there now.
    """
    from rnnts.steps.replay import replay as step

    project = opened(config)
    result = step(project, _number(project, publication, issued_at))
    if json:
        show(result.to_json() | {"exit_code": result.exit_code}, as_json=True)
    else:
        _print_replay(result, project.panel(result.panel).timezone)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


Series = Annotated[str, typer.Argument(metavar="SERIES", help="The id of one of its series.")]
Targets = Annotated[bool, typer.Option("--targets", help="A line for each target time too.")]


def explain(
    panel: PanelName,
    series: Series,
    issued_at: IssuedAt = None,
    targets: Targets = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Say why a forecast is what it is, and why it is not that of the issue before."""
    from rnnts.cli.explained import print_explanation
    from rnnts.steps.explain import explain as step
    from rnnts.steps.instants import parse_instant

    at = None if issued_at is None else parse_instant(issued_at)
    found = step(opened(config), panel, series, at)
    if json:
        show(found.to_json(), as_json=True)
        return
    print_explanation(found, targets=targets)


OnlyPanel = Annotated[str | None, typer.Argument(metavar="PANEL", help="Default: all panels.")]
OnlySeries = Annotated[str | None, typer.Option("--series", help="Only those of this series.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="INSTANT", help="Only those of this instant and later ones."),
]
Least = Annotated[
    Literal["info", "warning", "error"],
    typer.Option("--severity", help="Only those as severe as this, or more."),
]
MOST = 1000
"""Findings that are printed: nobody reads more."""


def findings(
    panel: OnlyPanel = None,
    series: OnlySeries = None,
    since: Since = None,
    severity: Least = "info",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List what was noticed, errors first, with the evidence and what to do."""
    from rnnts.steps.findings import noticed
    from rnnts.steps.instants import parse_instant

    at = None if since is None else parse_instant(since)
    rows = noticed(opened(config), panel, series=series, since=at, least=severity, most=MOST)
    if json:
        show({"findings": rows}, as_json=True)
        return
    for row in rows:
        for line in _finding_told(row):
            console().print(line, soft_wrap=True)
    if not rows:
        console().print("nothing was noticed")
    if len(rows) == MOST:
        console().print(f"these are the first {MOST}; --since, --severity and --series narrow them")


def _finding_told(row: dict[str, Any]) -> "Iterator[str]":
    place = "/".join(part for part in (row["panel"], row["series_id"]) if part)
    times = "once" if row["count"] == 1 else f"{row['count']} times since {row['first_seen']}"
    yield f"{row['severity']}: {row['code']} {place}: {row['evidence']}".rstrip()
    yield f"    do: {row['remedy']}"
    yield f"    seen {times}, last for {row['last_seen']}"


def _number(project: "Project", given: str, issued_at: str | None) -> int:
    """The number of a publication that is named by number, or by panel and instant."""
    from rnnts.steps.instants import parse_instant
    from rnnts.steps.lookup import publication_row

    if given.isascii() and given.isdigit() and given not in project.config.panels:
        return int(given)
    at = None if issued_at is None else parse_instant(issued_at)
    return publication_row(project, given, at).id


def _print_replay(result: "ReplayResult", timezone: str) -> None:
    for line in _replay_told(result, timezone):
        console().print(line, soft_wrap=True)
    if not result.differences:
        return
    table(
        ["series", "rows", "largest difference", "published by", "now by"],
        [
            [
                one.series_id,
                str(one.rows),
                "-" if one.largest is None else f"{one.largest:.3g}",
                one.published,
                one.replayed,
            ]
            for one in result.differences
        ],
    )
    if result.series_differing > len(result.differences):
        console().print(f"and {result.series_differing - len(result.differences)} series more")


def _replay_told(result: "ReplayResult", timezone: str) -> "Iterator[str]":
    from zoneinfo import ZoneInfo

    at = result.issued_at.astimezone(ZoneInfo(timezone)).isoformat(sep=" ", timespec="minutes")
    yield (
        f"publication {result.publication} of {result.panel}, issued {at} ({result.kind}, "
        f"{result.status}): {result.series} series, {result.rows} rows"
    )
    network = "no network"
    if result.version_id:
        network = f"network {result.version_id[:12]}, "
        network += f"calibration {(result.calibration_id or 'none')[:12]}"
    yield f"made from snapshot {result.snapshot_id[:12]}, {network}, settings and series as then"
    where = "in rnnts_forecast" if result.held_against == "table" else "in the files of the store"
    yield VERDICTS[result.verdict].format(
        where=where,
        rows=result.rows_differing,
        of=result.rows,
        series=result.series_differing,
        most="" if result.largest is None else f", by at most {result.largest:.3g}",
    )
    if result.made_elsewhere:
        yield f"since then changed: {'; '.join(result.made_elsewhere)}"
    if result.verdict == "differs":
        yield EXPLAINED if result.made_elsewhere else UNEXPLAINED


VERDICTS = {
    "identical": "IDENTICAL: every row comes out to the last bit as it stands {where}",
    "altered": "ALTERED: the forecast comes out as it was published, but {rows} of {of} rows of "
    "{series} series {where} are not that any more{most}; somebody changed them. "
    "Restore them from a backup, or publish this night again with --replace",
    "differs": "DIFFERS: {rows} of {of} rows of {series} series come out otherwise{most}",
}
EXPLAINED = (
    "equal bits are promised for equal versions on one kind of processor: that may be all. "
    "To be sure, replay it where those of then still run"
)
UNEXPLAINED = (
    "code, libraries and processor are those of then, so this should not be: something it was made "
    "from was changed by hand, such as a row of rnnts_model_version. Compare with a backup"
)
