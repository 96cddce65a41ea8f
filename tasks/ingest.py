"""The observations of a panel as of an instant, frozen."""

from rnnts.steps.ingest import ingest as step
from rnnts.steps.instants import parse_instant
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def ingest(config: str, panel: str, as_of: str) -> Json:
    """Read the source as of an instant, check it and freeze it as a snapshot."""
    with opened(config) as project:
        return step(project, panel, parse_instant(as_of)).to_json()
