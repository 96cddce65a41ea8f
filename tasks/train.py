"""A candidate network, trained in a child process within its budget."""

from prefect.logging import get_run_logger

from rnnts.steps.instants import parse_instant
from rnnts.steps.train import train as step
from tasks.policy import TRAIN_SECONDS, TRAINING, Json, step_task
from tasks.progress import logged
from tasks.projects import opened


@step_task(tags=[TRAINING], seconds=TRAIN_SECONDS)
def train(config: str, panel: str, windows_id: str, as_of: str) -> Json:
    """Train a candidate; an interrupted training goes on from its last checkpoint."""
    at, report = parse_instant(as_of), logged(get_run_logger())
    with opened(config) as project:
        return step(project, panel, windows_id, at, progress=report).to_json()
