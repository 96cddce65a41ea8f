import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rnnts.panels.slots import newest_slot, next_slot, slots

CHANGES = [
    ("America/New_York", datetime(2013, 3, 8, tzinfo=UTC)),
    ("America/New_York", datetime(2013, 11, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2013, 3, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2013, 10, 25, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2013, 10, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2013, 4, 5, tzinfo=UTC)),
]


@pytest.mark.parametrize(("timezone", "begin"), CHANGES, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("cron", ["0 2 * * *", "30 1 * * *", "15 3 * * 0", "0 * * * *"])
def test_slots_are_those_at_which_prefect_runs_over_every_change_of_clocks(
    cron: str, timezone: str, begin: datetime
) -> None:
    from prefect.server.schemas.schedules import CronSchedule

    end = begin + timedelta(days=5)
    schedule = CronSchedule(cron=cron, timezone=timezone)
    theirs = asyncio.run(schedule.get_dates(n=400, start=begin, end=end))
    ours = slots(cron, timezone, begin - timedelta(seconds=1), end)
    assert ours == [slot.astimezone(UTC) for slot in theirs]


def test_the_newest_slot_is_the_one_that_is_due() -> None:
    at = datetime(2013, 12, 2, 7, 0, tzinfo=UTC)  # 02:00 in New York
    assert newest_slot("0 2 * * *", "America/New_York", at) == at
    assert newest_slot("0 2 * * *", "America/New_York", at - timedelta(seconds=1)) == (
        at - timedelta(days=1)
    )


def test_a_yearly_schedule_finds_its_slot_of_last_year() -> None:
    at = datetime(2013, 12, 2, tzinfo=UTC)
    assert newest_slot("0 0 29 2 *", "UTC", at) == datetime(2012, 2, 29, tzinfo=UTC)
    assert next_slot("0 0 29 2 *", "UTC", at) == datetime(2016, 2, 29, tzinfo=UTC)
