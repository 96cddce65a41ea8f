"""A finding about a step that failed without costing the run."""

from rnnts.database.findings import record_findings
from rnnts.findings import Finding
from rnnts.steps.instants import parse_instant
from tasks.policy import step_task
from tasks.projects import opened


@step_task()
def note(config: str, panel: str, step: str, as_of: str, message: str) -> None:
    """Write down that `step` failed, and why."""
    finding = failed(panel, step, message)
    with opened(config) as project, project.database.writing() as connection:
        record_findings(connection, [finding], parse_instant(as_of))


def failed(panel: str, step: str, message: str) -> Finding:
    """The finding that says so.

    >>> failed("departures", "score", "DB_SLOW: …").code
    'SCORE_FAILED'
    """
    remedy = f"the run went on without it; run `rnnts {step} {panel}` to see it fail again"
    if step.startswith("report"):
        remedy = "only what Prefect shows of this run is missing"
    return Finding(f"{step.upper()}_FAILED", "warning", panel, message, remedy)
