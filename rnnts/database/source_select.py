"""The one SELECT that reads a source: only what is needed, names quoted, coarse bounds in SQL."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Dialect

from rnnts.config import SourceConfig
from rnnts.database.source_inspect import ColumnInfo, Relation

MARGIN = timedelta(days=2)
"""Zones and offsets move a written time by at most 26 hours; the exact bound follows in Python."""
OLDEST, NEWEST = "0001-01-02", "9999-12-30"
"""Between these a stamp of PostgreSQL is one of Python too; psycopg raises at all others."""
_STAMPED = ("instant", "naive", "date")


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read of a relation, as SQL.

    Attributes:
        columns: Behind SELECT, in the order keys, time, value (if any), known_at (if any).
        conditions: Each in brackets of its own, to be joined by AND.
        beyond: The SELECT that counts stamps which Python cannot hold; "" where there are none.
    """

    relation: Relation
    columns: str
    conditions: tuple[str, ...]
    beyond: str = ""

    def statement(self, *more: str) -> str:
        """The whole SELECT."""
        return f"SELECT {self.columns} FROM {self.relation.sql}{where(*self.conditions, *more)}"  # noqa: S608 - names come from inspection, quoted; the condition is the user's own


def where(*conditions: str) -> str:
    """A WHERE of these conditions, or nothing."""
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def select_source(
    dialect: Dialect, relation: Relation, config: SourceConfig, since: datetime | None = None
) -> Selection:
    """Say what to read of a source.

    Args:
        dialect: Of its database.
        relation: As inspected.
        config: The columns' parts.
        since: Rows before this need not come; some still may.
    """
    quote = dialect.identifier_preparer.quote_identifier
    on_sqlite = dialect.name == "sqlite"
    time = relation.column(config.time)
    columns = [_plain(relation.column(name), quote(name), on_sqlite) for name in config.series]
    columns.append(_plain(time, quote(time.name), on_sqlite))
    if config.value is not None:
        value = relation.column(config.value)
        columns.append(
            f"({quote(value.name)} IS NOT NULL)"
            if config.aggregate == "count"
            else _plain(value, quote(value.name), on_sqlite)
        )
    if config.known_at is not None:
        columns.append(_known(relation.column(config.known_at), quote(config.known_at), on_sqlite))
    conditions = [f"(\n{config.where}\n)"] if config.where is not None else []
    beyond = ""
    if not on_sqlite and time.kind in _STAMPED:
        inside = f"({_inside(quote(time.name))} IS NOT FALSE)"
        beyond = _count(quote(time.name), relation, where(*conditions, f"(NOT {inside})"))
        conditions.append(inside)
    if since is not None:
        bound = _since_sqlite if on_sqlite else _since_postgresql
        if condition := bound(quote(time.name), time, since - MARGIN):
            conditions.append(condition)
    return Selection(relation, ", ".join(columns), tuple(conditions), beyond)


def _count(time: str, relation: Relation, condition: str) -> str:
    return f"SELECT count(*), min(CAST({time} AS text)) FROM {relation.sql}{condition}"  # noqa: S608 - as `statement`


def _plain(column: ColumnInfo, quoted: str, on_sqlite: bool) -> str:  # noqa: FBT001 - the dialect
    """The column, as text where the driver might make an object of it."""
    return f"CAST({quoted} AS text)" if column.kind == "other" and not on_sqlite else quoted


def _known(column: ColumnInfo, quoted: str, on_sqlite: bool) -> str:  # noqa: FBT001 - the dialect
    if on_sqlite or column.kind not in _STAMPED:
        return _plain(column, quoted, on_sqlite)
    return f"CASE WHEN {_inside(quoted)} THEN {quoted} END"


def _inside(quoted: str) -> str:
    return f"({quoted} >= '{OLDEST}' AND {quoted} < '{NEWEST}')"


def _since_sqlite(quoted: str, _column: ColumnInfo, since: datetime) -> str:
    """Leave out what is surely older: ISO texts and numbers, each compared with its own kind.

    Numbers are compared as seconds, so milliseconds all come; so does whatever looks unusual.
    """
    day, seconds = f"{since.astimezone(UTC):%Y-%m-%d}", int(since.timestamp())
    return (
        f"(NOT (typeof({quoted}) = 'text' AND substr({quoted}, 5, 1) = '-' AND {quoted} < '{day}')"
        f" AND NOT (typeof({quoted}) IN ('integer', 'real') AND {quoted} < {seconds}))"
    )


def _since_postgresql(quoted: str, column: ColumnInfo, since: datetime) -> str:
    """A bound that an index can serve; none on text, whose order is the collation's affair."""
    if column.kind in _STAMPED:
        zone = "+00:00" if column.kind == "instant" else ""
        return f"({quoted} >= '{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}{zone}')"
    return f"({quoted} >= {int(since.timestamp())})" if column.kind == "number" else ""
