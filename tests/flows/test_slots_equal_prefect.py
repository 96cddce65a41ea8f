"""One function computes slots; Prefect computes its own. Where they differ, nights are lost."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prefect.server.schemas.schedules import CronSchedule

from rnnts.panels.slots import newest_slot, next_slot, slots

CRONS = (
    "0 2 * * *",
    "30 2 * * *",
    "0 3 * * 0",
    "15 */6 * * *",
    "*/15 * * * *",
    "0 0 1 * *",
    "@daily",
)
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
YEAR = 366 * 24 * 60
STARTS = st.integers(0, 2 * YEAR).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def prefect_slots(cron: str, timezone: str, after: datetime, n: int) -> Sequence[datetime]:
    schedule = CronSchedule(cron=cron, timezone=timezone)
    found = asyncio.run(schedule.get_dates(n + 1, start=after))
    return sorted({slot.astimezone(UTC) for slot in found if slot > after})[:n]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CRONS), st.sampled_from(ZONES), STARTS)
@example("0 2 * * *", "America/New_York", datetime(2024, 3, 9, 12, tzinfo=UTC))
@example("0 2 * * *", "America/New_York", datetime(2024, 11, 2, 12, tzinfo=UTC))
@example("30 2 * * *", "Europe/Berlin", datetime(2025, 3, 29, 12, tzinfo=UTC))
@example("*/15 * * * *", "America/New_York", datetime(2024, 11, 3, 4, tzinfo=UTC))
@example("*/15 * * * *", "Australia/Lord_Howe", datetime(2024, 4, 6, 12, tzinfo=UTC))
def test_slots_are_those_at_which_prefect_starts_runs(
    cron: str, timezone: str, after: datetime
) -> None:
    theirs = prefect_slots(cron, timezone, after, 8)
    assert slots(cron, timezone, after, theirs[-1]) == list(theirs)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(CRONS), st.sampled_from(ZONES), STARTS)
def test_the_slot_of_a_run_that_prefect_starts_is_its_own(
    cron: str, timezone: str, after: datetime
) -> None:
    for slot in prefect_slots(cron, timezone, after, 3):
        assert newest_slot(cron, timezone, slot) == slot


def test_the_night_of_the_spring_change_has_one_slot_as_prefect_has() -> None:
    before = datetime(2013, 3, 9, 12, tzinfo=UTC)
    assert next_slot("0 2 * * *", "America/New_York", before) == datetime(
        2013, 3, 10, 6, tzinfo=UTC
    )
