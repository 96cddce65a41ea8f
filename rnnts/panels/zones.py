"""Offsets of time zones for whole arrays of instants, as zoneinfo has them.

pandas would do, but pandas 2 asks pytz, which has its own copy of the zones and no change of clocks
after 2037.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.panels.arrays import BoolArray, IntArray

DAY = 86_400
BLOCK = 3_652 * DAY
"""Changes are sought, and kept, for about ten years at a time."""
STRIDE = DAY // 2
"""No zone changes its clocks twice within half a day."""
OLDEST = -62_135_510_400
"""0001-01-02 UTC: before it, or after `NEWEST`, some zone's calendar has no such year."""
NEWEST = 253_402_128_000
"""9999-12-30 UTC."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_offsets(seconds: IntArray, timezone: str) -> IntArray:
    """Offsets of a zone from UTC at instants, [n] epoch seconds -> [n] seconds."""
    return _segments(seconds, timezone)[0]


@dataclass(frozen=True, slots=True, eq=False)
class Instants:
    """The instants of wall-clock times, epoch seconds."""

    first: IntArray  # for a time that does not exist, the instant at which clocks went on, [n]
    second: IntArray  # later than `first` where the time exists twice, else the same, [n]
    missing: BoolArray  # the time does not exist, [n]
    twice: BoolArray  # it exists twice, [n]


def instants_of(civil: IntArray, timezone: str) -> Instants:
    """Which instants wall-clock times are.

    Args:
        civil: Seconds from 1970-01-01 00:00 of that wall clock, [n].
        timezone: Its zone.

    Source:
        PEP 495, "Ambiguous and missing times": with the offsets a day before and a day after,
        both instants hold in an overlap, neither in a gap.
    """
    civil = np.clip(np.asarray(civil, np.int64), OLDEST, NEWEST)
    if timezone == "UTC":
        no = np.zeros(civil.shape, dtype=bool)
        return Instants(civil, civil, no, no)
    early, late = (civil - zone_offsets(civil + far, timezone) for far in (-DAY, DAY))
    early_offset, early_start = _segments(early, timezone)
    late_offset, _ = _segments(late, timezone)
    early_holds = early + early_offset == civil
    late_holds = late + late_offset == civil
    missing = ~early_holds & ~late_holds
    first = np.where(early_holds, early, np.where(late_holds, late, early_start))
    second = np.where(early_holds & late_holds, late, first)
    return Instants(np.minimum(first, second), np.maximum(first, second), missing, first != second)


def _segments(seconds: IntArray, timezone: str) -> tuple[IntArray, IntArray]:
    """Offset at each instant, and the instant since which it holds (or earlier), [n] each."""
    seconds = np.asarray(seconds, np.int64)
    offsets, starts = np.zeros_like(seconds), np.zeros_like(seconds)
    if timezone == "UTC" or seconds.size == 0:
        return offsets, starts
    blocks = np.clip(seconds, OLDEST, NEWEST) // BLOCK
    for block in np.unique(blocks):
        here = blocks == block
        begins, values = _changes(timezone, int(block))
        place = np.maximum(np.searchsorted(begins, seconds[here], side="right") - 1, 0)
        offsets[here], starts[here] = values[place], begins[place]
    return offsets, starts


@lru_cache(maxsize=1_024)
def _changes(timezone: str, block: int) -> tuple[IntArray, IntArray]:
    """Instants from which offsets hold, and those offsets, over one block of time."""
    zone = ZoneInfo(timezone)
    begin, end = max(block * BLOCK, OLDEST), min((block + 1) * BLOCK, NEWEST)
    starts, offsets = [begin], [_offset(zone, begin)]
    for instant in range(begin + STRIDE, end + STRIDE, STRIDE):
        if (offset := _offset(zone, instant)) != offsets[-1]:
            starts.append(_bisect(zone, instant - STRIDE, instant))
            offsets.append(offset)
    return np.array(starts, np.int64), np.array(offsets, np.int64)


def _bisect(zone: ZoneInfo, before: int, after: int) -> int:
    """The first instant at which the offset of `after` holds."""
    offset = _offset(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(zone, middle) == offset else (middle, after)
    return after


def _offset(zone: ZoneInfo, instant: int) -> int:
    moment = (_EPOCH + timedelta(seconds=min(instant, NEWEST))).astimezone(zone)
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
