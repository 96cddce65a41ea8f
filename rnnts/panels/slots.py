"""Schedule slots: the one place that turns a cron expression into instants.

Slots go by the wall clock of the panel's zone, and equal Prefect's own: a slot in the hour that
spring leaves out comes an hour early (02:00 as 01:00); in autumn's doubled hour the first counts.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

LOOK_BACK = (timedelta(days=2), timedelta(days=40), timedelta(days=370), timedelta(days=1_500))
"""How far back the newest slot is sought, in growing strides: nightly first, yearly last."""


def _walk(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Slots later than `after`, rising, aware and in UTC."""
    zone = ZoneInfo(timezone)
    # Walked on a naive wall clock: croniter's own handling of changes of clocks differs by version.
    local = after.astimezone(zone).replace(tzinfo=None) - timedelta(hours=3)
    steps = croniter(cron, local)
    newest = after.astimezone(UTC)
    while True:
        slot = _instant(steps.get_next(datetime), zone)
        if slot > newest:
            newest = slot
            yield slot


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:  # left out by a change of clocks
        return local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return instant


def slots(cron: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """Slots in (`after`, `until`], rising, aware and in UTC."""
    found = []
    for slot in _walk(cron, timezone, after):
        if slot > until:
            break
        found.append(slot)
    return found


def next_slot(cron: str, timezone: str, after: datetime) -> datetime:
    """The first slot later than `after`."""
    return next(_walk(cron, timezone, after))


def newest_slot(cron: str, timezone: str, at: datetime) -> datetime | None:
    """The newest slot that is due at `at`; None where four years have none."""
    for stride in LOOK_BACK:
        found = slots(cron, timezone, at - stride, at)
        if found:
            return found[-1]
    return None
