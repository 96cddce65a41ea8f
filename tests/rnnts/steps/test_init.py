"""The rnnts.toml that a database suggests."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rnnts.config import PanelConfig, load_project_config
from rnnts.database.engine import Database
from rnnts.errors import ConfigurationError
from rnnts.project import open_project
from rnnts.steps.ingest import ingest
from rnnts.steps.init import propose

START = datetime(2024, 1, 1, tzinfo=UTC)


def database(folder: Path, *tables: tuple[str, str, list[tuple[Any, ...]]]) -> str:
    """A SQLite file of tables (name, columns, rows); its URL."""
    file = folder / "source.db"
    with sqlite3.connect(file) as connection:
        for name, columns, rows in tables:
            quoted = name.replace('"', '""')
            connection.execute(f'CREATE TABLE "{quoted}" ({columns})')
            marks = ", ".join("?" for _ in rows[0]) if rows else ""
            if rows:
                connection.executemany(f'INSERT INTO "{quoted}" VALUES ({marks})', rows)  # noqa: S608 - of the test
    connection.close()
    return f"sqlite:///{file}"


def panels(folder: Path, url: str) -> dict[str, PanelConfig]:
    """What a person gets who takes the proposal as it is."""
    file = folder / "rnnts.toml"
    file.write_text(propose(url), encoding="utf-8")
    return load_project_config(file, {}).panels


def hours(count: int, minutes: int = 60) -> list[str]:
    return [str(START + timedelta(minutes=minutes * n))[:19] for n in range(count)]


def test_a_table_of_values_is_proposed_with_keys_frequency_and_horizon(tmp_path: Path) -> None:
    rows = [(n, s, at, 5.0 + n) for s in ("east", "west") for n, at in enumerate(hours(40))]
    url = database(tmp_path, ("Meter Readings", "id INTEGER, region TEXT, at TEXT, kwh REAL", rows))
    found = panels(tmp_path, url)
    assert list(found) == ["meter_readings"]
    source = found["meter_readings"].source
    assert (source.table, source.series, source.time) == ("Meter Readings", ("region",), "at")
    assert source.value == "kwh"
    assert (found["meter_readings"].frequency, found["meter_readings"].horizon) == ("1h", 48)
    assert found["meter_readings"].minimum is None  # 2,000 rows are no proof
    assert "# minimum = 0" in propose(url)


def test_rows_that_stand_on_dates_alone_are_days(tmp_path: Path) -> None:
    dates = [str((START + timedelta(days=n * n % 997)).date()) for n in range(60)]
    url = database(tmp_path, ("signups", "email TEXT, day TEXT", [("a@b", day) for day in dates]))
    assert panels(tmp_path, url)["signups"].frequency == "1D"


def test_a_table_of_events_is_counted(tmp_path: Path) -> None:
    rows = [
        (at, f"N{n}-{m}", carrier, m * 1.5)
        for n, at in enumerate(hours(100))
        for m, carrier in enumerate(("AA", "UA", "AA"))
    ]
    url = database(
        tmp_path, ("flights", "time_hour TEXT, tail TEXT, carrier TEXT, delay REAL", rows)
    )
    found = panels(tmp_path, url)["flights"]
    assert (found.source.aggregate, found.minimum) == ("count", 0)
    assert found.source.series == ("carrier",)
    assert found.source.time == "time_hour"


def test_what_is_proposed_can_be_ingested(tmp_path: Path) -> None:
    rows = [("a", at, float(n)) for n, at in enumerate(hours(60))]
    url = database(tmp_path, ("loads", "feeder TEXT, at TEXT, load REAL", rows))
    (tmp_path / "rnnts.toml").write_text(propose(url))
    result = ingest(open_project(tmp_path / "rnnts.toml"), "loads", START + timedelta(hours=60))
    assert (result.series, result.rows) == (1, 60)


def test_each_table_gets_a_panel_of_its_own_and_others_are_passed_over(tmp_path: Path) -> None:
    daily = [(f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}", n) for n in range(56)]
    dense = [(at, n * 1.0) for n, at in enumerate(hours(50, minutes=2))]
    url = database(
        tmp_path,
        ("daily", "day TEXT, sold INTEGER", daily),
        ("latest", "ts TEXT, y REAL", dense),
        ("names", "name TEXT, age INTEGER", [("ann", 3), ("bob", 4)]),
        ("empty", "at TEXT, v REAL", []),
        ('x"; DROP TABLE daily--', "at TEXT, v REAL", dense),
    )
    found = panels(tmp_path, url)
    assert sorted(found) == ["daily", "panel_latest", "x_drop_table_daily"]
    assert found["daily"].frequency == "1D"
    assert found["panel_latest"].source.aggregate == "mean"
    assert found["panel_latest"].frequency == "5min"
    assert found["x_drop_table_daily"].source.table == 'x"; DROP TABLE daily--'


def test_numbers_of_seconds_and_bookkeeping_columns_are_told_apart(tmp_path: Path) -> None:
    begin = int(START.timestamp())
    rows = [("2024-05-05 00:00:01", begin + 900 * n, n * 1.0, 12) for n in range(50)]
    url = database(tmp_path, ("t", "created_at TEXT, ts INTEGER, value REAL, day INTEGER", rows))
    found = panels(tmp_path, url)["t"]
    assert (found.source.time, found.source.value, found.frequency) == ("ts", "value", "15min")


def test_postgresql_types_are_taken_at_their_word(
    tmp_path: Path, empty_postgresql: Database
) -> None:
    with empty_postgresql.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE loads (note text, read_at timestamptz, sensor int, load numeric)"
        )
        connection.exec_driver_sql(
            "INSERT INTO loads SELECT 'x', timestamptz '2024-01-01' + n * interval '1 day', s, n "
            "FROM generate_series(0, 30) n, generate_series(1, 3) s"
        )
    found = panels(tmp_path, empty_postgresql.url)["loads"]
    assert (found.source.time, found.source.value) == ("read_at", "load")
    assert "sensor" in found.source.series
    assert found.frequency == "1D"


def test_a_password_is_not_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_postgresql: Database
) -> None:
    with empty_postgresql.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT now() AS at, 1 AS v")
    with_password = empty_postgresql.url.replace("postgres@", "postgres:s3cret@", 1)
    monkeypatch.chdir(tmp_path)
    if with_password == empty_postgresql.url:
        with_password = empty_postgresql.url.replace("://postgres:", "://postgres:s3cret")
    text = propose(with_password)
    assert "s3cret" not in text
    assert "RNNTS_DATABASE__URL" in text


def test_a_database_without_times_says_where_it_looked(tmp_path: Path) -> None:
    url = database(tmp_path, ("names", "name TEXT", [("ann",)]))
    with pytest.raises(ConfigurationError, match="none among names") as caught:
        propose(url)
    assert caught.value.code == "NO_SERIES_FOUND"


def test_an_empty_database_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no table at all"):
        propose(database(tmp_path))
