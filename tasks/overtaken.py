"""A run that is left undone, because a newer one is due."""

from rnnts.database.findings import record_findings
from rnnts.database.runs import record
from rnnts.findings import Finding
from rnnts.steps.instants import parse_instant
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def overtaken(config: str, panel: str, flow: str, slot: str, newer: str) -> Json:
    """Say in the ledger and in a finding that a late run was left to the newer slot's."""
    at, message = parse_instant(slot), f"superseded: {newer} is due"
    result: Json = {"status": "superseded", "issued_at": slot, "rows": 0, "exit_code": 0}
    with opened(config) as project, record(project.database, panel, flow, at) as run:
        with project.database.writing() as connection:
            record_findings(connection, [left_undone(panel, flow, slot, newer)], at)
        run.noop(result, message)
    return result | {"message": message}


def left_undone(panel: str, flow: str, slot: str, newer: str) -> Finding:
    """The finding that says so; folded, 95 late runs are one line.

    >>> left_undone("loads", "nightly_forecast", "2026-01-01T02:00Z", "2026-01-02T02:00Z").code
    'SUPERSEDED'
    """
    evidence = f"{flow} of {slot} came to its turn when {newer} was due already"
    remedy = "the newest slot's run goes on; for the missed ones: python -m flows.backfill_history"
    return Finding("SUPERSEDED", "info", panel, evidence, remedy)
