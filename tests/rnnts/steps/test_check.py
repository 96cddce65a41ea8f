"""Everything that `rnnts check` says, and that it leaves no trace."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.errors import ConfigurationError, NoUsableDataError
from rnnts.project import Project, open_project
from rnnts.steps.check import Report, check
from rnnts.steps.looking import look

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
NOW = BEGIN + timedelta(days=40)
HOURS = 40 * 24
CONFIG = """
[database]
url = "sqlite:///data.db"

[panels.loads]
source = {{ table = "readings", series = "feeder", time = "read_at", value = "load" }}
horizon = 24
{settings}
"""


def laid_out(
    folder: Path, rows: list[tuple[str | None, str, object]], settings: str = ""
) -> Project:
    """A project whose table holds these rows."""
    with sqlite3.connect(folder / "data.db") as connection:
        connection.execute("CREATE TABLE readings (feeder, read_at, load)")
        connection.executemany("INSERT INTO readings VALUES (?, ?, ?)", rows)
    connection.close()
    (folder / "rnnts.toml").write_text(CONFIG.format(settings=settings))
    return open_project(folder / "rnnts.toml")


def readings(feeder: str = "north", hours: int = HOURS) -> list[tuple[str | None, str, object]]:
    """A day's rhythm with a little noise, above 0."""
    noise = np.random.default_rng(1).normal(0, 0.1, hours)
    return [
        (
            feeder,
            (BEGIN + timedelta(hours=hour)).isoformat(),
            float(20 + np.sin(hour * np.pi / 12) + noise[hour]),
        )
        for hour in range(hours)
    ]


def facts(report: Report) -> dict[str, str]:
    return {fact.name: fact.value for fact in report.facts}


def test_a_table_that_ended_long_ago_is_told(tmp_path: Path) -> None:
    project = laid_out(tmp_path, readings())
    assert "SERIES_STALE" not in codes(check(project, "loads", NOW))
    late = check(project, "loads", NOW + timedelta(days=60))
    assert "SERIES_STALE" in codes(late)


def test_a_setting_of_the_environment_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNTS_PANELS__LOADS__MAX_DELAY", "9h")
    monkeypatch.setenv("RNNTS_PANELS__LOADS__TRAIN__MINUTES", "3")
    monkeypatch.setenv("RNNTS_PANELS__LOADS__SOURCE__TIMEZONE", "UTC")
    report = check(laid_out(tmp_path, readings()), "loads", NOW)
    origins = {row.name: row.origin for row in report.settings}
    assert origins["max_delay"] == "environment variable RNNTS_PANELS__LOADS__MAX_DELAY"
    assert origins["budget"] == "environment variable RNNTS_PANELS__LOADS__TRAIN__MINUTES"
    assert origins["timezone"] == "default"
    assert origins["horizon"] == "rnnts.toml"


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def test_a_report_has_every_setting_and_what_the_data_shows(tmp_path: Path) -> None:
    project = laid_out(
        tmp_path, readings() + readings("south"), 'schedule = { forecast = "0 2 * * *" }'
    )
    report = check(project, "loads", NOW)
    settings = {row.name: (row.value, row.origin) for row in report.settings}
    assert settings["frequency"] == ("1h", "the labels of the data")
    assert settings["window"] == ("288 steps", "a third of 960 steps of history")
    assert facts(report) | {
        "series": "2",
        "rows read": "1,920",
        "span": "2026-01-05 00:00+00:00 to 2026-02-13 23:00+00:00",
        "observations": "1,920 over 960 steps",
        "missing": "0.0 %",
        "season found": "24 steps",
        "next forecast": ("2026-02-14 02:00+00:00, 2026-02-15 02:00+00:00, 2026-02-16 02:00+00:00"),
        "next retrain": "only when asked for",
    } == facts(report)
    assert facts(report)["training"].startswith("15 minutes of the patched_lstm")


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    project = laid_out(tmp_path, readings())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    check(project, "loads", NOW)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_report_is_json(tmp_path: Path) -> None:
    import json

    report = check(laid_out(tmp_path, readings()), "loads", NOW)
    assert json.loads(json.dumps(report.to_json()))["panel"] == "loads"


def test_nothing_later_than_the_instant_is_looked_at(tmp_path: Path) -> None:
    project = laid_out(tmp_path, readings())
    seen = look(project, "loads", BEGIN + timedelta(hours=30, minutes=1))
    assert seen.panel.values.shape == (1, 30)
    assert (seen.rows, seen.later) == (960, 929)


def test_values_and_lives_are_those_of_the_table(tmp_path: Path) -> None:
    rows = [*readings("b", 50)[10:], *readings("a", 40)]
    seen = look(laid_out(tmp_path, rows), "loads", NOW)
    assert [info.series_id for info in seen.panel.series] == ["a", "b"]
    assert seen.panel.values.shape == (2, 50)
    assert np.isnan(seen.panel.values[0, 40:]).all()
    assert np.isnan(seen.panel.values[1, :10]).all()
    assert seen.panel.values[1, 10:].tolist() == [row[2] for row in rows[:40]]


def minimum_of(report: Report) -> tuple[str, str]:
    return next((each.value, each.origin) for each in report.settings if each.name == "minimum")


