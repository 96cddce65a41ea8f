"""Every night: what is known, how good we were, what comes, made live.

`python -m flows.nightly_forecast --panel departures --issued-at 2013-12-02T02:00:00-05:00`
"""

import sys
from collections.abc import Sequence
from socket import gethostname
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.command_line import instant, options_of, run
from flows.issue_time import issue_of
from flows.optional_work import attempt
from flows.run_outcome import Json, concluded
from flows.told_later import told_later
from rnnts.steps.results import Kind
from tasks.calibrate import calibrate
from tasks.claim import claim
from tasks.forecast import forecast
from tasks.ingest import ingest
from tasks.notify import notify
from tasks.overtaken import overtaken
from tasks.publish import publish
from tasks.report import report_night
from tasks.score import score
from tasks.standing import standing

HOST = gethostname()


@flow(name="nightly_forecast", persist_result=False)
def nightly_forecast(
    config: str, panel: str, issued_at: str | None = None, *, replace: bool = False
) -> State[dict[str, Any]]:
    """Forecast one panel and make the forecast live; again is a no-op that says so.

    Args:
        config: Path of rnnts.toml.
        panel: One of its [panels.NAME].
        issued_at: Instant that the forecast belongs to; default: the newest due slot.
        replace: Publish the next revision of an issue that stands already.
    """

    def work() -> Json:
        issue = issue_of(config, panel, issued_at, "forecast")
        if issue.overtaken_by is not None:
            return overtaken(config, panel, "nightly_forecast", issue.text, issue.overtaken_by)
        if issue.scheduled_by:
            attempt(issue.text, claim, config, panel, issue.text, issue.scheduled_by, HOST)
        published = night(config, panel, issue.text, replace=replace)
        if not published["noop"]:
            attempt(issue.text, report_night, config, panel, issue.text, published)
        return published

    return concluded(work)


def night(
    config: str, panel: str, issued_at: str, kind: Kind = "night", *, replace: bool = False
) -> Json:
    """The order of work of one night, live or past; gives back what was published."""
    with told_later(config, panel, "nightly_forecast", issued_at):
        stands = None if replace else standing(config, panel, issued_at, kind)
        published = stands or _published(config, panel, issued_at, kind, replace=replace)
    if stands is None or stands["unsent"]:
        attempt(issued_at, notify, config, panel)
    return published


def _published(config: str, panel: str, issued_at: str, kind: Kind, *, replace: bool) -> Json:
    snapshot = ingest(config, panel, issued_at)["snapshot_id"]
    scored = attempt(issued_at, score, config, panel, snapshot, issued_at)
    attempt(issued_at, calibrate, config, panel, snapshot, issued_at)
    staged = forecast(config, panel, snapshot, issued_at, kind)
    published = publish(config, panel, staged["staged_id"], issued_at, kind, replace=replace)
    return {
        **published,
        "methods": staged["methods"],
        "skill": None if scored is None else scored["skill"],
        "message": _said(published, staged["methods"]),
    }


def _said(published: Json, methods: dict[str, int]) -> str:
    """One line for a person: what became of it, how much it is, and whence it comes."""
    by_method = ", ".join(f"{method} {series}" for method, series in methods.items())
    became = published["message"] or published["status"]
    return f"{became}, {published['rows']} rows (series by method: {by_method or 'none'})"


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    options = options_of(nightly_forecast)
    options.add_argument(
        "--issued-at", type=instant, metavar="INSTANT", help="default: the newest due slot"
    )
    options.add_argument(
        "--replace", action="store_true", help="publish the next revision of an issue that stands"
    )
    return run(nightly_forecast, options, words)


if __name__ == "__main__":
    sys.exit(main())
