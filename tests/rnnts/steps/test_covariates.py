"""Covariates in a snapshot: what was known when, joined how, and what trouble costs."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.engine import Database
from rnnts.errors import ConfigurationError
from rnnts.panels.arrays import FloatArray
from rnnts.panels.covariates import Covariates
from rnnts.panels.panel import SeriesInfo
from rnnts.steps.check import Report, check
from rnnts.steps.covariates import Span, freeze_covariates
from rnnts.steps.snapshots import load_panel, manifest
from rnnts.steps.timeline import Errand
from tests.rnnts.steps.ground import PANEL, Ground, at, hour, readings

NOW = 100.0
TEMP = """
[panels.loads.covariates.weather]
table = "weather"
time = "at"
"""
KNOWN = TEMP + 'known_at = "told"\nknown_future = "temp"\n'
FREQUENCY = 'frequency = "1h"\nrevision_span = "2d"\n'


def ground_with(folder: Path, database: Database, covariates: str, hours: int = 110) -> Ground:
    """A project with a table of readings of the feeders a and b, and of weather."""
    ground = Ground(folder, database, panel=FREQUENCY + covariates)
    ground.create()
    ground.insert(readings(range(hours), "a") + readings(range(hours), "b"))
    ground.run("CREATE TABLE weather (feeder TEXT, at TEXT, told TEXT, temp REAL, kind TEXT)")
    return ground


def weather(ground: Ground, *rows: tuple[object, ...]) -> None:
    """Add rows of feeder, hour, hour of knowledge, temp."""
    for feeder, time, told, temp in rows:
        when = "NULL" if told is None else f"'{at(float(str(told)))}'"
        name = "NULL" if feeder is None else f"'{feeder}'"
        value = "NULL" if temp is None else repr(temp)
        moment = time if isinstance(time, str) else at(float(str(time)))
        ground.run(f"INSERT INTO weather VALUES ({name}, '{moment}', {when}, {value}, 'x')")  # noqa: S608


def covariates_of(ground: Ground, as_of: float) -> Covariates:
    """Ingest, and read the covariates of the snapshot."""
    snapshot = ground.ingest(hour(as_of)).snapshot_id
    found = load_panel(ground.project, snapshot, with_covariates=True).covariates
    assert found is not None
    return found


def temps(ground: Ground, as_of: float, hours: range, feeder: int = 0) -> FloatArray:
    """The temperature of hours, of one feeder."""
    snapshot = ground.ingest(hour(as_of)).snapshot_id
    panel = load_panel(ground.project, snapshot, with_covariates=True)
    assert panel.covariates is not None
    table = panel.covariates.numbers[0]
    steps = panel.first_step + np.array(hours)
    return table.at(table.rows_of(panel.series), steps)[feeder, :, 0]


def checked(ground: Ground) -> Report:
    project = ground.project
    try:
        return check(project, PANEL, hour(NOW))
    finally:
        project.database.close()


def same(values: FloatArray, *expected: float | None) -> bool:
    wanted = np.array([np.nan if one is None else one for one in expected])
    return np.array_equal(values, wanted, equal_nan=True)


def test_of_several_forecasts_of_an_hour_the_newest_known_one_counts(
    tmp_path: Path, empty_database: Database
) -> None:
    ground = ground_with(tmp_path, empty_database, KNOWN)
    weather(ground, (None, 101, 90, 1.0), (None, 101, 99, 2.0), (None, 101, 101, 3.0))
    assert same(temps(ground, NOW, range(101, 102)), 2.0)
    assert same(temps(ground, 98, range(101, 102)), 1.0)


def test_what_becomes_known_later_changes_no_bit_of_a_snapshot(
    tmp_path: Path, empty_database: Database
) -> None:
    ground = ground_with(tmp_path, empty_database, KNOWN)
    weather(ground, (None, 99, 98, 1.0), (None, 103, 98, 2.0))
    before = ground.ingest(hour(NOW)).snapshot_id
    weather(ground, *((None, step, 100.5, 999.0) for step in range(95, 106)))
    assert ground.ingest(hour(NOW)).snapshot_id == before
    weather(ground, (None, 104, 99, 5.0))
    assert ground.ingest(hour(NOW)).snapshot_id != before


def test_a_past_column_is_not_read_beyond_the_night(
    tmp_path: Path, sqlite_database: Database
) -> None:
    ground = ground_with(tmp_path, sqlite_database, TEMP + 'past = "temp"\n')
    weather(ground, *((None, step, None, float(step)) for step in range(96, 106)))
    assert same(temps(ground, NOW, range(98, 103)), 98, 99, None, None, None)


def test_a_column_known_in_advance_is_read_up_to_the_end_of_the_horizon(
    tmp_path: Path, sqlite_database: Database
) -> None:
    ground = ground_with(tmp_path, sqlite_database, TEMP + 'known_future = "temp"\n')
    weather(ground, *((None, step, None, float(step)) for step in range(96, 110)))
    assert same(temps(ground, NOW, range(104, 108)), 104, 105, None, None)  # horizon 6


def test_reading_on_from_an_earlier_snapshot_gives_the_id_of_reading_all(
    tmp_path: Path, empty_database: Database
) -> None:
    ground = ground_with(tmp_path, empty_database, KNOWN + 'series = "feeder"\n', hours=1500)
    rows = [
        (feeder, step, step - lead, step + lead / 10)
        for feeder in "ab"
        for step in range(0, 1500, 7)
        for lead in (0, 5)
    ]
    weather(ground, *rows)
    ground.ingest(hour(1400))
    after = ground.ingest(hour(1450))
    project = ground.project
    whole = manifest(project, after.snapshot_id)
    errand = Errand(project, PANEL, project.panel(PANEL), hour(1450))
    span = Span(whole.grid, whole.first_step, whole.grid.last_visible(hour(1450)), 6)
    everything, _ = freeze_covariates(errand, span)
    kept = len(everything[0].chunks)
    assert kept > 1
    assert whole.covariates == everything
    first_again = everything[0].chunks[-1].first_step
    again, _ = freeze_covariates(errand, span, everything, first_again)
    assert again == everything


def test_a_covariate_is_joined_by_some_of_the_keys(
    tmp_path: Path, sqlite_database: Database
) -> None:
    text = TEMP + 'past = "temp"\nseries = "feeder"\nstatic = "kind"\n'
    ground = ground_with(tmp_path, sqlite_database, text)
    weather(ground, ("a", 98, None, 1.0), ("c", 98, None, 3.0))
    assert same(temps(ground, NOW, range(98, 99), 0), 1.0)
    assert same(temps(ground, NOW, range(98, 99), 1), None)
    found = covariates_of(ground, NOW).categories[0]
    assert found.of(load_panel_series(ground), "kind") == ["x", ""]


def load_panel_series(ground: Ground) -> tuple[SeriesInfo, ...]:
    return load_panel(ground.project, ground.ingest(hour(NOW)).snapshot_id).series


def test_two_rows_of_the_hour_that_comes_twice_are_its_two_hours(
    tmp_path: Path, sqlite_database: Database
) -> None:
    zone = TEMP + 'past = "temp"\ntimezone = "America/New_York"\n'
    ground = ground_with(tmp_path, sqlite_database, zone)
    ground.run("DELETE FROM readings")
    ground.insert(
        [{"feeder": "a", "at": f"2024-11-03 {each:02}:00:00", "load": 1.0} for each in range(12)]
    )
    for clock, temp in (("00", 0.0), ("01", 1.0), ("01", 2.0), ("02", 3.0)):
        weather(ground, (None, f"2024-11-03 {clock}:00:00", None, temp))
    snapshot = ground.ingest(hour(0) + timedelta(days=310)).snapshot_id
    panel = load_panel(ground.project, snapshot, with_covariates=True)
    assert panel.covariates is not None
    table = panel.covariates.numbers[0]
    steps = panel.first_step + np.arange(3, 9)  # 04:00 UTC is midnight in New York
    assert same(table.at(np.array([0]), steps)[0, :, 0], None, 0, 1, 2, 3, None)


def test_a_row_of_an_hour_that_clocks_skipped_is_left_out_and_told(
    tmp_path: Path, sqlite_database: Database
) -> None:
    zone = TEMP + 'past = "temp"\ntimezone = "America/New_York"\n'
    ground = ground_with(tmp_path, sqlite_database, zone)
    weather(ground, (None, "2024-03-10 02:30:00", None, 1.0), (None, 5, None, 2.0))
    ground.ingest(hour(NOW))
    assert "clocks went forward" in ground.findings()["COVARIATE_ROWS"].evidence


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TABLE weather",
        "ALTER TABLE weather RENAME COLUMN temp TO heat",
    ],
)
def test_a_table_that_cannot_be_read_costs_the_covariate_and_not_the_night(
    tmp_path: Path, empty_database: Database, spoil: str
) -> None:
    ground = ground_with(tmp_path, empty_database, KNOWN)
    weather(ground, (None, 99, 98, 1.0))
    ground.ingest(hour(NOW))
    ground.run(spoil)
    assert same(temps(ground, NOW + 1, range(99, 100)), None)
    finding = ground.findings()["COVARIATE_UNREADABLE"]
    assert finding.severity == "error"
    assert "weather" in finding.evidence
    with pytest.raises(ConfigurationError) as caught:
        checked(ground)
    assert caught.value.code in {"SOURCE_MISSING", "COLUMN_MISSING"}
    assert "[panels.loads.covariates.weather]" in str(caught.value)


def test_texts_are_no_numbers(tmp_path: Path, sqlite_database: Database) -> None:
    ground = ground_with(tmp_path, sqlite_database, TEMP + 'past = "kind"\n')
    weather(ground, (None, 99, None, 1.0))
    ground.ingest(hour(NOW))
    assert "'x'" in ground.findings()["COVARIATE_TYPE"].evidence
    with pytest.raises(ConfigurationError, match="COVARIATE_TYPE loads: expected numbers"):
        checked(ground)


def test_fractions_are_no_categories(tmp_path: Path, sqlite_database: Database) -> None:
    ground = ground_with(tmp_path, sqlite_database, TEMP + 'series="feeder"\nstatic = "temp"\n')
    weather(ground, ("a", 99, None, 1.5))
    ground.ingest(hour(NOW))
    assert "1.5" in ground.findings()["COVARIATE_TYPE"].evidence
    with pytest.raises(ConfigurationError, match="COVARIATE_TYPE loads: expected texts"):
        checked(ground)


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([(99, 1.0), (105, 1.0)], "COVARIATE_CONSTANT", "weather.temp is 1 throughout"),
        ([(99, None)], "COVARIATE_EMPTY", "weather.temp has no value at all"),
        ([(98, 1.0), (99, 2.0)], "COVARIATE_ENDS_EARLY", "6 steps before the end of the horizon"),
    ],
)
def test_check_says_what_a_column_is_worth(
    tmp_path: Path,
    sqlite_database: Database,
    rows: list[tuple[int, float | None]],
    code: str,
    said: str,
) -> None:
    ground = ground_with(tmp_path, sqlite_database, TEMP + 'known_future = "temp"\n')
    weather(ground, *((None, step, None, temp) for step, temp in rows))
    report = checked(ground)
    assert said in {one.code: one.evidence for one in report.findings}[code]
    assert "covariates.weather" in {one.name for one in report.settings}
    assert "covariate weather.temp" in {one.name for one in report.facts}


def test_holidays_stand_in_the_snapshot(tmp_path: Path, sqlite_database: Database) -> None:
    ground = ground_with(tmp_path, sqlite_database, 'holidays = "US"\n')
    found = covariates_of(ground, NOW).numbers[0]  # 1 to 5 January 2024
    assert found.columns == ("today", "tomorrow", "yesterday")
    first = found.first_step
    day = found.at(np.array([0]), first + np.array([0, 23, 24, 48]))[0]
    assert day[:, 0].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert day[:, 2].tolist() == [0.0, 0.0, 1.0, 0.0]
    assert found.steps == int(NOW) + 6


def test_a_panel_without_covariates_has_the_manifest_that_it_always_had(
    tmp_path: Path, sqlite_database: Database
) -> None:
    ground = ground_with(tmp_path, sqlite_database, "")
    whole = manifest(ground.project, ground.ingest(hour(NOW)).snapshot_id)
    assert sorted(whole.to_json()) == [
        "chunks", "first_step", "format", "grid", "panel", "recipe", "series", "watermark"
    ]  # fmt: skip
