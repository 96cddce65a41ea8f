"""Deployments on a real Prefect server: schedules that make runs, and what an outage leaves."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import DeploymentResponse
from prefect.states import Running, Scheduled

from deployments.overdue import settle
from deployments.schedules import TAG, WORK_POOL, Deployment, deployments_of
from deployments.serve import served
from rnnts.project import open_project

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]
WITHIN_SECONDS = 60
CONFIG = str(ROOT / "deployments" / "rnnts.toml")


def described() -> tuple[Deployment, ...]:
    return deployments_of(open_project(CONFIG).config, "rnnts.toml")


@pytest.fixture
def registered(prefect: SyncPrefectClient) -> Iterator[list[UUID]]:
    """The deployments of the repository on the server, as `make up` registers them."""
    ids = [served(one).apply() for one in described()]
    yield [UUID(str(one)) for one in ids]
    for one in known(prefect):
        prefect.delete_deployment(one.id)


def known(prefect: SyncPrefectClient) -> list[DeploymentResponse]:
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    return prefect.read_deployments(deployment_filter=tagged)


def runs_of(prefect: SyncPrefectClient, *deployments: UUID) -> list[FlowRun]:
    wanted = FlowRunFilterDeploymentId(any_=list(deployments))
    return prefect.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id=wanted))


def test_a_cron_deployment_gets_scheduled_runs(
    prefect: SyncPrefectClient, registered: list[UUID]
) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    waiting = set(registered)
    while waiting and time.monotonic() < deadline:
        waiting -= {run.deployment_id for run in runs_of(prefect, *waiting) if run.deployment_id}
        time.sleep(0.2)  # noqa: TID251 - the scheduler tells nobody; the deadline is the promise
    assert waiting == set()


def shown(deployment: DeploymentResponse) -> dict[str, Any]:
    return {
        "name": deployment.name,
        "entrypoint": deployment.entrypoint,
        "description": deployment.description,
        "tags": sorted(deployment.tags),
        "parameters": deployment.parameters,
        "schedules": [
            (one.slug, one.active, one.schedule.model_dump(exclude={"anchor_date"}))
            for one in deployment.schedules
        ],
    }


def test_prefect_deploy_makes_the_deployments_that_make_up_serves(
    prefect: SyncPrefectClient, registered: list[UUID], prefect_url: str
) -> None:
    assert len(registered) == 3
    ours = sorted((shown(one) for one in known(prefect)), key=lambda one: str(one["entrypoint"]))
    prefect.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))
    environ = os.environ | {"PREFECT_API_URL": prefect_url, "RNNTS_HOME": str(ROOT)}
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(
        [*command, "--prefect-file", "deployments/prefect.yaml"],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    theirs = sorted((shown(one) for one in known(prefect)), key=lambda one: str(one["entrypoint"]))
    assert theirs == ours


def late(prefect: SyncPrefectClient, deployment: UUID, days: int) -> UUID:
    """A run that was due so many days ago; Prefect's scheduler makes the like."""
    then = datetime.now(UTC) - timedelta(days=days)  # noqa: TID251 - late by the real clock
    state: State[None] = Scheduled(scheduled_time=then)
    return prefect.create_flow_run_from_deployment(deployment, state=state).id


def test_after_an_outage_only_the_newest_missed_run_of_each_deployment_is_left(
    prefect: SyncPrefectClient, registered: list[UUID]
) -> None:
    nightly, weekly, _ = registered
    nights = [late(prefect, nightly, days) for days in (5, 4, 3, 2, 1)]
    weeks = [late(prefect, weekly, days) for days in (14, 7)]
    folded, closed = settle(prefect, TAG)
    assert (folded, closed) == (5, 0)
    names = {run.id: run.state_name for run in runs_of(prefect, nightly, weekly)}
    assert [names[one] for one in (*nights[:-1], weeks[0])] == ["Superseded"] * 5
    assert {names[nights[-1]], names[weeks[-1]]} <= {"Scheduled", "Late"}
    assert settle(prefect, TAG) == (0, 0)


def test_a_run_whose_process_is_gone_does_not_stay_open(
    prefect: SyncPrefectClient, registered: list[UUID]
) -> None:
    run = late(prefect, registered[0], days=1)
    running: State[None] = Running()
    prefect.set_flow_run_state(run, running, force=True)
    assert settle(prefect, TAG) == (0, 1)
    assert prefect.read_flow_run(run).state_name == "Crashed"
