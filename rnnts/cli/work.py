"""A command a step: the verbs of the work, in their order."""

from typing import Annotated

import typer

from rnnts.cli.options import (
    DEFAULT_CONFIG,
    AsOf,
    Config,
    IssuedAt,
    Json,
    PanelName,
    at_work,
    opened,
    told_later,
)
from rnnts.cli.output import progress, show


def ingest(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Read the source as of an instant, check it and freeze it as a snapshot."""
    from rnnts.steps.ingest import ingest as step

    with at_work(config, panel, "ingest", as_of) as (project, at):
        show(step(project, panel, at).to_json(), as_json=json)


def window(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Say which windows of the snapshot exist and how they split by time."""
    from rnnts.steps.lookup import snapshot_id
    from rnnts.steps.window import window as step

    with at_work(config, panel, "window", as_of) as (project, at):
        show(step(project, panel, snapshot_id(project, panel, at), at).to_json(), as_json=json)


def train(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Train a candidate in a child process, within its budget of time and memory."""
    from rnnts.steps.lookup import windows_id
    from rnnts.steps.train import train as step

    with at_work(config, panel, "train", as_of) as (project, at):
        with progress(f"training {panel}", quiet=json) as report:
            result = step(project, panel, windows_id(project, panel, at), at, progress=report)
        show(result.to_json(), as_json=json)


def evaluate(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Score the candidate beside champion and baselines on windows it was not trained on."""
    from rnnts.steps.evaluate import evaluate as step
    from rnnts.steps.lookup import version_id

    with at_work(config, panel, "evaluate", as_of) as (project, at):
        show(step(project, panel, version_id(project, panel, at)).to_json(), as_json=json)


def promote(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Make the candidate champion if it beats champion and baselines; else say why not."""
    from rnnts.steps.lookup import scorecard_id
    from rnnts.steps.promote import promote as step

    with at_work(config, panel, "promote", as_of) as (project, at):
        show(step(project, panel, scorecard_id(project, panel, at)).to_json(), as_json=json)


def score(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Hold what was published against what then happened."""
    from rnnts.steps.lookup import snapshot_id
    from rnnts.steps.score import score as step

    with at_work(config, panel, "score", as_of) as (project, at):
        show(step(project, panel, snapshot_id(project, panel, at), at).to_json(), as_json=json)


def calibrate(
    panel: PanelName, as_of: AsOf = None, config: Config = DEFAULT_CONFIG, json: Json = False
) -> None:
    """Renew the ranges from realised and held-out errors."""
    from rnnts.steps.calibrate import calibrate as step
    from rnnts.steps.lookup import snapshot_id

    with at_work(config, panel, "calibrate", as_of) as (project, at):
        show(step(project, panel, snapshot_id(project, panel, at), at).to_json(), as_json=json)


def forecast(
    panel: PanelName,
    issued_at: IssuedAt = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Forecast every series and lay the result down, not yet visible to anyone."""
    from rnnts.steps.forecast import forecast as step
    from rnnts.steps.lookup import snapshot_id

    with at_work(config, panel, "forecast", issued_at) as (project, at):
        show(step(project, panel, snapshot_id(project, panel, at), at).to_json(), as_json=json)


Replace = Annotated[
    bool, typer.Option("--replace", help="Publish a next revision of an issue that stands already.")
]


def publish(
    panel: PanelName,
    issued_at: IssuedAt = None,
    replace: Replace = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Check what was forecast and make it live in one short transaction."""
    from rnnts.steps.lookup import staged_id
    from rnnts.steps.publish import publish as step

    with at_work(config, panel, "publish", issued_at) as (project, at):
        result = step(project, panel, staged_id(project, panel, at), at, replace=replace)
        show(result.to_json(), as_json=json)
        if result.exit_code:
            raise typer.Exit(result.exit_code)


def notify(panel: PanelName, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Send what waits in the outbox."""
    from rnnts.steps.notify import notify as step

    project = opened(config)
    with told_later(project, panel, "notify", None):
        show(step(project, panel).to_json(), as_json=json)


STEPS = (ingest, window, train, evaluate, promote, score, calibrate, forecast, publish, notify)
