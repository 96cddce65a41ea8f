"""One view a panel, that carries the source's own key and time columns: joined without thinking."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, text

from rnnts.config import SourceConfig
from rnnts.database.engine import Database
from rnnts.database.offsets import local_time, wall_clock
from rnnts.database.schema import QUANTILE_COLUMNS
from rnnts.database.source_inspect import find_relation
from rnnts.errors import ConfigurationError

PREFIX = "source_"
OWN = (
    "series_id", "issued_at", "target_time", "point", *QUANTILE_COLUMNS, "model_version", "method",
    "quality",
)  # fmt: skip
_FROM = """
FROM rnnts_publication AS p
JOIN rnnts_forecast AS f ON f.publication = p.id
JOIN rnnts_series AS s ON s.id = f.series
WHERE p.status = 'live' AND p.panel = '{panel}'"""
_SAFE_TYPE = re.compile(
    r"[A-Za-z][A-Za-z0-9_ ]*(\(\d+(, ?\d+)?\))?( with(out)? time zone)?", re.IGNORECASE
)
_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?P<join>[T ])\d\d:\d\d(?P<seconds>:\d\d)?(?P<fraction>\.\d+)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 1e11, 1e14, 1e17


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """The columns of a source that a view carries on.

    Args:
        keys: (name, type in the source's words) of each key column.
        time: Name of the time column.
        sample: A stamp of it as the driver gives it; None where there is no row yet.
        timezone: Zone of its naive stamps.
    """

    keys: tuple[tuple[str, str], ...]
    time: str
    sample: object
    timezone: str


def source_columns(source: Database, config: SourceConfig, timezone: str) -> SourceColumns:
    """Look a source's columns up.

    Args:
        source: The database that it stands in.
        config: Its relation and columns.
        timezone: The panel's; the source's own goes before it.

    Raises:
        ConfigurationError: SOURCE_MISSING, COLUMN_MISSING, SOURCE_SQL.
    """
    with source.reading() as connection:
        relation = find_relation(connection, config)
        time = connection.dialect.identifier_preparer.quote_identifier(config.time)
        statement = f"SELECT {time} FROM {relation.sql} WHERE {time} IS NOT NULL LIMIT 1"  # noqa: S608 - names that were inspected
        sample = connection.exec_driver_sql(statement).scalar()
    keys = tuple((name, relation.column(name).type) for name in config.series)
    return SourceColumns(keys, config.time, sample, config.timezone or timezone)


def view_name(panel: str) -> str:
    """What the view of a panel is called."""
    return f"rnnts_{panel}_forecast"


def create_view(connection: Connection, panel: str, columns: SourceColumns) -> str:
    """Create or renew the view of what is live of a panel; one that fits stays untouched.

    Its columns: the source's keys and its time, in the source's own types and form, then those of
    rnnts_latest_forecast without the panel. A source's name that rnnts uses too gets "source_"
    before it.

    Args:
        connection: In a writing transaction.
        panel: Its name, which the configuration has checked.
        columns: Of the source.

    Returns:
        The view's name.

    Raises:
        ConfigurationError: VIEW_IN_USE where other views stand on one that has to change.
    """
    name = view_name(panel)
    quoted = _quoted(name)
    statement = f"CREATE VIEW {quoted} AS\n{_select(connection, panel, columns)}"
    if connection.dialect.name == "sqlite":
        _renew_sqlite(connection, name, quoted, statement)
    else:
        _renew_postgresql(connection, quoted, statement)
    return name


def _renew_sqlite(connection: Connection, name: str, quoted: str, statement: str) -> None:
    query = text("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = :name")
    if connection.scalar(query, {"name": name}) != statement:
        _execute(connection, f"DROP VIEW IF EXISTS {quoted}")
        _execute(connection, statement)


def _renew_postgresql(connection: Connection, quoted: str, statement: str) -> None:
    mark = f"rnnts {sha256(statement.encode()).hexdigest()}"
    query = text("SELECT obj_description(to_regclass(:name), 'pg_class')")
    if connection.scalar(query, {"name": quoted}) == mark:
        return
    depending = text(
        "SELECT count(DISTINCT r.ev_class) FROM pg_depend AS d "
        "JOIN pg_rewrite AS r ON r.oid = d.objid "
        "WHERE d.refobjid = to_regclass(:name) AND r.ev_class <> d.refobjid"
    )
    if connection.scalar(depending, {"name": quoted}):
        raise ConfigurationError(
            "VIEW_IN_USE",
            expected="no other view that reads it, for its columns have to change",
            got="at least one",
            where=quoted,
            do="drop that view, run this again, then create it anew",
        )
    _execute(connection, f"DROP VIEW IF EXISTS {quoted}")
    _execute(connection, statement)
    _execute(connection, f"COMMENT ON VIEW {quoted} IS '{mark}'")


def _select(connection: Connection, panel: str, columns: SourceColumns) -> str:
    names = list(_free_names([*(name for name, _ in columns.keys), columns.time]))
    taken = [_key(connection, name, kind) for name, kind in columns.keys]
    taken.append(_time(connection.dialect.name, columns))
    listed = [f"{sql} AS {_quoted(name)}" for sql, name in zip(taken, names, strict=True)]
    own = {"series_id": "s.series_id", "issued_at": "p.issued_at", "model_version": "p.version_id"}
    listed += [f"{own.get(name, f'f.{name}')} AS {name}" for name in OWN]
    return "SELECT " + ",\n    ".join(listed) + _FROM.format(panel=panel)


def _free_names(names: Sequence[str]) -> Iterator[str]:
    """Each name, prefixed until neither rnnts nor a name before it has it; case is no matter."""
    used = set(OWN)
    for name in names:
        free = name
        while free.lower() in used:
            free = PREFIX + free
        used.add(free.lower())
        yield free


def _key(connection: Connection, name: str, kind: str) -> str:
    """A key as the source has it, out of the JSON of rnnts_series."""
    literal = name.replace("'", "''")
    if connection.dialect.name == "sqlite":
        if '"' in name or "\\" in name:
            return f"(SELECT value FROM json_each(s.keys) WHERE key = '{literal}')"  # noqa: S608 - quoted above
        return f"json_extract(s.keys, '$.\"{literal}\"')"
    known = _SAFE_TYPE.fullmatch(kind) and connection.scalar(
        text("SELECT to_regtype(:kind)"), {"kind": kind}
    )
    return f"CAST(s.keys ->> '{literal}' AS {kind if known else 'text'})"


def _time(dialect: str, columns: SourceColumns) -> str:
    """The target time in the form of the source's stamps."""
    sample, zone = columns.sample, columns.timezone
    if isinstance(sample, bool) or sample is None:
        return "f.target_time"
    if isinstance(sample, str):
        return _as_text(dialect, sample, zone)
    if isinstance(sample, datetime):
        return "f.target_time" if sample.tzinfo else local_time(dialect, zone)
    if isinstance(sample, date):
        return f"CAST({local_time(dialect, zone)} AS date)"
    return _as_number(dialect, float(str(sample)))


def _as_number(dialect: str, sample: float) -> str:
    units = ((_NANOSECONDS, 10**9), (_MICROSECONDS, 10**6), (_MILLISECONDS, 10**3))
    unit = next((unit for limit, unit in units if abs(sample) >= limit), 1)
    if dialect == "sqlite":
        return f"CAST(strftime('%s', f.target_time) AS INTEGER) * {unit}"
    return f"CAST(extract(epoch FROM f.target_time) AS bigint) * {unit}"


def _as_text(dialect: str, sample: str, zone: str) -> str:
    """Text of the same pattern; what has an offset of its own is written in UTC."""
    found = _STAMP.fullmatch(sample.strip())
    if found is None:
        plain_day = re.fullmatch(r"\d{4}-\d\d-\d\d", sample.strip())
        return wall_clock(dialect, zone, "date") if plain_day else "f.target_time"
    said = found["zone"] or ""
    suffix = "" if not said else "Z" if said == "Z" else "+00:00" if ":" in said else "+0000"
    fraction = "." + "0" * (len(found["fraction"]) - 1) if found["fraction"] else ""
    form = f"{found['join']}{'seconds' if found['seconds'] else 'minutes'}"
    return wall_clock(dialect, "UTC" if said else zone, form, fraction + suffix)


def _execute(connection: Connection, statement: str) -> None:
    """Past SQLAlchemy, which would look for parameters behind % and : in names."""
    raw: Any = connection.connection.driver_connection
    raw.cursor().execute(statement)


def _quoted(name: str) -> str:
    """A name for `_execute`; SQLAlchemy would double its %."""
    return '"' + name.replace('"', '""') + '"'
