"""Findings in the database: folded, so that nobody has to read the same thing twice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, or_, select

from rnnts.database.schema import finding as table
from rnnts.database.upsert import insert_into
from rnnts.findings import Finding, Severity

MAX_SERIES = 100
"""Beyond so many series of one code, one finding of the panel: nobody reads 100,000."""
EXAMPLES = 20
_SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One row of `rnnts_finding`."""

    code: str
    severity: Severity
    panel: str
    series_id: str  # "": the whole panel
    evidence: str
    remedy: str
    count: int
    first_seen: datetime
    last_seen: datetime


def record_findings(
    connection: Connection, findings: Iterable[Finding], seen_at: datetime
) -> tuple[Finding, ...]:
    """Record them, folded by (code, panel, series); give what was recorded.

    The count rises once for each instant of which a thing is said: a run repeated for the same
    instant changes nothing but the evidence.

    Args:
        connection: In a writing transaction.
        findings: As steps noticed them.
        seen_at: The as_of or issued_at of the run, not the clock.
    """
    folded = fold(findings)
    if not folded:
        return ()
    statement = insert_into(connection, table)
    new = statement.excluded
    elsewhen = or_(new.last_seen > table.c.last_seen, new.first_seen < table.c.first_seen)
    newest = new.last_seen >= table.c.last_seen
    statement = statement.on_conflict_do_update(
        index_elements=["code", "panel", "series_id"],
        set_={
            "count": table.c.count + case((elsewhen, new["count"]), else_=0),
            "first_seen": _bound(connection, "least", table.c.first_seen, new.first_seen),
            "last_seen": _bound(connection, "greatest", table.c.last_seen, new.last_seen),
            "severity": case((newest, new.severity), else_=table.c.severity),
            "evidence": case((newest, new.evidence), else_=table.c.evidence),
            "remedy": case((newest, new.remedy), else_=table.c.remedy),
        },
    )
    connection.execute(
        statement,
        [
            {
                "code": one.code,
                "severity": one.severity,
                "panel": one.panel,
                "series_id": storable(one.series or ""),
                "evidence": storable(one.evidence),
                "remedy": storable(one.remedy),
                "count": 1,
                "first_seen": seen_at,
                "last_seen": seen_at,
            }
            for one in folded
        ],
    )
    return folded


def fold(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for each (code, panel, series), and one for a code of too many series.

    The first of its kind speaks, in the order given; "and 3 more" follows its evidence.
    """
    kept: dict[tuple[str, str, str | None], Finding] = {}
    seen: Counter[tuple[str, str, str | None]] = Counter()
    for one in findings:
        key = (one.code, one.panel, one.series)
        kept.setdefault(key, one)
        seen[key] += 1
    by_code: dict[tuple[str, str], list[Finding]] = {}
    for key, one in kept.items():
        by_code.setdefault((one.code, one.panel), []).append(_and_more(one, seen[key] - 1))
    folded: list[Finding] = []
    for group in by_code.values():
        of_series = [one for one in group if one.series is not None]
        if len(of_series) > MAX_SERIES:
            folded += [one for one in group if one.series is None]
            folded.append(_of_panel(of_series))
        else:
            folded += group
    return tuple({(one.code, one.panel, one.series): one for one in folded}.values())


def findings_of(
    connection: Connection,
    panel: str | None = None,
    since: datetime | None = None,
    limit: int = 1000,
    *,
    least: Severity = "info",
) -> tuple[FindingRow, ...]:
    """Errors first, then warnings, each with the newest first.

    Args:
        connection: Any.
        panel: Only of this one.
        since: Only those seen at or after this instant.
        limit: At most so many.
        least: Only those of this severity and above.
    """
    rank = case({name: rank for rank, name in enumerate(_SEVERITIES)}, value=table.c.severity)
    statement = select(*(table.c[name] for name in FindingRow.__slots__)).order_by(
        rank.desc(), table.c.last_seen.desc(), table.c.code, table.c.series_id
    )
    if panel is not None:
        statement = statement.where(table.c.panel == panel)
    if since is not None:
        statement = statement.where(table.c.last_seen >= since)
    statement = statement.where(table.c.severity.in_(_SEVERITIES[_SEVERITIES.index(least) :]))
    return tuple(FindingRow(*row) for row in connection.execute(statement.limit(limit)))


def storable(words: str) -> str:
    r"""The text as both databases take it: PostgreSQL knows no NUL, and no half of a character.

    >>> print(storable("a\x00b\ud800"))
    a\x00b\ud800
    """
    return words.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _and_more(one: Finding, more: int) -> Finding:
    if more == 0:
        return one
    evidence = f"{one.evidence} (and {more} more)"
    return Finding(one.code, one.severity, one.panel, evidence, one.remedy, one.series)


def _of_panel(findings: Sequence[Finding]) -> Finding:
    first = findings[0]
    names = ", ".join(repr(one.series) for one in findings[:EXAMPLES])
    severity = max((one.severity for one in findings), key=_SEVERITIES.index)
    evidence = f"{len(findings)} series, such as {names}; the first: {first.evidence}"
    return Finding(first.code, severity, first.panel, evidence, first.remedy)


def _bound(connection: Connection, name: str, *values: object) -> object:
    """Least or greatest; SQLite calls them min and max."""
    words = {"least": "min", "greatest": "max"} if connection.dialect.name == "sqlite" else {}
    return getattr(func, words.get(name, name))(*values)
