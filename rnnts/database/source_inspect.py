"""What a source really has: relations, columns and their types, looked up before they are used.

SQLite reads a misspelt quoted name as text, so names are compared here and never tried out.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from sqlalchemy import Connection, inspect, types
from sqlalchemy.exc import DBAPIError

from rnnts.config import SourceConfig
from rnnts.errors import ConfigurationError

Kind = Literal["instant", "naive", "date", "number", "text", "boolean", "other"]
"""What a column's declared type says of its values; SQLite holds nobody to it."""
Paging = Literal["rowid", "cursor"]
NEAREST = 3
OWN_PREFIXES = ("rnnts_", "sqlite_", "alembic_")


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column as the database describes it."""

    name: str
    type: str  # in the database's own words
    kind: Kind


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or query that can be read."""

    name: str  # as a person wrote it; "query" for a query
    sql: str  # what stands behind FROM, quoted
    columns: tuple[ColumnInfo, ...]
    paging: Paging
    rowid: str = ""  # the name that reaches the row number, where pages go by it

    def column(self, name: str) -> ColumnInfo:
        """The column of exactly this name, which must exist."""
        return next(column for column in self.columns if column.name == name)


def relation_names(connection: Connection) -> list[str]:
    """Tables and views of the default schema, those of rnnts and of the database left out."""
    inspector = inspect(connection)
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    if connection.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names()
    return sorted(name for name in names if not name.startswith(OWN_PREFIXES))


def find_relation(connection: Connection, config: SourceConfig, panel: str = "") -> Relation:
    """The relation that a source names, with every column that it needs.

    Raises:
        ConfigurationError: SOURCE_MISSING, COLUMN_MISSING, or SOURCE_SQL where the database
            does not understand the query or the condition.
    """
    if config.query is not None:
        relation = _query(connection, config.query, panel)
    else:
        relation = table_relation(connection, str(config.table), panel)
    needed = [*config.series, config.time, config.value, config.known_at]
    require_columns(relation, [name for name in needed if name is not None], panel)
    if config.where is not None:
        condition = f"SELECT 1 FROM {relation.sql} WHERE (\n{config.where}\n) LIMIT 0"  # noqa: S608 - the user's own SQL, on a source that is only read
        _tried(connection, condition, panel, 'the condition "where"')
    return relation


def table_relation(connection: Connection, written: str, panel: str = "") -> Relation:
    """A table or view by the name that a person wrote, "name" or "schema.name".

    Raises:
        ConfigurationError: SOURCE_MISSING with the nearest names.
    """
    schema, name = _located(connection, written, panel)
    quote = connection.dialect.identifier_preparer.quote_identifier
    columns = tuple(
        ColumnInfo(str(column["name"]), str(column["type"]), _kind(column["type"]))
        for column in inspect(connection).get_columns(name, schema)
    )
    rowid = _rowid(connection, name, schema, columns)
    sql = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    return Relation(written, sql, columns, "rowid" if rowid else "cursor", rowid)


def require_columns(relation: Relation, needed: Sequence[str], panel: str = "") -> None:
    """Refuse names that the relation does not have, letter by letter.

    Raises:
        ConfigurationError: COLUMN_MISSING with the names that there are.
    """
    there = [column.name for column in relation.columns]
    for name in needed:
        if name not in there:
            raise ConfigurationError(
                "COLUMN_MISSING",
                panel=panel,
                got=f"no column {name!r}; there are: {', '.join(there)}",
                where=relation.name,
                do=f"correct [panels.{panel}] source, letter case included"
                if panel
                else "correct the name, letter case included",
            )


