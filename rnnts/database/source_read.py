"""One pass over a source, a page at a time, so that memory does not grow with its rows.

A SQLite table is read by row number in short statements: in rollback mode an open cursor blocks
every writer's COMMIT. Whether the table stood still meanwhile is found out afterwards, and cheaply.
Views, queries and tables without row numbers take one cursor; PostgreSQL one snapshot.
"""

import gc
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection

from rnnts.config import SourceConfig
from rnnts.database.engine import Database
from rnnts.database.source_inspect import Relation, find_relation
from rnnts.database.source_select import Selection, select_source
from rnnts.failpoints import hit

PAGE_ROWS = 10_000
"""About 20 ms of reading, for which a SQLite source's own writers wait; and few enough to stay in
the processor's cache while rows become columns (1.6 times as fast as pages of 50,000)."""
ROWID_MIN, ROWID_MAX = -(2**63), 2**63 - 1
Column = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a source, column by column, as the driver gave them."""

    keys: tuple[Column, ...]
    time: Column
    value: Column | None
    known_at: Column | None

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Beyond:
    """Rows whose stamp no calendar of ours holds: infinity, or before the year 1."""

    count: int
    example: str


class SourceReader(Protocol):
    """What reads a source; made by `reading_source`."""

    relation: Relation

    def pages(self) -> Generator[Page, None, None]:
        """All rows, from the start each time it is called."""

    def stood_still(self) -> bool:
        """After a whole pass: whether what was read is what the table held when it ended."""

    def beyond(self) -> Beyond:
        """The rows that `pages` leaves out for their stamp."""


@contextmanager
def reading_source(
    database: Database, config: SourceConfig, panel: str = "", since: datetime | None = None
) -> Iterator[SourceReader]:
    """Open a source for reading.

    Args:
        database: Where it stands.
        config: Its relation and columns.
        panel: For messages.
        since: Rows before this need not come; some still may.

    Raises:
        ConfigurationError: SOURCE_MISSING, COLUMN_MISSING, SOURCE_SQL.
        InfrastructureError: As `Database.reading`.
    """
    with database.reading() as connection:
        relation = find_relation(connection, config, panel)
        selection = select_source(connection.dialect, relation, config, since)
        shape = _Shape(len(config.series), config.value is not None, config.known_at is not None)
        if connection.dialect.name == "postgresql":
            yield _SnapshotReader(connection, selection, shape)
        elif relation.paging == "rowid":
            yield _RowidReader(connection, selection, shape)
        else:
            yield _CursorReader(connection, selection, shape)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which columns a row has, in the order of `Selection.columns`."""

    keys: int
    value: bool
    known_at: bool

    def page(self, rows: Sequence[tuple[Any, ...]]) -> Page:
        """The rows, column by column."""
        columns = list(zip(*rows, strict=True))
        known = columns.pop() if self.known_at else None
        value = columns.pop() if self.value else None
        return Page(tuple(columns[: self.keys]), columns[self.keys], value, known)


