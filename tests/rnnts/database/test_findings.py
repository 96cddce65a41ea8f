from datetime import UTC, datetime, timedelta

from rnnts.database.engine import Database
from rnnts.database.findings import FindingRow, findings_of, fold, record_findings
from rnnts.findings import Finding

NIGHT = datetime(2013, 12, 2, 7, tzinfo=UTC)


def _finding(series: str | None = "JFK/AA", evidence: str = "2 rows at noon") -> Finding:
    return Finding("DUPLICATE_TIME", "warning", "loads", evidence, "look at the loader", series)


def _record(database: Database, seen_at: datetime, *findings: Finding) -> None:
    with database.writing() as connection:
        record_findings(connection, findings, seen_at)


def _rows(database: Database, panel: str | None = None) -> tuple[FindingRow, ...]:
    with database.reading() as connection:
        return findings_of(connection, panel)


def test_a_finding_seen_each_night_is_one_row_that_counts(database: Database) -> None:
    for night in range(3):
        _record(database, NIGHT + timedelta(days=night), _finding(evidence=f"night {night}"))
    (row,) = _rows(database)
    assert (row.count, row.evidence) == (3, "night 2")
    assert (row.first_seen, row.last_seen) == (NIGHT, NIGHT + timedelta(days=2))


def test_a_run_repeated_for_the_same_night_counts_once(database: Database) -> None:
    _record(database, NIGHT, _finding())
    _record(database, NIGHT, _finding())
    assert _rows(database)[0].count == 1


def test_what_is_found_in_an_older_night_does_not_hide_what_is_known_now(
    database: Database,
) -> None:
    _record(database, NIGHT, _finding(evidence="now"))
    _record(database, NIGHT - timedelta(days=9), _finding(evidence="then"))
    (row,) = _rows(database)
    assert (row.evidence, row.count) == ("now", 2)
    assert (row.first_seen, row.last_seen) == (NIGHT - timedelta(days=9), NIGHT)


def test_series_and_panels_stay_apart(database: Database) -> None:
    _record(database, NIGHT, _finding("a"), _finding("A"), _finding(None))
    _record(database, NIGHT, Finding("DUPLICATE_TIME", "error", "wind", "x", "y", "a"))
    assert sorted(row.series_id for row in _rows(database, "loads")) == ["", "A", "a"]
    assert [row.panel for row in _rows(database)] == ["wind", "loads", "loads", "loads"]


def test_more_than_100_series_of_one_code_become_one_finding_of_the_panel(
    database: Database,
) -> None:
    _record(database, NIGHT, *(_finding(f"series {number:04d}") for number in range(101)))
    (row,) = _rows(database)
    assert row.series_id == ""
    assert row.evidence.startswith("101 series, such as 'series 0000', 'series 0001'")
    assert row.evidence.count("'series ") == 20


def test_100_series_of_one_code_stay_100_findings() -> None:
    assert len(fold(_finding(f"series {number}") for number in range(100))) == 100


def test_the_same_thing_said_thrice_in_a_run_is_said_once() -> None:
    (folded,) = fold([_finding(evidence="first"), _finding(evidence="second"), _finding()])
    assert folded.evidence == "first (and 2 more)"


def test_text_that_postgresql_refuses_is_shown_escaped(database: Database) -> None:
    _record(database, NIGHT, _finding("a\x00b", evidence="half a character: \ud83d"))
    (row,) = _rows(database)
    assert row.series_id == "a\\x00b"
    assert row.evidence == "half a character: \\ud83d"
