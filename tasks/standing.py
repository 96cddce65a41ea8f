"""What is published for an issue already: a night done twice is a no-op that says so."""

from rnnts.database.issues import publication
from rnnts.database.migrate import ensure_schema
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
        ensure_schema(project.database)
        found = published(project, panel, issued_at, kind)
        if found is not None:
            with record(project.database, panel, "publish", found.issued_at) as run:
                run.noop(found.to_json(), found.message)
    return None if found is None else found.to_json()


def published(project: Project, panel: str, issued_at: str, kind: Kind) -> PublicationResult | None:
    """The publication of an issue, as running it again gives it back."""
    at = parse_instant(issued_at)
    with project.database.reading() as connection:
        row = publication(connection, panel, at, kind)
    if row is None:
        return None
    return PublicationResult(
        panel=panel,
        issued_at=row.issued_at,
        publication=row.id,
        status=row.status,
        noop=True,
        rows=row.rows,
        exit_code=0,
        message="already published",
    )
