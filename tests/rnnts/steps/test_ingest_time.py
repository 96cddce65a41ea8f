"""Stamps of every kind, clocks that change, and labels of starts, ends and instants."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rnnts.database.engine import Database
from tests.rnnts.steps.ground import Ground, at, hour, readings, same

NEW_YORK = "America/New_York"


@pytest.fixture
def ground(tmp_path: Path, empty_sqlite: Database) -> Ground:
    ground = Ground(tmp_path, empty_sqlite)
    ground.create()
    return ground


def stamped(stamps: list[object], series: str = "a") -> list[dict[str, object]]:
    return [{"feeder": series, "at": stamp, "load": float(n)} for n, stamp in enumerate(stamps)]


@pytest.mark.parametrize(
    "stamps",
    [
        pytest.param([at(0), at(1)], id="naive text"),
        pytest.param(["2024-01-01T01:00:00+01:00", "2024-01-01T01:00:00Z"], id="offsets"),
        pytest.param([1_704_067_200, 1_704_070_800.0], id="seconds"),
        pytest.param([1_704_067_200_000, 1_704_070_800_000], id="milliseconds"),
    ],
)
def test_stamps_of_any_kind_mean_the_same_instants(ground: Ground, stamps: list[object]) -> None:
    ground.run("DROP TABLE readings")
    ground.create("feeder TEXT, at, load REAL")
    ground.insert(stamped(stamps))
    panel = ground.panel(ground.ingest(hour(2)).snapshot_id)
    assert same(panel.values[0], [0, 1])
    assert panel.grid.label_of(np.array([panel.first_step]))[0] == hour(0).timestamp()


def test_naive_and_typed_stamps_of_postgresql_are_read_in_the_panels_zone(
    tmp_path: Path, empty_postgresql: Database
) -> None:
    ground = Ground(tmp_path, empty_postgresql, panel=f'frequency = "1h"\ntimezone = "{NEW_YORK}"')
    ground.create("feeder TEXT, at timestamp, load double precision")
    ground.insert(stamped([datetime(2024, 1, 1, n) for n in range(2)]))  # noqa: DTZ001 - naive on purpose
    panel = ground.panel(ground.ingest(hour(7)).snapshot_id)
    assert panel.grid.label_of(np.array([panel.first_step]))[0] == hour(5).timestamp()


def test_dates_are_days_of_the_panels_zone(tmp_path: Path, empty_database: Database) -> None:
    ground = Ground(tmp_path, empty_database, panel=f'frequency = "1D"\ntimezone = "{NEW_YORK}"')
    ground.create("feeder TEXT, at DATE, load DOUBLE PRECISION")
    days = [date(2024, 3, 8) + timedelta(days=n) for n in range(5)]
    on_sqlite = empty_database.dialect == "sqlite"
    ground.insert(stamped([str(day) if on_sqlite else day for day in days]))
    ends = datetime(2024, 3, 13, tzinfo=ZoneInfo(NEW_YORK))
    assert same(ground.values(ends), range(5))  # the 10th had 23 hours
    assert same(ground.values(ends - timedelta(minutes=1)), range(4))


def test_mixed_stamps_leave_out_the_naive_ones_unless_their_zone_is_told(ground: Ground) -> None:
    ground.insert(stamped([at(0), "2024-01-01T01:00:00Z", at(2), "2024-01-01T03:00:00Z"]))
    assert same(ground.values(hour(4)), [1, None, 3])
    assert "2 rows" in ground.findings()["TIME_ZONE_MIXED"].evidence
    ground.configure('timezone = "UTC"')
    assert same(ground.values(hour(4)), [0, 1, 2, 3])


def test_a_later_row_with_a_zone_does_not_change_what_naive_ones_mean(ground: Ground) -> None:
    ground.insert(stamped([at(0), at(1)]))
    before = ground.ingest(hour(2)).snapshot_id
    ground.insert([{"feeder": "a", "at": "2024-01-01T05:00:00Z", "load": 1.0}])
    assert ground.ingest(hour(2)).snapshot_id == before


def test_a_local_time_in_the_gap_is_dropped(ground: Ground) -> None:
    ground.configure(panel=f'frequency = "1h"\ntimezone = "{NEW_YORK}"')
    ground.insert(stamped([f"2024-03-10 0{n}:00:00" for n in (1, 2, 3)]))
    ends = datetime(2024, 3, 10, 4, tzinfo=ZoneInfo(NEW_YORK))
    assert same(ground.values(ends), [0, 2])
    finding = ground.findings()["TIME_NONEXISTENT"]
    assert finding.severity == "warning"
    assert "2024-03-10 02:00:00" in finding.evidence


def test_two_rows_of_the_hour_that_comes_twice_are_two_steps_one_is_the_first(
    ground: Ground,
) -> None:
    ground.configure(panel=f'frequency = "1h"\ntimezone = "{NEW_YORK}"')
    ground.insert(stamped([f"2024-11-03 0{n}:00:00" for n in (0, 1, 1, 2)]))
    ground.insert(stamped([f"2024-11-03 0{n}:00:00" for n in (0, 1, 2)], "b"))
    ends = datetime(2024, 11, 3, 3, tzinfo=ZoneInfo(NEW_YORK))
    panel = ground.panel(ground.ingest(ends).snapshot_id)
    assert same(panel.values[0], [0, 1, 2, 3])
    assert same(panel.values[1], [0, 1, None, 2])
    assert ground.findings()["TIME_AMBIGUOUS"].severity == "info"


def test_events_of_the_hour_that_comes_twice_count_for_the_first(ground: Ground) -> None:
    ground.configure('aggregate = "count"', f'frequency = "1h"\ntimezone = "{NEW_YORK}"')
    ground.insert(stamped([f"2024-11-03 0{n}:30:00" for n in (0, 1, 1, 2)]))
    ends = datetime(2024, 11, 3, 3, tzinfo=ZoneInfo(NEW_YORK))
    assert same(ground.values(ends), [1, 2, 0, 1])


def test_stamps_of_no_calendar_are_left_out(tmp_path: Path, empty_postgresql: Database) -> None:
    ground = Ground(tmp_path, empty_postgresql)
    ground.create("feeder TEXT, at timestamptz, load double precision")
    ground.insert(stamped([hour(0), hour(1)]))
    ground.run(
        "INSERT INTO readings VALUES ('a', 'infinity', 1), ('a', '-infinity', 2), "
        "('a', '0044-03-15 BC', 3), ('a', NULL, 4)"
    )
    assert same(ground.values(hour(2)), [0, 1])
    assert "3 rows" in ground.findings()["TIME_OUT_OF_RANGE"].evidence
    assert "1 rows" in ground.findings()["TIME_EMPTY"].evidence


def test_stamps_that_cannot_be_read_are_named(ground: Ground) -> None:
    ground.insert(stamped([at(0), "yesterday", None]))
    assert same(ground.values(hour(1)), [0])
    assert "'yesterday'" in ground.findings()["TIME_UNPARSABLE"].evidence
    assert "TIME_EMPTY" in ground.findings()


def test_stamps_after_as_of_are_not_seen_and_said_where_many(ground: Ground) -> None:
    ground.insert(readings([float(n) for n in range(200)]))
    assert same(ground.values(hour(199)), range(199))
    assert "TIME_IN_FUTURE" not in ground.findings()
    assert same(ground.values(hour(150)), range(150))
    assert "49 of 200" in ground.findings()["TIME_IN_FUTURE"].evidence


@pytest.mark.parametrize(
    ("label", "seen"),
    [("start", [0.0, 1.0]), ("end", [0.0, 1.0, 2.0]), ("instant", [0.0, 1.0, 2.0])],
)
def test_a_label_says_when_its_step_can_be_seen(
    ground: Ground, label: str, seen: list[float]
) -> None:
    ground.configure(f'label = "{label}"')
    ground.insert(stamped([at(0), at(1), at(2)]))
    assert same(ground.values(hour(2.5)), seen)


def test_a_phase_of_the_configuration_rules(ground: Ground) -> None:
    ground.configure('phase = "30min"')
    ground.insert(stamped([at(n + 0.5) for n in range(3)]))
    panel = ground.panel(ground.ingest(hour(3.5)).snapshot_id)
    assert panel.grid.phase == 1800
    assert "LABEL_OFF_GRID" not in ground.findings()


def test_weeks_of_events_begin_on_monday(ground: Ground) -> None:
    ground.configure('aggregate = "count"', 'frequency = "1W"')
    ground.insert(stamped([at(24 * day) for day in (2, 5, 6, 7, 13)]))
    panel = ground.panel(ground.ingest(hour(24 * 14)).snapshot_id)
    assert same(panel.values[0], [3, 2])
    first = datetime.fromtimestamp(int(panel.grid.label_of(np.array([panel.first_step]))[0]), UTC)
    assert (first, first.weekday()) == (hour(0), 0)
