"""Every series forecast and laid down, not yet visible to anyone."""

from rnnts.steps.forecast import forecast as step
from rnnts.steps.instants import parse_instant
from rnnts.steps.results import Kind
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def forecast(
    config: str, panel: str, snapshot_id: str, issued_at: str, kind: Kind = "night"
) -> Json:
    """Forecast every series with the ladder; nobody sees it yet."""
    at = parse_instant(issued_at)
    with opened(config) as project:
        return step(project, panel, snapshot_id, at, kind=kind).to_json()