class _RowidReader:
    """Pages of a SQLite table by ranges of its row number; no cursor outlives its page."""

    def __init__(self, connection: Connection, selection: Selection, shape: _Shape) -> None:
        self.relation = selection.relation
        self._raw = _sqlite(connection)
        self._raw.commit()  # the connection's transaction would keep its lock between pages
        self._selection = selection
        self._shape = shape
        self._read: list[tuple[int, int, int]] = []  # first and last row number, digest
        self._version = 0

    def pages(self) -> Generator[Page, None, None]:
        self._read.clear()
        self._version = self._data_version()
        first = ROWID_MIN
        while first <= ROWID_MAX and (last := self._last_of_page(first)) is not None:
            page = self._page(first, last)
            hit("ingest.page_read")
            self._read.append((first, last, _digest(page)))
            if page is not None:
                yield page
            first = last + 1

    def stood_still(self) -> bool:
        """Other tables share the file, so a change of version only asks to look at the rows again.

        Rows that were appended after the last page was read do not matter.
        """
        if self._data_version() == self._version:
            return True
        return all(self._same(*page) for page in self._read)

    def beyond(self) -> Beyond:
        return Beyond(0, "")

    def _same(self, first: int, last: int, digest: int) -> bool:
        return _digest(self._page(first, last)) == digest

    def _data_version(self) -> int:
        return int(self._raw.execute("PRAGMA data_version").fetchone()[0])

    def _last_of_page(self, first: int) -> int | None:
        rowid, table = self.relation.rowid, self.relation.sql
        found = self._raw.execute(
            f"SELECT max(n) FROM (SELECT {rowid} AS n FROM {table} WHERE {rowid} >= {first} "  # noqa: S608 - quoted names and our own numbers
            f"ORDER BY {rowid} LIMIT {PAGE_ROWS})"
        ).fetchone()[0]
        return None if found is None else int(found)

    def _page(self, first: int, last: int) -> Page | None:
        with _uncollected():
            rows = self._rows(first, last)
            return self._shape.page(rows) if rows else None

    def _rows(self, first: int, last: int) -> list[tuple[Any, ...]]:
        rowid = self.relation.rowid
        span = f"{rowid} BETWEEN {first} AND {last}"
        statement = f"{self._selection.statement(span)} ORDER BY {rowid}"
        try:
            return self._raw.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if _told_by_sqlite(error) or self._raw.text_factory is _decoded:
                raise
            self._raw.text_factory = _decoded  # some text is no UTF-8: one bad row, not a bad night
            return self._raw.execute(statement).fetchall()


class _CursorReader:
    """One cursor over a SQLite view, query or table without row numbers: one consistent view."""

    def __init__(self, connection: Connection, selection: Selection, shape: _Shape) -> None:
        self.relation = selection.relation
        self._raw = _sqlite(connection)
        self._raw.text_factory = _decoded
        self._selection = selection
        self._shape = shape

    def pages(self) -> Generator[Page, None, None]:
        with closing(self._raw.execute(self._selection.statement())) as cursor:
            while page := _fetched(cursor, self._shape):
                hit("ingest.page_read")
                yield page

    def stood_still(self) -> bool:
        return True

    def beyond(self) -> Beyond:
        return Beyond(0, "")


class _SnapshotReader:
    """A server-side cursor in a repeatable-read transaction of PostgreSQL."""

    def __init__(self, connection: Connection, selection: Selection, shape: _Shape) -> None:
        self.relation = selection.relation
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)  # noqa: S101 - tells the type checker
        self._raw = raw
        self._selection = selection
        self._shape = shape

    def pages(self) -> Generator[Page, None, None]:
        self._raw.execute("SET LOCAL synchronize_seqscans = off")  # rows in their order each time
        self._raw.execute("SET LOCAL cursor_tuple_fraction = 1")  # all rows will be fetched
        with self._raw.cursor(name="rnnts_source") as cursor:
            cursor.execute(self._selection.statement().encode())
            while page := _fetched(cursor, self._shape):
                hit("ingest.page_read")
                yield page

    def stood_still(self) -> bool:
        return True

    def beyond(self) -> Beyond:
        if not self._selection.beyond:
            return Beyond(0, "")
        row = self._raw.execute(self._selection.beyond.encode()).fetchone()
        count, example = row or (0, None)
        return Beyond(int(count), str(example or ""))


class _Cursor(Protocol):
    def fetchmany(self, size: int, /) -> list[tuple[Any, ...]]: ...


def _fetched(cursor: _Cursor, shape: _Shape) -> Page | None:
    with _uncollected():
        rows = cursor.fetchmany(PAGE_ROWS)
        return shape.page(rows) if rows else None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector, which walks all new tuples again and again: half the time of a read.

    Rows are freed when they have become columns; there are no cycles among them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _sqlite(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - tells the type checker
    return raw


def _digest(page: Page | None) -> int:
    """A number that a changed row changes; good within this process only."""
    return 0 if page is None else hash((page.keys, page.time, page.value, page.known_at))


def _told_by_sqlite(error: sqlite3.OperationalError) -> bool:
    """False where Python's module raised it by itself: text that is no UTF-8."""
    return getattr(error, "sqlite_errorname", None) is not None


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
