"""Ranges renewed from realised errors."""

from rnnts.steps.calibrate import calibrate as step
from rnnts.steps.instants import parse_instant
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def calibrate(config: str, panel: str, snapshot_id: str, as_of: str) -> Json:
    """Renew the ranges from realised and held-out errors."""
    with opened(config) as project:
        return step(project, panel, snapshot_id, parse_instant(as_of)).to_json()
