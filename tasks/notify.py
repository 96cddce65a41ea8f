"""Alerts out of the outbox."""

from rnnts.steps.notify import notify as step
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def notify(config: str, panel: str) -> Json:
    """Send what waits in the outbox."""
    with opened(config) as project:
        return step(project, panel).to_json()
