"""Every week: a new network, champion only if it beats the champion and the baselines.

`python -m flows.weekly_retrain --panel departures --as-of 2013-12-02T02:00:00-05:00`
"""

import sys
from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.command_line import instant, options_of, run
from flows.issue_time import issue_of
from flows.optional_work import attempt
from flows.run_outcome import Json, concluded
from flows.told_later import told_later
from tasks.evaluate import evaluate
from tasks.ingest import ingest
from tasks.notify import notify
from tasks.overtaken import overtaken
from tasks.promote import promote
from tasks.report import report_retrain
from tasks.train import train
from tasks.window import window

OUTCOMES = {"promote": "champion", "reject": "rejected"}


@flow(name="weekly_retrain", persist_result=False)
def weekly_retrain(config: str, panel: str, as_of: str | None = None) -> State[dict[str, Any]]:
    """Train a candidate for one panel, and promote it or say why not.

    Args:
        config: Path of rnnts.toml.
        panel: One of its [panels.NAME].
        as_of: Instant from which the world is seen; default: the newest due slot.
    """

    def work() -> Json:
        issue = issue_of(config, panel, as_of, "retrain")
        if issue.overtaken_by is not None:
            return overtaken(config, panel, "weekly_retrain", issue.text, issue.overtaken_by)
        with told_later(config, panel, "weekly_retrain", issue.text):
            return retrain(config, panel, issue.text)

    return concluded(work)


def retrain(config: str, panel: str, as_of: str) -> Json:
    """The order of work of one retrain; gives back the decision."""
    snapshot = ingest(config, panel, as_of)["snapshot_id"]
    windows = window(config, panel, snapshot, as_of)["windows_id"]
    trained = train(config, panel, windows, as_of)
    if trained["status"] == "rejected":  # it diverged: there is nothing to score
        attempt(as_of, notify, config, panel)
        return {**trained, "exit_code": 0, "message": f"rejected: {trained['reason']}"}
    scorecard = evaluate(config, panel, trained["version_id"])
    decision = promote(config, panel, scorecard["scorecard_id"])
    message = f"{OUTCOMES[decision['action']]}: {decision['reason']}"
    attempt(as_of, report_retrain, config, panel, scorecard, message)
    attempt(as_of, notify, config, panel)
    return {**decision, "exit_code": 0, "message": message}


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    options = options_of(weekly_retrain)
    options.add_argument(
        "--as-of", type=instant, metavar="INSTANT", help="default: the newest due slot"
    )
    return run(weekly_retrain, options, words)


if __name__ == "__main__":
    sys.exit(main())