def test_values_that_were_never_negative_have_a_minimum_and_it_is_said(tmp_path: Path) -> None:
    report = check(laid_out(tmp_path, readings()), "loads", NOW)
    assert minimum_of(report) == ("0", "no value was ever negative")


def test_one_negative_value_is_enough_to_have_none(tmp_path: Path) -> None:
    rows = [*readings("b", 50), ("b", readings("b", 51)[-1][1], -0.5)]
    assert minimum_of(check(laid_out(tmp_path, rows), "loads", NOW)) == ("none", "default")


def test_a_minimum_that_is_set_stays(tmp_path: Path) -> None:
    report = check(laid_out(tmp_path, readings(), "minimum = -5"), "loads", NOW)
    assert minimum_of(report) == ("-5", "rnnts.toml")


def test_a_short_history_and_short_series_are_told(tmp_path: Path) -> None:
    project = laid_out(tmp_path, readings(hours=100) + readings("new", 20))
    report = check(project, "loads", NOW)
    assert {"HISTORY_SHORT", "TOO_SHORT"} <= codes(report)
    assert facts(report)["series short"] == "1 (new)"


def test_many_missing_steps_are_told(tmp_path: Path) -> None:
    rows = [row for place, row in enumerate(readings()) if place % 3 == 0]
    report = check(laid_out(tmp_path, rows, 'frequency = "1h"'), "loads", NOW)
    assert "MANY_MISSING" in codes(report)
    assert facts(report)["missing"].startswith("66.")


def test_trouble_with_rows_is_told_as_ingest_would(tmp_path: Path) -> None:
    rows = [
        *readings(),
        ("south", "2026-01-09 12:00Z", "much"),
        (None, "2026-01-09 12:00Z", 3.0),
        ("north", "2026-01-09 12:00", 3.0),
    ]
    report = check(laid_out(tmp_path, rows, 'frequency = "1h"'), "loads", NOW)
    assert {"VALUE_NOT_NUMERIC", "ID_EMPTY", "TIME_ZONE_MIXED"} <= codes(report)


def test_an_hourly_local_schedule_is_told_to_halt_in_autumn(tmp_path: Path) -> None:
    settings = 'timezone = "America/New_York"\nschedule = { forecast = "0 * * * *" }'
    report = check(laid_out(tmp_path, readings(), settings), "loads", NOW)
    upset = next(finding for finding in report.findings if finding.code == "CRON_DST")
    assert "2026-11-01" in upset.evidence
    assert "schedule in UTC" in upset.remedy


def test_a_window_longer_than_the_history_is_refused_with_another(tmp_path: Path) -> None:
    project = laid_out(tmp_path, readings(), "model = { window = 5000 }")
    with pytest.raises(ConfigurationError, match=r"set model\.window = 288") as caught:
        check(project, "loads", NOW)
    assert caught.value.code == "WINDOW_TOO_LONG"


@pytest.mark.parametrize("rows", [[], readings(hours=3)], ids=["empty", "all_later"])
def test_a_source_without_rows_is_told_so(
    tmp_path: Path, rows: list[tuple[str | None, str, object]]
) -> None:
    with pytest.raises(NoUsableDataError, match="is the loader late") as caught:
        check(laid_out(tmp_path, rows, 'frequency = "1h"'), "loads", BEGIN)
    assert caught.value.code == "SOURCE_EMPTY"


@pytest.mark.parametrize(
    ("time", "value", "code", "where"),
    [
        ("2026-01-05 {:02}:00", "high", "VALUE_NOT_NUMERIC", "table readings, column load"),
        ("2026-01-05 {:02}:00", None, "ALL_MISSING", "table readings, column load"),
        ("monday {}", 1.0, "TIME_UNPARSABLE", "table readings, column read_at"),
    ],
)
@pytest.mark.parametrize("settings", ["", 'frequency = "1h"'])
def test_rows_of_which_none_can_be_used_are_told_from_none(
    tmp_path: Path, time: str, value: object, code: str, where: str, settings: str
) -> None:
    rows: list[tuple[str | None, str, object]] = [
        ("north", time.format(hour), value) for hour in range(24)
    ]
    project = laid_out(tmp_path, rows, settings)
    with pytest.raises(NoUsableDataError) as caught:
        check(project, "loads", NOW)
    assert (caught.value.code, caught.value.where) == (code, where)


def test_a_table_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    project = laid_out(tmp_path, readings())
    file = tmp_path / "rnnts.toml"
    file.write_text(file.read_text().replace('"readings"', '"reading"'))
    with pytest.raises(ConfigurationError, match="readings"):
        check(open_project(project.file), "loads", NOW)


def test_a_frozen_grid_is_the_one_that_is_looked_with(tmp_path: Path) -> None:
    from rnnts.steps.ingest import ingest

    project = laid_out(tmp_path, readings())
    ingest(project, "loads", NOW)
    with sqlite3.connect(tmp_path / "data.db") as connection:
        connection.execute("UPDATE readings SET read_at = replace(read_at, ':00:00+', ':15:00+')")
    connection.close()
    report = check(project, "loads", NOW)
    assert {row.name: row.value for row in report.settings}["phase"] == "0 s"
    assert "LABEL_OFF_GRID" in codes(report)
