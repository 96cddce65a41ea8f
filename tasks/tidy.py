"""Retention: never the champion, never what is live."""

from rnnts.steps.tidy import tidy as step
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def tidy(config: str) -> Json:
    """Remove what retention no longer keeps; say how much."""
    with opened(config) as project:
        return step(project).to_json()
