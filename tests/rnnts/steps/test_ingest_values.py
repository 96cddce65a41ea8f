"""Values that are not simply numbers, duplicates, events."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.database.engine import Database
from rnnts.errors import NoUsableDataError
from tests.rnnts.steps.ground import Ground, at, hour, readings, same

REAL = "feeder TEXT, at TEXT, load DOUBLE PRECISION"


@pytest.fixture
def ground(tmp_path: Path, empty_sqlite: Database) -> Ground:
    ground = Ground(tmp_path, empty_sqlite)
    ground.create()
    return ground


@pytest.fixture
def both(tmp_path: Path, empty_database: Database) -> Ground:
    return Ground(tmp_path, empty_database)


def events(ground: Ground, aggregate: str, rows: list[dict[str, Any]], value: bool = True) -> None:  # noqa: FBT001, FBT002 - reads well enough
    """Configure a panel of events and add some."""
    ground.configure(f'aggregate = "{aggregate}"')
    if not value:
        file = ground.folder / "rnnts.toml"
        file.write_text(file.read_text().replace(', value = "load"', ""))
    ground.insert(rows)


def test_one_text_among_numbers_is_missing_and_named(ground: Ground) -> None:
    ground.insert(readings([1.0, "broken " * 20, 3.0]))
    assert same(ground.values(hour(3)), [1, None, 3])
    evidence = ground.findings()["VALUE_NOT_NUMERIC"].evidence
    assert "'broken broken" in evidence
    assert at(1) in evidence
    assert evidence.endswith("(table readings, column load)")
    assert len(evidence) < 200


def test_a_column_of_text_is_refused_with_examples(ground: Ground) -> None:
    ground.insert(readings(["low", "high"]))
    with pytest.raises(NoUsableDataError) as caught:
        ground.ingest(hour(2))
    assert caught.value.code == "VALUE_NOT_NUMERIC"
    assert caught.value.where == "table readings, column load"
    assert "'low' at" in caught.value.got
    assert "VALUE_NOT_NUMERIC" in ground.findings()


def test_numbers_written_as_text_are_numbers(ground: Ground) -> None:
    ground.insert(readings(["1.5", " 2 ", "3e1"]))
    assert same(ground.values(hour(3)), [1.5, 2, 30])


def test_nothing_but_null_is_no_data(ground: Ground) -> None:
    ground.insert(readings([None, None]))
    with pytest.raises(NoUsableDataError) as caught:
        ground.ingest(hour(2))
    assert caught.value.code == "ALL_MISSING"


def test_a_series_of_nothing_but_null_goes_along_with_others(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0]) + readings([None, None], "b"))
    panel = ground.panel(ground.ingest(hour(2)).snapshot_id)
    assert [info.series_id for info in panel.series] == ["a", "b"]
    assert np.isnan(panel.values[1]).all()
    assert panel.series[1].last - panel.series[1].first == 1


def test_infinities_and_giants_are_missing_and_named(both: Ground) -> None:
    both.create(REAL)
    both.insert(readings([1.0, math.inf, -math.inf, 1e308, 1e18]))
    assert same(both.values(hour(5)), [1, None, None, None, 1e18])
    assert "3 values" in both.findings()["VALUE_OUT_OF_RANGE"].evidence


def test_not_a_number_of_postgresql_is_missing(tmp_path: Path, empty_postgresql: Database) -> None:
    ground = Ground(tmp_path, empty_postgresql)
    ground.create(REAL)
    ground.insert(readings([1.0, math.nan, 3.0]))
    assert same(ground.values(hour(3)), [1, None, 3])


def test_values_beyond_the_panels_limits_are_missing(ground: Ground) -> None:
    ground.configure(panel='frequency = "1h"\nminimum = 0\nmaximum = 10')
    ground.insert(readings([1.0, -3.0, 11.0, 10.0, 0.0]))
    assert same(ground.values(hour(5)), [1, None, None, 10, 0])
    assert "-3 at 2024-01-01T01:00:00+00:00" in ground.findings()["BELOW_MINIMUM"].evidence
    assert "ABOVE_MAXIMUM" in ground.findings()


def test_equal_duplicates_fold_and_different_ones_leave_the_step_missing(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0, 3.0]) + readings([1.0, 5.0]))
    assert same(ground.values(hour(3)), [1, None, 3])
    finding = ground.findings()["DUPLICATE_TIME"]
    assert (finding.series_id, "2024-01-01T01:00:00" in finding.evidence) == ("a", True)


def test_of_different_duplicates_the_one_known_latest_counts(both: Ground) -> None:
    both.create(f"{REAL}, known TEXT")
    both.configure('known_at = "known"')
    rows = [
        {"feeder": "a", "at": at(0), "load": value, "known": at(known)}
        for value, known in ((5.0, 3), (7.0, 9), (6.0, 4), (6.0, 4))
    ]
    both.insert(rows)
    assert same(both.values(hour(10)), [7])
    assert same(both.values(hour(5)), [6])
    assert same(both.values(hour(3)), [5])
    assert "DUPLICATE_TIME" not in both.findings()


def test_a_later_row_without_a_value_takes_an_observation_back(ground: Ground) -> None:
    ground.run("ALTER TABLE readings ADD known TEXT")
    ground.configure('known_at = "known"')
    rows = [{**row, "known": at(2)} for row in readings([1.0, 2.0])]
    ground.insert([*rows, {"feeder": "a", "at": at(1), "load": None, "known": at(3)}])
    assert same(ground.values(hour(2)), [1, 2])
    assert same(ground.values(hour(3)), [1])


def test_rows_that_do_not_say_when_they_were_known_stay_unseen(ground: Ground) -> None:
    ground.run("ALTER TABLE readings ADD known TEXT")
    ground.configure('known_at = "known"')
    ground.insert([{**row, "known": at(2)} for row in readings([1.0])])
    ground.insert([{**row, "known": None} for row in readings([1.0, 2.0])])
    assert same(ground.values(hour(3)), [1])
    assert "2 rows" in ground.findings()["KNOWN_AT_EMPTY"].evidence


def test_labels_beside_the_grid_give_way_to_those_on_it(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0, 3.0]))
    ground.insert([{"feeder": "a", "at": at(n), "load": 9.0} for n in (0.25, 1.5, 3.25, 3.5)])
    assert same(ground.values(hour(4)), [1, 2, 3, 9])
    assert "4 rows" in ground.findings()["LABEL_OFF_GRID"].evidence


def test_counting_counts_values_and_without_a_column_rows(ground: Ground) -> None:
    rows = [
        {"feeder": "a", "at": at(n), "load": value}
        for n, value in ((0.1, 5.0), (0.5, None), (2.2, "x"), (2.3, 0.0), (3.9, 1.0))
    ]
    events(ground, "count", rows)
    assert same(ground.values(hour(4)), [1, 0, 2, 1])
    ground.run("DELETE FROM readings")
    events(ground, "count", rows, value=False)
    assert same(ground.values(hour(4)), [2, 0, 2, 1])


def test_a_series_lives_from_its_first_event_to_the_watermark_of_all(both: Ground) -> None:
    both.create(REAL)
    rows = [
        {"feeder": series, "at": at(n), "load": 2.0}
        for series, n in (("a", 0.5), ("a", 5.5), ("b", 2.5), ("b", 2.7))
    ]
    events(both, "sum", rows)
    panel = both.panel(both.ingest(hour(9)).snapshot_id)
    assert same(panel.values[0], [2, 0, 0, 0, 0, 2])
    assert same(panel.values[1], [None, None, 4, 0, 0, 0])
    assert (panel.series[1].last, panel.watermark) == (panel.watermark, panel.first_step + 5)


def test_a_series_of_events_without_a_value_lives_too(both: Ground) -> None:
    both.create(REAL)
    rows = [
        {"feeder": series, "at": at(n), "load": value}
        for series, n, value in (("a", 0.5, 1.0), ("a", 2.5, 1.0), ("b", 1.5, None))
    ]
    events(both, "count", rows)
    assert same(both.values(hour(3), "b"), [0, 0])


def test_means_and_last_values_are_missing_where_nothing_happened(ground: Ground) -> None:
    rows = [
        {"feeder": "a", "at": at(n), "load": value}
        for n, value in ((0.1, 4.0), (0.9, 6.0), (0.95, None), (2.2, 3.0))
    ]
    events(ground, "mean", rows)
    assert same(ground.values(hour(3)), [5, None, 3])
    ground.configure('aggregate = "last"')
    assert same(ground.values(hour(3)), [6, None, 3])


def test_an_unusable_event_makes_its_step_missing(ground: Ground) -> None:
    rows = [
        {"feeder": "a", "at": at(n), "load": value}
        for n, value in ((0.1, 4.0), (0.9, "x"), (1.5, 1.0))
    ]
    events(ground, "sum", rows)
    assert same(ground.values(hour(2)), [None, 1])


def test_events_of_an_unfinished_step_are_not_read(ground: Ground) -> None:
    rows = [{"feeder": "a", "at": at(n), "load": 1.0} for n in (0.5, 1.5, 1.6)]
    events(ground, "count", rows)
    assert same(ground.values(hour(1.99)), [1])
    assert same(ground.values(hour(2)), [1, 2])


def test_ids_stay_byte_for_byte_distinct(both: Ground) -> None:
    both.create(REAL)
    ids = ["A", "a", "\u00e9", "e\u0301", "🦉", " a", "a/b", "x'); --", "<img>"]
    both.insert([row for name in ids for row in readings([1.0], name)])
    panel = both.panel(both.ingest(hour(1)).snapshot_id)
    assert [info.series_id for info in panel.series] == sorted(ids, key=str.encode)


def test_empty_ids_are_left_out_with_a_finding(both: Ground) -> None:
    both.create(REAL)
    both.insert(readings([1.0]) + readings([1.0], "") + readings([1.0], None))  # type: ignore[arg-type] # NULL on purpose
    assert both.ingest(hour(1)).series == 1
    assert "2 rows" in both.findings()["ID_EMPTY"].evidence


def test_an_id_that_no_database_stores_is_shown_escaped(ground: Ground) -> None:
    ground.insert(readings([1.0]) + readings([1.0], "b\0c"))
    ground.run("INSERT INTO readings VALUES (CAST(x'ff41' AS TEXT), '2024-01-01 00:00:00', 1.0)")
    assert ground.ingest(hour(1)).series == 1
    assert "b\\x00c" in ground.findings()["ID_UNSTORABLE"].evidence
