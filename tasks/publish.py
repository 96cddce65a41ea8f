"""What makes a forecast live, at once and whole."""

from rnnts.steps.instants import parse_instant
from rnnts.steps.publish import publish as step
from rnnts.steps.results import Kind
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def publish(
    config: str,
    panel: str,
    staged_id: str,
    issued_at: str,
    kind: Kind = "night",
    *,
    replace: bool = False,
) -> Json:
    """Check what was forecast and make it live in one short transaction."""
    at = parse_instant(issued_at)
    with opened(config) as project:
        return step(project, panel, staged_id, at, kind=kind, replace=replace).to_json()