def sample_rows(connection: Connection, relation: Relation, limit: int) -> dict[str, list[object]]:
    """The first rows of a relation by column; PostgreSQL's stamps as text, which holds them all."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    on_sqlite = connection.dialect.name == "sqlite"
    columns = ", ".join(
        quote(column.name)
        if on_sqlite or column.kind in {"number", "text", "boolean"}
        else f"CAST({quote(column.name)} AS text)"
        for column in relation.columns
    )
    statement = f"SELECT {columns} FROM {relation.sql} LIMIT {limit}"  # noqa: S608 - quoted names
    rows = connection.execution_options(no_parameters=True).exec_driver_sql(statement).all()
    return {
        column.name: [row[place] for row in rows] for place, column in enumerate(relation.columns)
    }


def _located(connection: Connection, written: str, panel: str) -> tuple[str | None, str]:
    inspector = inspect(connection)
    there = _all_names(connection, None)
    if written in there:
        return None, written
    schema, dot, name = written.partition(".")
    if dot and schema in inspector.get_schema_names() and name in _all_names(connection, schema):
        return schema, name
    names = [name for name in there if not name.startswith(OWN_PREFIXES)]
    nearest = sorted(names, key=lambda name: (-_likeness(name, written), name))[:NEAREST]
    raise ConfigurationError(
        "SOURCE_MISSING",
        panel=panel,
        got=f"no table {written!r}; nearest: {', '.join(nearest) or 'there is none at all'}",
        where="the source database",
        do="correct source.table, or see that source.url names the right database",
    )


def _all_names(connection: Connection, schema: str | None) -> list[str]:
    inspector = inspect(connection)
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if connection.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names(schema)
        names += inspector.get_foreign_table_names(schema)  # type: ignore[attr-defined] # PostgreSQL's inspector has it
    return names


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def _rowid(
    connection: Connection, name: str, schema: str | None, columns: Sequence[ColumnInfo]
) -> str:
    """A name that reaches the row number of a plain SQLite table; "" where nothing does."""
    if connection.dialect.name != "sqlite":
        return ""
    kinds = connection.exec_driver_sql(
        "SELECT type, wr FROM pragma_table_list WHERE name = ? AND schema = ?",
        (name, schema or "main"),
    ).all()
    if not kinds or kinds[0][0] != "table" or kinds[0][1]:
        return ""
    taken = {column.name.casefold() for column in columns}
    return next((word for word in ("rowid", "_rowid_", "oid") if word not in taken), "")


def _query(connection: Connection, query: str, panel: str) -> Relation:
    body = query.strip().rstrip(";")
    sql = f"(\n{body}\n) AS rnnts_source"  # on lines of its own: it may end in a comment
    statement = f"SELECT * FROM {sql} LIMIT 0"  # noqa: S608 - the same
    described = _tried(connection, statement, panel, "source.query")
    columns = tuple(
        ColumnInfo(str(name), str(code or ""), _OIDS.get(code, "other")) for name, code in described
    )
    return Relation("query", sql, columns, "cursor")


def _tried(connection: Connection, sql: str, panel: str, what: str) -> list[tuple[str, object]]:
    """Run a statement that gives no rows; names and type codes of its columns."""
    try:
        result = connection.execution_options(no_parameters=True).exec_driver_sql(sql)
    except DBAPIError as error:
        if not is_statement_fault(error.orig):
            raise
        raise ConfigurationError(
            "SOURCE_SQL",
            panel=panel,
            expected=f"{what} that the database understands",
            got=" ".join(str(error.orig).split()),
            where=f"[panels.{panel}] source" if panel else "source",
            do="try it in the database's own shell, then correct it",
        ) from error
    found = [(str(column[0]), column[1]) for column in result.cursor.description]
    result.close()
    return found


def is_statement_fault(cause: BaseException | None) -> bool:
    """Whether the statement itself is at fault: told by code, never by text."""
    if isinstance(cause, sqlite3.ProgrammingError):
        return True  # Python's module refused it by itself: a ":name" that nobody binds
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorname", "") == "SQLITE_ERROR"
    state = str(getattr(cause, "sqlstate", None) or "")
    return state.startswith(("42", "22", "0A")) and state != "42501"  # 42501: no right to read


_OIDS: dict[object, Kind] = {
    1184: "instant",
    1114: "naive",
    1082: "date",
    16: "boolean",
    **dict.fromkeys((20, 21, 23, 700, 701, 1700), "number"),
    **dict.fromkeys((18, 19, 25, 1042, 1043), "text"),
}
"""PostgreSQL's fixed numbers of types, catalog pg_type."""

_KINDS: tuple[tuple[type[object], Kind], ...] = (
    (types.Date, "date"),
    (types.Boolean, "boolean"),
    (types.Numeric, "number"),
    (types.Integer, "number"),
    (types.String, "text"),
)


def _kind(declared: object) -> Kind:
    if isinstance(declared, types.DateTime):
        return "instant" if getattr(declared, "timezone", False) else "naive"
    return next((kind for type_, kind in _KINDS if isinstance(declared, type_)), "other")
