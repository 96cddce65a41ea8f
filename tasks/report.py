"""What a person sees of a run in Prefect: the numbers as tables, the forecast as a picture."""

from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from rnnts.pictures.fans import draw
from rnnts.project import Project
from rnnts.steps.fans import fans
from rnnts.steps.instants import parse_instant
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def report_night(config: str, panel: str, issued_at: str, published: Json) -> None:
    """Show what was published, how the last nights did, and a few series."""
    with opened(config) as project:
        picture = picture_of(project, panel, issued_at)
    text = (
        f"{night_table(published)}\n\n![forecasts of a few series](data:image/png;base64,{picture})"
    )
    create_markdown_artifact(text, key=key("night", panel), description=published["message"])


@step_task()
def report_retrain(config: str, panel: str, scorecard: Json, message: str) -> None:  # noqa: ARG001 - as every step
    """Show candidate, champion and baselines side by side, and what was decided."""
    said = f"{message}; {scorecard['statistical']}"
    create_table_artifact(score_rows(scorecard), key=key("scorecard", panel), description=said)


def key(kind: str, panel: str) -> str:
    """An artifact's key; Prefect knows no underscore there.

    >>> key("night", "bus_stops")
    'night-bus-stops'
    """
    return f"{kind}-{panel.replace('_', '-')}"


def picture_of(project: Project, panel: str, issued_at: str) -> str:
    """A PNG of a few series at this issue, as base64."""
    with TemporaryDirectory(prefix="rnnts-") as folder:
        png = Path(folder) / "fans.png"
        draw(fans(project, panel, [], parse_instant(issued_at)), png)
        return b64encode(png.read_bytes()).decode("ascii")


def night_table(published: Json) -> str:
    """Markdown: one line a fact of what was published; no name of a series, which may be markup.

    >>> print(night_table({"issued_at": "2013-12-02", "status": "live", "rows": 96, "skill": 0.21,
    ...                    "methods": {"network": 2}}))
    | what | value |
    | --- | --- |
    | issued at | 2013-12-02 |
    | status | live |
    | rows | 96 |
    | series by network | 2 |
    | skill of recent nights | +21.0 % |
    """
    facts = [(name.replace("_", " "), published[name]) for name in ("issued_at", "status", "rows")]
    facts += [(f"series by {method}", n) for method, n in published.get("methods", {}).items()]
    if published.get("skill") is not None:
        facts.append(("skill of recent nights", f"{100 * published['skill']:+.1f} %"))
    lines = [
        "| what | value |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in facts),
    ]
    return "\n".join(lines)


def score_rows(scorecard: Json) -> list[dict[str, str]]:
    """A row a method, its scores to four digits; a score that it has not is a dash.

    >>> score_rows({"scores": {"network": {"mase": 0.71234}, "last_week": {"mase": None}}})
    [{'method': 'network', 'mase': '0.7123'}, {'method': 'last_week', 'mase': '-'}]
    """
    return [
        {"method": method}
        | {name: "-" if value is None else f"{value:.4g}" for name, value in scores.items()}
        for method, scores in scorecard["scores"].items()
    ]
