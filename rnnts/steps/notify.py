"""Notify: what waits in the outbox goes out; for now into the log, at least once each."""

import logging
from typing import TYPE_CHECKING

from rnnts.database.leases import hold
from rnnts.database.migrate import ensure_schema
from rnnts.database.outbox import mark_sent, waiting_messages
from rnnts.database.runs import record
from rnnts.failpoints import hit
from rnnts.steps.results import NotifyResult

if TYPE_CHECKING:
    from rnnts.database.outbox import Message
    from rnnts.project import Project

AT_ONCE = 100
"""Messages that are sent, then marked: a crash between repeats so many at most."""

_log = logging.getLogger(__name__)


def notify(project: "Project", panel: str) -> NotifyResult:
    """Send what waits, the oldest first; a crash sends some of it again, with the same key.

    Raises:
        InfrastructureError: LEASE_BUSY, and those of the database.
        IntegrityError: FENCED.
    """
    project.panel(panel)
    ensure_schema(project.database)
    sent = 0
    with (
        record(project.database, panel, "notify", None) as run,
        hold(project.database, panel, "notify") as lease,
    ):
        while messages := _waiting(project, panel):
            for message in messages:
                _send(message)
            hit("notify.sent_unmarked")
            with project.database.writing(lease) as connection:
                mark_sent(connection, [message.id for message in messages])
            sent += len(messages)
        result = NotifyResult(panel=panel, sent=sent, waiting=0)
        run.done(result.to_json())
    return result


def _waiting(project: "Project", panel: str) -> "tuple[Message, ...]":
    with project.database.reading() as connection:
        return waiting_messages(connection, panel, AT_ONCE)


def _send(message: "Message") -> None:
    payload = message.payload if isinstance(message.payload, dict) else {}
    words = str(payload.get("message") or payload.get("evidence") or "")
    instant = str(payload.get("issued_at") or payload.get("effective_from") or "")
    _log.info(
        "%s", " ".join(part for part in (message.panel, message.kind, instant, words) if part)
    )
