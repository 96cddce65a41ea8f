"""Messages that go out: written with what they tell of, sent at least once, with a stable key."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from rnnts.database.instants import database_now
from rnnts.database.rows import columns_of, rows_of
from rnnts.database.schema import outbox as table
from rnnts.database.upsert import insert_into

Json = Any
MessageKind = Literal["published", "promoted", "rolled_back", "finding"]


@dataclass(frozen=True, slots=True)
class Message:
    """One row of `rnnts_outbox`."""

    id: int
    key: str
    panel: str
    kind: MessageKind
    payload: Json
    recorded_at: datetime
    sent_at: datetime | None


def add_message(
    connection: Connection, key: str, panel: str, kind: MessageKind, payload: Json
) -> None:
    """Put a message out, in the transaction of what it tells of; a key that is there stays."""
    connection.execute(
        insert_into(connection, table)
        .values(key=key, panel=panel, kind=kind, payload=payload, recorded_at=database_now())
        .on_conflict_do_nothing(index_elements=["key"])
    )


def waiting_messages(
    connection: Connection, panel: str | None = None, limit: int = 100
) -> tuple[Message, ...]:
    """Messages not yet sent, the oldest first."""
    statement = (
        select(*columns_of(table, Message)).where(table.c.sent_at.is_(None)).order_by(table.c.id)
    )
    if panel is not None:
        statement = statement.where(table.c.panel == panel)
    return rows_of(connection, statement.limit(limit), Message)


def mark_sent(connection: Connection, ids: Iterable[int]) -> None:
    """Say of messages that they went out."""
    for message_id in ids:
        connection.execute(
            update(table).where(table.c.id == message_id).values(sent_at=database_now())
        )
