"""Which windows of a snapshot exist, and how they split by time."""

from rnnts.steps.instants import parse_instant
from rnnts.steps.window import window as step
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def window(config: str, panel: str, snapshot_id: str, as_of: str) -> Json:
    """Say which windows exist and how they split by time."""
    with opened(config) as project:
        return step(project, panel, snapshot_id, parse_instant(as_of)).to_json()
