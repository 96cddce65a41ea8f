"""The candidate beside champion and baselines, on windows it was not trained on."""

from rnnts.steps.evaluate import evaluate as step
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def evaluate(config: str, panel: str, version_id: str) -> Json:
    """Score the candidate beside champion and baselines."""
    with opened(config) as project:
        return step(project, panel, version_id).to_json()
