"""Rollback: a person takes back what is live, or who is champion, and says why."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rnnts.database.issues import PublicationRow
from rnnts.database.leases import hold
from rnnts.database.migrate import require_schema
from rnnts.database.models import VersionRow, champion, previous_champions, promote
from rnnts.database.outbox import add_message
from rnnts.database.publications import verify_rows
from rnnts.database.rollbacks import rollback_target, take_back
from rnnts.database.runs import record
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.panels.slots import next_slot
from rnnts.steps.results import RollbackResult

if TYPE_CHECKING:
    from rnnts.project import Project

Connection = Any  # SQLAlchemy's, which only the database room knows


def rollback_forecast(project: "Project", panel: str, *, by: str, reason: str) -> RollbackResult:
    """Let readers see the night before again; what was live is held back.

    A rerun of the night that is held back does not publish it again, `--replace` does; the next
    night goes live as ever.

    Args:
        project: The project.
        panel: Its name.
        by: Who decided it, for the ledger.
        reason: Why, for the ledger and for whoever asks.

    Raises:
        ConfigurationError: ROLLBACK_NOTHING where no night is live, or none was before it.
        IntegrityError: ROLLBACK_ROWS where the rows of the night before are gone or were changed.
        InfrastructureError: LEASE_BUSY, LIVE_CHANGED, and those of the database.
    """
    project.panel(panel)
    require_schema(project.database)
    with project.database.reading() as connection:
        now, before = rollback_target(connection, panel)
    if now is None or before is None:
        alone = "none" if now is None else f"publication {now.id} alone"
        raise _nothing(panel, "a live night and one before it", alone)
    with (
        record(project.database, panel, "rollback", now.issued_at) as run,
        hold(project.database, panel, "night") as lease,
    ):
        _check_rows(project, before)
        result = RollbackResult(
            panel=panel,
            what="forecast",
            taken_back=str(now.id),
            instead=str(before.id),
            effective_from=before.issued_at,
            by=by,
            reason=reason,
        )

        def decide(connection: Connection) -> None:
            take_back(connection, now, before)
            _tell(connection, result, run.id)
            run.done(result.to_json(), message=reason)
            run.write(connection)  # the ledger says it if and only if it is so

        project.database.run_writing(decide, lease)
        run.settled = True
    return result


def rollback_model(
    project: "Project", panel: str, now: datetime, *, by: str, reason: str
) -> RollbackResult:
    """Make the champion before champion again, from the next slot on.

    Args:
        project: The project.
        panel: Its name.
        now: The present instant.
        by: Who decided it.
        reason: Why.

    Raises:
        ConfigurationError: ROLLBACK_NOTHING where there is no champion, or none was before it.
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT where its file is gone or damaged.
        InfrastructureError: LEASE_BUSY, and those of the database.
    """
    config = project.panel(panel)
    require_schema(project.database)
    cron = config.schedule.forecast
    effective_from = next_slot(cron, config.timezone, now) if cron else now
    with project.database.reading() as connection:
        champion_now = champion(connection, panel, effective_from)
        earlier = previous_champions(connection, panel, effective_from)
    if champion_now is None or not earlier:
        got = "none" if champion_now is None else f"version {champion_now.version_id[:12]} alone"
        raise _nothing(panel, "a champion and one before it", got)
    before: VersionRow = earlier[0]
    project.store.get(before.weights_name)
    with (
        record(project.database, panel, "rollback", effective_from) as run,
        hold(project.database, panel, "retrain") as lease,
    ):
        result = RollbackResult(
            panel=panel,
            what="model",
            taken_back=champion_now.version_id,
            instead=before.version_id,
            effective_from=effective_from,
            by=by,
            reason=reason,
        )

        def decide(connection: Connection) -> None:
            promote(
                connection,
                panel=panel,
                version_id=before.version_id,
                scorecard_id=None,
                reason=reason,
                numbers={},
                effective_from=effective_from,
                decided_by=by,
                action="rollback",
            )
            _tell(connection, result, run.id)
            run.done(result.to_json(), message=reason)
            run.write(connection)

        project.database.run_writing(decide, lease)
        run.settled = True
    return result


def _check_rows(project: "Project", before: PublicationRow) -> None:
    try:
        verify_rows(project.database, before)
    except IntegrityError as error:
        raise IntegrityError(
            "ROLLBACK_ROWS",
            panel=before.panel,
            expected=f"the rows of publication {before.id} as they were published",
            got=error.got,
            where="rnnts_forecast",
            do="nothing was changed; restore them from a backup, or publish this night again "
            "with --replace",
        ) from error


def _tell(connection: Connection, result: RollbackResult, run_id: int) -> None:
    message = f"{result.what} {result.taken_back[:12]} taken back by {result.by}: {result.reason}"
    payload = result.to_json() | {"message": message}
    key = f"rolled_back/{result.panel}/{run_id}"
    add_message(connection, key, result.panel, "rolled_back", payload)


def _nothing(panel: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        "ROLLBACK_NOTHING",
        panel=panel,
        expected=expected,
        got=got,
        do="there is nothing to go back to; publish or train again instead",
    )
