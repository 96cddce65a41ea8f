"""What is published for an issue already: a night done twice is a no-op that says so."""

from rnnts.database.issues import publication
from rnnts.database.outbox import waiting_messages
from rnnts.database.runs import record
from rnnts.project import Project
from rnnts.steps.instants import parse_instant
from rnnts.steps.results import Kind, PublicationResult
from tasks.policy import Json, step_task
from tasks.projects import opened


@step_task()
def standing(config: str, panel: str, issued_at: str, kind: Kind = "night") -> Json | None:
    """Find what stands for this issue, and note in the ledger that it does; None: work is due."""
    with opened(config) as project:
        found, unsent = published(project, panel, issued_at, kind)
        if found is None:
            return None
        with record(project.database, panel, "publish", found.issued_at) as run:
            run.noop(found.to_json(), found.message)
    return {**found.to_json(), "unsent": unsent}


def published(
    project: Project, panel: str, issued_at: str, kind: Kind
) -> tuple[PublicationResult | None, bool]:
    """The publication of an issue as running it again gives it back, and whether alerts wait."""
    with project.database.reading() as connection:
        row = publication(connection, panel, parse_instant(issued_at), kind)
        unsent = bool(waiting_messages(connection, panel, 1))
    if row is None:
        return None, unsent
    found = PublicationResult(
        panel=panel,
        issued_at=row.issued_at,
        publication=row.id,
        status=row.status,
        noop=True,
        rows=row.rows,
        exit_code=0,
        message="already published",
    )
    return found, unsent
