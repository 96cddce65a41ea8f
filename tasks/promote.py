"""Champion, or rejected with the reason."""

from rnnts.steps.promote import promote as step
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def promote(config: str, panel: str, scorecard_id: str) -> Json:
    """Make the candidate champion if it beats champion and baselines; else say why not."""
    with opened(config) as project:
        return step(project, panel, scorecard_id).to_json()
