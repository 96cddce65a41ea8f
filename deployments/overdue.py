"""After an outage: of the runs that were missed only the newest, and none that died stays open.

Left alone, Prefect works off missed runs oldest first, and shows killed ones as running for ever.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Crashed

PAGE = 200  # the most that Prefect's API gives at once
OPEN = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)


def settle(client: SyncPrefectClient, tag: str, now: datetime | None = None) -> tuple[int, int]:
    """Fold overdue runs into the newest of each deployment; close those whose process is gone.

    Call it while nothing serves these deployments: then whatever is shown as running is dead.

    Args:
        client: Of the server that has the deployments.
        tag: What they have in common.
        now: Runs expected before it are overdue.

    Returns:
        How many runs were folded, and how many closed.
    """
    now = now or datetime.now(UTC)  # noqa: TID251 - an entry point
    known = DeploymentFilter(tags=DeploymentFilterTags(all_=[tag]))
    folded = closed = 0
    for deployment in client.read_deployments(deployment_filter=known):
        dead = _runs(client, deployment.id, OPEN, now)
        for run in dead:
            gone: State[None] = Crashed(
                message="its process was gone when the schedules were served again"
            )
            client.set_flow_run_state(run.id, gone, force=True)
        closed += len(dead)
        folded += _folded(client, deployment.id, now)
    return folded, closed


def _folded(client: SyncPrefectClient, deployment: UUID, now: datetime) -> int:
    folded = 0
    while len(overdue := _runs(client, deployment, [StateType.SCHEDULED], now)) > 1:
        newest, *older = overdue
        message = f"left to the run of {newest.expected_start_time}, which is newer"
        for run in older:
            state: State[None] = Cancelled(name="Superseded", message=message)
            client.set_flow_run_state(run.id, state, force=True)
        folded += len(older)
    return folded


def _runs(
    client: SyncPrefectClient, deployment: UUID, states: Sequence[StateType], now: datetime
) -> list[FlowRun]:
    """A page of a deployment's runs expected before `now`, newest first."""
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=now),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=PAGE,
    )
