"""Schedule slots: the one place that turns a cron expression into instants.

Slots go by the wall clock of the panel's zone, and equal Prefect's own: a slot in the hour that
spring leaves out comes an hour early (02:00 as 01:00); in autumn's doubled hour the first counts.
(Under Python 3.13 Prefect runs the spring slot an hour late; its run finds the same slot due.)
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
from croniter import CroniterBadDateError, croniter

from rnnts.panels.zones import zone_offsets

STRIDES = (timedelta(days=2), timedelta(days=40), timedelta(days=370), timedelta(days=3_000))
"""How far the nearest slot is sought, in growing strides: nightly first, 29 February last."""
MARGIN = timedelta(days=1)
"""A change of clocks moves a slot by less."""
YEAR = timedelta(days=366)
AROUND = timedelta(hours=26)
ROUGHLY_A_DAY = timedelta(hours=20)


def slots(cron: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """Slots in (`after`, `until`], rising, aware and in UTC."""
    zone = ZoneInfo(timezone)
    first, last = (each.astimezone(UTC) for each in (after, until))
    # Walked on a naive wall clock: croniter's own handling of clock changes differs by version.
    wall_clock = croniter(cron, first.astimezone(zone).replace(tzinfo=None) - MARGIN)
    end = last.astimezone(zone).replace(tzinfo=None) + MARGIN
    found = set()
    while (local := _next(wall_clock)) is not None and local <= end:
        found.add(_instant(local, zone))
    return sorted(slot for slot in found if first < slot <= last)


def _next(wall_clock: croniter) -> datetime | None:
    try:
        return cast("datetime", wall_clock.get_next(datetime))
    except CroniterBadDateError:
        return None


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:  # left out by a change of clocks
        return local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return instant


def next_slot(cron: str, timezone: str, after: datetime) -> datetime:
    """The first slot later than `after`.

    Raises:
        ValueError: Eight years have none; the configuration refuses such a schedule.
    """
    for stride in STRIDES:
        if found := slots(cron, timezone, after, after + stride):
            return found[0]
    raise ValueError(f"{cron!r} has no slot in the eight years after {after}")


def newest_slot(cron: str, timezone: str, at: datetime) -> datetime | None:
    """The newest slot that is due at `at`; None where eight years have none."""
    for stride in STRIDES:
        if found := slots(cron, timezone, at - stride, at):
            return found[-1]
    return None


def upset_by_clocks(cron: str, timezone: str, after: datetime) -> datetime | None:
    """The next change of clocks, within a year, at which a schedule of many slots a day halts.

    An hourly slot by a wall clock leaves out an hour when clocks go back; slots in UTC do not.
    """
    for change in _clock_changes(timezone, after):
        usual = _distances(cron, timezone, change - 4 * AROUND, change - 2 * AROUND)
        across = _distances(cron, timezone, change - AROUND, change + AROUND)
        if usual and across and max(usual) < ROUGHLY_A_DAY and max(across) > max(usual):
            return change
    return None


def _distances(cron: str, timezone: str, after: datetime, until: datetime) -> list[timedelta]:
    return [late - early for early, late in pairwise(slots(cron, timezone, after, until))]


def _clock_changes(timezone: str, after: datetime) -> list[datetime]:
    """Changes of clocks in the year after an instant, to the hour."""
    first = int(after.timestamp())
    hours = np.arange(first, first + int(YEAR.total_seconds()), 3_600, dtype=np.int64)
    changed = np.flatnonzero(np.diff(zone_offsets(hours, timezone)))
    return [datetime.fromtimestamp(int(hours[place + 1]), UTC) for place in changed]
