"""`f.target_time` by the wall clock of a zone, in SQL that a view can hold."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from rnnts.panels.zones import zone_offsets

FIRST = int(datetime(1970, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2060, 1, 1, tzinfo=UTC).timestamp())
"""SQLite knows no zones, so its views carry the changes of clocks between these two."""
_HALF_DAY = 43_200

_SQLITE_FORMS = {
    "date": "%Y-%m-%d",
    "Tseconds": "%Y-%m-%dT%H:%M:%S",
    " seconds": "%Y-%m-%d %H:%M:%S",
    "Tminutes": "%Y-%m-%dT%H:%M",
    " minutes": "%Y-%m-%d %H:%M",
}
_POSTGRESQL_FORMS = {
    "date": "YYYY-MM-DD",
    "Tseconds": 'YYYY-MM-DD"T"HH24:MI:SS',
    " seconds": "YYYY-MM-DD HH24:MI:SS",
    "Tminutes": 'YYYY-MM-DD"T"HH24:MI',
    " minutes": "YYYY-MM-DD HH24:MI",
}


def local_time(dialect: str, timezone: str) -> str:
    """A naive stamp: `timestamp` on PostgreSQL, "YYYY-MM-DD HH:MM:SS" on SQLite."""
    if dialect == "sqlite":
        return wall_clock(dialect, timezone, " seconds")
    return f"(f.target_time AT TIME ZONE '{_checked(timezone)}')"


def wall_clock(dialect: str, timezone: str, form: str, suffix: str = "") -> str:
    """Text of a form: "date", or "T" or " " and then "seconds" or "minutes"; then the suffix."""
    if dialect == "sqlite":
        shift = _shift(*_changes(_checked(timezone)))
        return f"strftime('{_SQLITE_FORMS[form]}{suffix}', f.target_time, {shift})"
    pattern = _POSTGRESQL_FORMS[form] + (f'"{suffix}"' if suffix else "")
    return f"to_char({local_time(dialect, timezone)}, '{pattern}')"


def _checked(timezone: str) -> str:
    """The zone, which configuration has checked; here it becomes part of a statement."""
    if "'" in timezone:
        raise ValueError(f"expected the name of a time zone, got {timezone!r}")
    return timezone


def _changes(timezone: str) -> tuple[list[int], list[int]]:
    """Instants from which on a zone has another offset, epoch seconds, and n + 1 offsets."""
    grid = np.arange(FIRST, LAST, _HALF_DAY)
    offsets = zone_offsets(grid, timezone)
    changed = np.flatnonzero(np.diff(offsets))
    before, after = grid[changed], grid[changed + 1]
    while (after - before > 1).any():
        middle = (before + after) // 2
        old = zone_offsets(middle, timezone) == offsets[changed]
        before, after = np.where(old, middle, before), np.where(old, after, middle)
    return after.tolist(), [*offsets[changed].tolist(), int(offsets[-1])]


def _shift(instants: Sequence[int], offsets: Sequence[int]) -> str:
    """A tree of CASEs, so that a row costs 8 comparisons and not 180."""
    if not instants:
        return f"'{offsets[0]} seconds'"
    half = len(instants) // 2
    instant = datetime.fromtimestamp(instants[half], UTC)
    earlier = _shift(instants[:half], offsets[: half + 1])
    later = _shift(instants[half + 1 :], offsets[half + 1 :])
    return f"CASE WHEN f.target_time < '{instant}' THEN {earlier} ELSE {later} END"
