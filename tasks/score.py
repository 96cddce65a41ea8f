"""What was published, held against what then happened."""

from rnnts.steps.instants import parse_instant
from rnnts.steps.score import score as step
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def score(config: str, panel: str, snapshot_id: str, as_of: str) -> Json:
    """Write the realised accuracy of what was published."""
    with opened(config) as project:
        return step(project, panel, snapshot_id, parse_instant(as_of)).to_json()
