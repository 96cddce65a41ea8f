"""Instants as columns: aware and UTC, or refused; and the database's own clock."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from rnnts.errors import ConfigurationError


class NaiveInstantError(ConfigurationError, DontWrapMixin):
    """A time without a zone, refused in one sentence and not in SQLAlchemy's with its SQL."""

    def __init__(self, value: datetime) -> None:
        super().__init__(
            "INSTANT_INVALID",
            expected="an instant with a time zone",
            got=repr(value.isoformat()),
            do="give it one, such as datetime(2013, 12, 2, 2, tzinfo=UTC)",
        )


class Instant(TypeDecorator[datetime]):
    """`timestamptz` on PostgreSQL, "YYYY-MM-DD HH:MM:SS+00:00" on SQLite; never naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite's own DateTime would lose the offset, so there an instant is text."""
        stored: TypeEngine[Any] = DateTime(timezone=True)
        if dialect.name == "sqlite":
            stored = String(25)
        return dialect.type_descriptor(stored)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        """Refuse what is naive, and write UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NaiveInstantError(value)
        instant = value.astimezone(UTC).replace(microsecond=0)
        return str(instant) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give back an aware instant."""
        if value is None:
            return None
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return instant.astimezone(UTC)


class database_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The instant by the database's clock: hosts disagree, and no room reads their clocks."""

    type = Instant()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _now_sqlite(_element: database_now, _compiler: SQLCompiler, **_options: object) -> str:
    return "strftime('%Y-%m-%d %H:%M:%S+00:00', 'now')"


@compiles(database_now, "postgresql")
def _now_postgresql(_element: database_now, _compiler: SQLCompiler, **_options: object) -> str:
    return "date_trunc('second', clock_timestamp())"
