"""Days on which clocks change, from the table to the published rows, in three zones."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rnnts.project import open_project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish

CONFIG = """
[database]
url = "sqlite:///rnnts.db"

[panels.loads]
source = {{ table = "readings", series = "site", time = "at", value = "value" }}
frequency = "{frequency}"
timezone = "{zone}"
horizon = {horizon}
"""
HISTORY = timedelta(days=20)
STEPS = {"1h": timedelta(hours=1), "30min": timedelta(minutes=30)}
DAYS = [  # rows of an hourly panel and of a half-hourly one
    ("America/New_York", date(2013, 3, 10), 23, 46),
    ("America/New_York", date(2013, 11, 3), 25, 50),
    ("Europe/Berlin", date(2013, 3, 31), 23, 46),
    ("Europe/Berlin", date(2013, 10, 27), 25, 50),
    ("Australia/Lord_Howe", date(2013, 10, 6), 23, 47),  # 23.5 hours
    ("Australia/Lord_Howe", date(2013, 4, 7), 25, 49),  # 24.5: 25 full hours of UTC begin in it
]
CASES = [
    (zone, day, frequency, rows)
    for zone, day, *both in DAYS
    for frequency, rows in zip(STEPS, both, strict=True)
]


def clock(at: datetime, zone: str) -> float:
    """Hours on the wall clock, [0, 24)."""
    local = at.astimezone(ZoneInfo(zone))
    return local.hour + local.minute / 60


def apart(one: float, other: float) -> float:
    """Hours between two places on the dial."""
    between = abs(one - other) % 24
    return min(between, 24 - between)


def beside(zone: str, frequency: str) -> float:
    """Half an hour is no whole step of an hourly panel: there the hour beside it stands in."""
    return 0.5 if (zone, frequency) == ("Australia/Lord_Howe", "1h") else 0.0


def stamps(first: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    while first < until:
        yield first
        first += step


def published(
    folder: Path, zone: str, frequency: str, midnight: datetime
) -> list[tuple[datetime, float, str]]:
    """What a night at `midnight` publishes of a series that is its own wall clock.

    Returns:
        Target time in UTC, point and method of each live row.
    """
    step = STEPS[frequency]
    horizon = timedelta(hours=26) // step
    config = CONFIG.format(frequency=frequency, zone=zone, horizon=horizon)
    (folder / "rnnts.toml").write_text(config)
    start = (midnight - HISTORY).replace(minute=0)
    rows = [("a", at.isoformat(), clock(at, zone)) for at in stamps(start, midnight, step)]
    with sqlite3.connect(folder / "rnnts.db") as connection:
        connection.execute("CREATE TABLE readings (site TEXT, at TEXT, value REAL)")
        connection.executemany("INSERT INTO readings VALUES (?, ?, ?)", rows)
    connection.close()
    project = open_project(folder / "rnnts.toml")
    snapshot = ingest(project, "loads", midnight).snapshot_id
    staged = forecast(project, "loads", snapshot, midnight)
    assert publish(project, "loads", staged.staged_id, midnight).rows == horizon
    with sqlite3.connect(folder / "rnnts.db") as connection:
        found = connection.execute(
            "SELECT target_time, point, method FROM rnnts_latest_forecast ORDER BY target_time"
        ).fetchall()
    connection.close()
    return [(in_utc(target), point, method) for target, point, method in found]


def in_utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@pytest.mark.parametrize(("zone", "day", "frequency", "count"), CASES)
def test_a_day_has_as_many_rows_as_it_has_steps_each_with_yesterdays_clock_hour(
    tmp_path: Path, zone: str, day: date, frequency: str, count: int
) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    rows = published(tmp_path, zone, frequency, midnight)
    times = [at for at, *_ in rows]
    step = STEPS[frequency]
    assert {later - sooner for sooner, later in pairwise(times)} == {step}
    of_day = [row for row in rows if row[0].astimezone(ZoneInfo(zone)).date() == day]
    assert len(of_day) == count
    assert len({at for at, *_ in of_day}) == count
    assert {method for *_, method in rows} == {"seasonal_naive"}
    for at, point, _ in of_day:
        assert apart(point, clock(at, zone)) <= beside(zone, frequency)


@pytest.mark.parametrize(("zone", "day", "frequency"), [case[:3] for case in CASES])
def test_the_day_after_looks_back_over_the_change_by_the_wall_clock(
    tmp_path: Path, zone: str, day: date, frequency: str
) -> None:
    after = day + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    rows = published(tmp_path, zone, frequency, midnight)
    off = [at for at, point, _ in rows if apart(point, clock(at, zone)) > beside(zone, frequency)]
    skipped = day.month == (10 if zone == "Australia/Lord_Howe" else 3)
    hours = {clock(at, zone) for at in off}
    assert hours <= ({2.0, 2.5} if skipped else set())  # what yesterday's clocks did not show


@pytest.mark.parametrize("frequency", STEPS)
def test_the_hour_that_comes_twice_has_two_rows_of_one_clock_hour(
    tmp_path: Path, frequency: str
) -> None:
    zone = "America/New_York"
    midnight = datetime(2013, 11, 3, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    rows = published(tmp_path, zone, frequency, midnight)
    twice = [at for at, point, _ in rows if point == 1.0 and at < midnight + timedelta(hours=24)]
    assert twice == [datetime(2013, 11, 3, hour, tzinfo=UTC) for hour in (5, 6)]
