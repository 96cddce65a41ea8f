import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest

from rnnts.panels.slots import newest_slot, next_slot, slots, upset_by_clocks

CHANGES = [
    pytest.param("America/New_York", datetime(2013, 3, 8, tzinfo=UTC), id="new_york_spring"),
    pytest.param("America/New_York", datetime(2013, 11, 1, tzinfo=UTC), id="new_york_autumn"),
    pytest.param("Europe/Berlin", datetime(2013, 3, 29, tzinfo=UTC), id="berlin_spring"),
    pytest.param("Europe/Berlin", datetime(2013, 10, 25, tzinfo=UTC), id="berlin_autumn"),
    pytest.param("Australia/Lord_Howe", datetime(2013, 10, 4, tzinfo=UTC), id="lord_howe_spring"),
    pytest.param("Australia/Lord_Howe", datetime(2013, 4, 5, tzinfo=UTC), id="lord_howe_autumn"),
]
CRONS = ["0 2 * * *", "30 1 * * *", "15 3 * * 0", "0 * * * *", "10,50 1,2 * * *", "5 2 1-7 * 1"]


def prefects(cron: str, timezone: str, begin: datetime, end: datetime) -> list[datetime]:
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=cron, timezone=timezone)
    dates = asyncio.run(schedule.get_dates(n=400, start=begin, end=end))
    return [date.astimezone(UTC) for date in dates]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there Prefect runs spring's slot later")
@pytest.mark.parametrize(("timezone", "begin"), CHANGES)
@pytest.mark.parametrize("cron", CRONS)
def test_slots_are_those_at_which_prefect_runs_over_every_change_of_clocks(
    cron: str, timezone: str, begin: datetime
) -> None:
    end = begin + timedelta(days=5)
    ours = slots(cron, timezone, begin - timedelta(seconds=1), end)
    assert ours == prefects(cron, timezone, begin, end)


@pytest.mark.parametrize(("timezone", "begin"), CHANGES)
@pytest.mark.parametrize("cron", CRONS)
def test_each_run_of_prefect_finds_a_slot_of_its_own(
    cron: str, timezone: str, begin: datetime
) -> None:
    end = begin + timedelta(days=5)
    found = [newest_slot(cron, timezone, run) for run in prefects(cron, timezone, begin, end)]
    assert found == slots(cron, timezone, begin - timedelta(seconds=1), end)


def test_a_nightly_slot_comes_once_on_the_day_on_which_its_hour_is_skipped() -> None:
    after, until = datetime(2013, 3, 10, tzinfo=UTC), datetime(2013, 3, 11, tzinfo=UTC)
    found = slots("0 2 * * *", "America/New_York", after, until)
    assert found == [datetime(2013, 3, 10, 6, tzinfo=UTC)]  # 01:00 in New York


def test_the_newest_slot_is_the_one_that_is_due() -> None:
    at = datetime(2013, 12, 2, 7, 0, tzinfo=UTC)  # 02:00 in New York
    assert newest_slot("0 2 * * *", "America/New_York", at) == at
    assert newest_slot("0 2 * * *", "America/New_York", at - timedelta(seconds=1)) == (
        at - timedelta(days=1)
    )


def test_the_next_slot_is_later_than_the_instant() -> None:
    at = datetime(2013, 12, 2, 7, 0, tzinfo=UTC)
    assert next_slot("0 2 * * *", "America/New_York", at) == at + timedelta(days=1)


def test_a_yearly_schedule_finds_its_slot_of_last_year() -> None:
    at = datetime(2013, 12, 2, tzinfo=UTC)
    assert newest_slot("0 0 29 2 *", "UTC", at) == datetime(2012, 2, 29, tzinfo=UTC)
    assert next_slot("0 0 29 2 *", "UTC", at) == datetime(2016, 2, 29, tzinfo=UTC)


def test_a_schedule_that_never_comes_has_no_slot() -> None:
    at = datetime(2013, 12, 2, tzinfo=UTC)
    assert newest_slot("0 0 30 2 *", "UTC", at) is None
    with pytest.raises(ValueError, match="no slot"):
        next_slot("0 0 30 2 *", "UTC", at)


def test_no_slot_lies_outside_the_span_asked_for() -> None:
    begin = datetime(2013, 5, 1, tzinfo=UTC)
    found = slots("0 * * * *", "UTC", begin, begin + timedelta(hours=3))
    assert found == [begin + timedelta(hours=hour) for hour in (1, 2, 3)]


@pytest.mark.parametrize(
    ("cron", "timezone"), [("0 * * * *", "America/New_York"), ("*/15 * * * *", "Europe/Berlin")]
)
def test_a_local_schedule_of_many_slots_a_day_halts_in_autumn(cron: str, timezone: str) -> None:
    found = upset_by_clocks(cron, timezone, datetime(2013, 5, 1, tzinfo=UTC))
    assert found is not None
    assert found.month in {10, 11}


@pytest.mark.parametrize(
    ("cron", "timezone"),
    [
        ("0 2 * * *", "America/New_York"),
        ("0 2 * * 0", "America/New_York"),
        ("0 * * * *", "UTC"),
        ("0 * * * *", "Asia/Kolkata"),
    ],
)
def test_nightly_slots_and_zones_without_summer_time_never_halt(cron: str, timezone: str) -> None:
    assert upset_by_clocks(cron, timezone, datetime(2013, 5, 1, tzinfo=UTC)) is None
