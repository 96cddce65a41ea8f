"""What went wrong with rows, counted by kind and series, with one example each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnnts.config import SourceConfig
from rnnts.findings import Finding, Severity
from rnnts.panels.arrays import IntArray

SHOWN = 40
"""Characters of a value that a finding repeats."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of trouble with rows: what is said of it."""

    severity: Severity
    part: Literal["series", "time", "value", "known_at"]  # whose column it stands in
    evidence: str  # with {n} rows and {example}
    remedy: str


PROBLEMS = {
    "ID_EMPTY": Problem(
        "warning",
        "series",
        "{n} rows whose key is empty or NULL; they belong to no series",
        "fill the key columns, or leave such rows out with source.where",
    ),
    "ID_UNSTORABLE": Problem(
        "warning",
        "series",
        "{n} rows whose id no database stores: {example}",
        "remove NUL and broken characters from the key columns",
    ),
    "TIME_EMPTY": Problem(
        "warning",
        "time",
        "{n} rows without a time; they are left out",
        "fill the time column, or leave such rows out with source.where",
    ),
    "TIME_UNPARSABLE": Problem(
        "warning",
        "time",
        "{n} rows whose time cannot be read, such as {example}; they are left out",
        "write ISO times such as 2013-12-02 02:00:00, or numbers of seconds",
    ),
    "TIME_OUT_OF_RANGE": Problem(
        "warning",
        "time",
        "{n} rows whose time is infinite or outside the years 1 to 9999, such as {example}; "
        "they are left out",
        "correct them, or leave them out with source.where",
    ),
    "TIME_NONEXISTENT": Problem(
        "warning",
        "time",
        "{n} rows whose local time does not exist, such as {example} (clocks went forward); "
        "they are left out",
        'if the column is in UTC, set source.timezone = "UTC"; else correct the rows',
    ),
    "TIME_AMBIGUOUS": Problem(
        "info",
        "time",
        "{n} rows whose local time comes twice, such as {example} (clocks went back): two rows "
        "are taken for the two instants, one for the first",
        "nothing to do; an offset in the column, or UTC, would settle it",
    ),
    "TIME_ZONE_MIXED": Problem(
        "warning",
        "time",
        "{n} rows whose time has no zone, such as {example}, among others that have one; "
        "they are left out",
        "set source.timezone to the zone of the bare ones",
    ),
    "KNOWN_AT_EMPTY": Problem(
        "warning",
        "known_at",
        "{n} rows that do not say when they became known; they stay invisible",
        "fill the column that source.known_at names",
    ),
    "LABEL_OFF_GRID": Problem(
        "warning",
        "time",
        "{n} rows whose time is no label of the grid, such as {example}; where a step has no row "
        "of its own, the nearest of them counts",
        "see the grid in `rnnts check`; set source.phase, frequency or aggregate",
    ),
    "VALUE_NOT_NUMERIC": Problem(
        "warning",
        "value",
        "{n} rows whose value is no number, such as {example}; those steps are missing",
        "correct the rows, or name another column in source.value",
    ),
    "VALUE_OUT_OF_RANGE": Problem(
        "warning",
        "value",
        "{n} values that are infinite or beyond 1e18, such as {example}; those steps are missing",
        "correct the rows",
    ),
    "DUPLICATE_TIME": Problem(
        "warning",
        "time",
        "{n} steps with rows that contradict each other, such as {example}; they are missing",
        "keep one row a step, or set source.known_at or source.aggregate",
    ),
    "BELOW_MINIMUM": Problem(
        "warning",
        "value",
        "{n} values below the minimum, such as {example}; those steps are missing",
        "correct the rows, or the panel's minimum",
    ),
    "ABOVE_MAXIMUM": Problem(
        "warning",
        "value",
        "{n} values above the maximum, such as {example}; those steps are missing",
        "correct the rows, or the panel's maximum",
    ),
}


class Tally:
    """Counts of problems by series."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], int] = {}
        self._examples: dict[tuple[str, int], str] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(
        self, problem: str, series: IntArray, rows: IntArray, example: Callable[[int], str]
    ) -> None:
        """Count rows.

        Args:
            problem: One of `PROBLEMS`.
            series: Series of every row of a page, negative where it has none, [n].
            rows: The rows to count, places in `series`.
            example: Describes the row at such a place.
        """
        found, first, counts = np.unique(series[rows], return_index=True, return_counts=True)
        for code, place, count in zip(found.tolist(), first.tolist(), counts.tolist(), strict=True):
            key = (problem, max(code, -1))
            self._counts[key] = self._counts.get(key, 0) + count
            if key not in self._examples:
                self._examples[key] = example(int(rows[place]))

    def note(self, problem: str, count: int, example: str) -> None:
        """Count rows that belong to no series."""
        if count:
            self._counts[problem, -1] = self._counts.get((problem, -1), 0) + count
            self._examples.setdefault((problem, -1), example)

    def total(self, problem: str) -> int:
        """Rows of a kind, over all series."""
        return sum(count for (name, _), count in self._counts.items() if name == problem)

    def example(self, problem: str) -> str:
        """One row of a kind that occurred."""
        return next(text for (name, _), text in self._examples.items() if name == problem)

    def findings(self, panel: str, source: SourceConfig, ids: Sequence[str]) -> list[Finding]:
        """A finding for each kind and series, by kind, then id; each says where the rows stand."""
        found = []
        for (name, code), count in self._counts.items():
            problem = PROBLEMS[name]
            evidence = problem.evidence.format(n=count, example=self._examples[name, code])
            evidence += f" ({place_of(source, problem.part)})"
            series = ids[code] if code >= 0 else None
            found.append(Finding(name, problem.severity, panel, evidence, problem.remedy, series))
        return sorted(found, key=lambda finding: (finding.code, finding.series or ""))


def place_of(source: SourceConfig, part: Literal["series", "time", "value", "known_at"]) -> str:
    """Where in the source something stands.

    >>> place_of(SourceConfig(table="loads", time="at", value="kw", series=("a", "b")), "series")
    'table loads, columns a, b'
    >>> place_of(SourceConfig(query="SELECT 1", time="at", aggregate="count"), "value")
    'source.query'
    """
    relation = "source.query" if source.table is None else f"table {source.table}"
    named = source.series if part == "series" else (getattr(source, part),)
    columns = [name for name in named if name is not None]
    if not columns:
        return relation
    return f"{relation}, column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"


def shown(value: object) -> str:
    """A value as a finding repeats it.

    >>> shown("abc"), len(shown("x" * 100))
    ("'abc'", 41)
    """
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
