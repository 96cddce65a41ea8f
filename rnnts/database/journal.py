"""The WAL-reset bug of SQLite: a file in WAL mode may be damaged by a library that has it."""

import sqlite3

from sqlalchemy import text

from rnnts.database.engine import Database
from rnnts.findings import Finding

FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""The first fixed release, and the older lines that got the fix. Source: sqlite.org/wal.html."""


def library_is_fixed(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether the SQLite of the running Python is free of the bug.

    >>> library_is_fixed((3, 40, 1)), library_is_fixed((3, 44, 6)), library_is_fixed((3, 52, 0))
    (False, True, True)
    """
    lines: dict[tuple[int, ...], tuple[int, ...]] = {fixed[:2]: fixed for fixed in FIXED}
    return version >= lines.get(version[:2], FIXED[0])


def wal_finding(database: Database, panel: str) -> Finding | None:
    """What to say of a user's file in WAL mode, which is left as it is; None where all is well."""
    if database.file is None or library_is_fixed():
        return None
    with database.reading() as connection:
        if connection.scalar(text("PRAGMA journal_mode")) != "wal":
            return None
    return Finding(
        "SQLITE_WAL_BUG",
        "warning",
        panel,
        f"{database.file} is in WAL mode, which SQLite {sqlite3.sqlite_version} may damage",
        "use a Python with SQLite 3.51.3 or newer, or run `PRAGMA journal_mode = DELETE` on it",
    )
