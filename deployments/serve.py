"""The child of `make up` that keeps the schedules: settles what is overdue, then serves.

`python -m deployments.serve --config /path/to/rnnts.toml`, with PREFECT_API_URL set.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from prefect import Flow, serve
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment

from deployments.overdue import settle
from deployments.schedules import TAG, Deployment, deployments_of
from flows.nightly_forecast import nightly_forecast
from flows.tidy_up import tidy_up
from flows.weekly_retrain import weekly_retrain
from rnnts.project import open_project
from tasks.policy import TRAINING

FLOWS: dict[str, Flow[..., Any]] = {
    "nightly_forecast": nightly_forecast,
    "weekly_retrain": weekly_retrain,
    "tidy_up": tidy_up,
}
RUNS_AT_ONCE = 2
"""A night must not wait for a training; more than that two cores do not serve."""
TRAININGS_AT_ONCE = 1


def served(deployment: Deployment) -> RunnerDeployment:
    """The deployment as `prefect.serve` takes it."""
    return RunnerDeployment.from_flow(
        FLOWS[deployment.flow],
        name=deployment.name,
        description=deployment.description,
        parameters=dict(deployment.parameters),
        tags=list(deployment.tags),
        schedules=deployment.schedules(),
    )


def main(words: Sequence[str] | None = None) -> None:
    """Serve every deployment of a project until a signal comes; schedules stay active."""
    options = argparse.ArgumentParser(prog="python -m deployments.serve", description=__doc__)
    options.add_argument("--config", required=True, metavar="FILE")
    file = options.parse_args(words).config
    deployments = deployments_of(open_project(file).config, file)
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit(tag=TRAINING, concurrency_limit=TRAININGS_AT_ONCE)
        settle(client, TAG)
    serve(
        *(served(one) for one in deployments),
        limit=RUNS_AT_ONCE,
        pause_on_shutdown=False,  # a night that was missed is better than nights that never come
        print_starting_message=False,
    )


if __name__ == "__main__":
    main()
