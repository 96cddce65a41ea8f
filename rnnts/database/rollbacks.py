"""Rollback: the live pointer goes back to the night before, in one transaction."""

from sqlalchemy import Connection, update

from rnnts.database.issues import PublicationRow, live, publication_by_id, publications
from rnnts.database.rows import known
from rnnts.database.schema import publication as table
from rnnts.errors import InfrastructureError


def rollback_target(
    connection: Connection, panel: str
) -> tuple[PublicationRow | None, PublicationRow | None]:
    """What is live, and the night that would be live if that were taken back."""
    now = live(connection, panel)
    if now is None:
        return None, None
    before = publications(connection, panel, 1, kinds=("night",), until=now.issued_at)
    return now, before[0] if before else None


def take_back(connection: Connection, now: PublicationRow, before: PublicationRow) -> None:
    """Hold back what is live, and let the night before be live again.

    Done again (the answer to a COMMIT may be lost) it changes nothing.

    Args:
        connection: In a writing transaction.
        now: What was live when it was decided.
        before: What is to be live.

    Raises:
        InfrastructureError: LIVE_CHANGED where another went live meanwhile.
    """
    current = live(connection, now.panel)
    held = known(publication_by_id(connection, now.id)).status == "held"
    if held and current is not None and current.id == before.id:
        return
    if current is None or current.id != now.id:
        raise InfrastructureError(
            "LIVE_CHANGED",
            panel=now.panel,
            expected=f"publication {now.id} to be live, as it was a moment ago",
            got="none" if current is None else f"publication {current.id}",
            do="look at it first: `rnnts status`",
        )
    for row, status in ((now, "held"), (before, "live")):
        connection.execute(update(table).where(table.c.id == row.id).values(status=status))
