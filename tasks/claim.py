"""Which deployment does a scheduled night: two that do the same are one too many."""

from rnnts.database.findings import record_findings
from rnnts.database.runs import newest_result, record
from rnnts.findings import Finding
from rnnts.steps.instants import parse_instant
from tasks.policy import step_task
from tasks.projects import opened

FLOW = "nightly_forecast"


@step_task()
def claim(config: str, panel: str, issued_at: str, deployment: str, host: str) -> None:
    """Put this deployment into the ledger; where another stands, a finding names both."""
    at, ours = parse_instant(issued_at), {"deployment": deployment, "host": host}
    with opened(config) as project, record(project.database, panel, FLOW, at) as run:
        with project.database.writing() as connection:
            theirs = newest_result(connection, panel, FLOW, at) or {}
            if theirs.get("deployment", deployment) != deployment:
                record_findings(connection, [twice(panel, issued_at, [theirs, ours])], at)
        run.done(ours)


def twice(panel: str, issued_at: str, both: list[dict[str, str]]) -> Finding:
    """The finding that names both deployments.

    >>> both = [{"deployment": "a1", "host": "db1"}, {"deployment": "b2", "host": "db2"}]
    >>> twice("loads", "2026-01-01T02:00Z", both).evidence
    'the night of 2026-01-01T02:00Z was scheduled by deployment a1 on db1 and deployment b2 on db2'
    """
    names = " and ".join(f"deployment {one['deployment']} on {one['host']}" for one in both)
    evidence = f"the night of {issued_at} was scheduled by {names}"
    remedy = "one did it, the other found it done; delete one of them, or pause its schedule"
    return Finding("DUPLICATE_SCHEDULE", "warning", panel, evidence, remedy)
