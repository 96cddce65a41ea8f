"""Raw time stamps of a page become epoch seconds; what cannot is marked with the reason."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from types import UnionType
from typing import Any

import numpy as np
import pandas as pd

from rnnts.panels.arrays import AnyArray, BoolArray, IntArray
from rnnts.panels.zones import DAY, NEWEST, OLDEST, instants_of

MILLISECONDS = 1e11
"""Numbers from here on count milliseconds: as seconds they would mean the year 5138 and later, and
as milliseconds they mean 1973 and later."""
MICROSECONDS = 1e14
NANOSECONDS = 1e17


class Code(IntEnum):
    """What became of a stamp."""

    OK = 0
    EMPTY = 1  # NULL
    UNPARSABLE = 2
    OUT_OF_RANGE = 3  # before the year 1 or after 9999, or infinite
    NONEXISTENT = 4  # a local time that clocks skipped; `first` is the instant at which they did
    AMBIGUOUS = 5  # a local time that came twice: `first` and `second`
    WITHOUT_ZONE = 6  # naive, and no zone was given


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """A page of stamps, read."""

    first: IntArray  # epoch seconds, [n]; 0 where there is no instant
    second: IntArray  # the later instant of an ambiguous one, else as `first`, [n]
    codes: AnyArray  # uint8, values of `Code`, [n]
    naive: BoolArray  # stamps that said no zone, [n]
    inexact: BoolArray  # stamps whose fraction of a second was cut off, [n]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def usable(self) -> BoolArray:
        """Stamps that are an instant, the first of two where there are two, [n]."""
        found: BoolArray = (self.codes == Code.OK) | (self.codes == Code.AMBIGUOUS)
        return found


def parse_stamps(
    raw: Sequence[Any] | AnyArray, timezone: str | None, *, whole_days: bool = False
) -> Stamps:
    """Read a page of stamps.

    Takes datetime, date, ISO text, and numbers (or digits as text) that count seconds, milli-,
    micro- or nanoseconds from 1970, told apart by their size. A bare date is the first instant of
    that local day, even where clocks skip midnight.

    Args:
        raw: As the driver gave them, [n].
        timezone: Zone of naive stamps; None: they are refused.
        whole_days: Midnights stand for days, as in a source of daily values, not for moments.

    Returns:
        Instants and codes, [n].
    """
    page: AnyArray = np.empty(len(raw), dtype=object)
    page[:] = list(raw)
    codes, unique = _distinct(page)
    read = [_read(value) for value in unique]
    civil = np.array([seconds for seconds, _ in read], np.int64)
    kinds = np.array([kind for _, kind in read], np.uint8)
    if whole_days:
        kinds[civil % DAY == 0] |= _DATE
    return _localised(civil, kinds, timezone, codes)


_NAIVE, _DATE, _INEXACT = 16, 32, 64
"""Flags beside a code while a page is read."""


def _distinct(page: AnyArray) -> tuple[IntArray, Sequence[Any]]:
    """Place of each value among the distinct ones; a page has far fewer stamps than rows."""
    if any(getattr(value, "fold", 0) for value in page):  # datetimes compare without their fold
        return np.arange(len(page)), list(page)
    codes, unique = pd.factorize(page, use_na_sentinel=False)
    return codes.astype(np.int64), list(unique)


def _read(value: Any) -> tuple[int, int]:  # noqa: ANN401 - any driver's value
    """Seconds (of the wall clock where the stamp is naive), and code with flags."""
    if value is None or value is pd.NaT:
        return 0, Code.EMPTY
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    for kind, reader in _READERS:
        if isinstance(value, kind):
            return reader(value)
    return 0, Code.UNPARSABLE


_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_TEXT = re.compile(r"\d{4}-?\d\d-?\d\d")
_NUMBER_TEXT = re.compile(r"-?\d{9,19}(\.\d+)?")
_ZONE_TEXT = re.compile(r"\s+(?=[+-]\d\d(:?\d\d)?$)")
_MIDNIGHT_TEXT = re.compile(r"(?<=[T ])24(?=:00(:00(\.0+)?)?(Z|[+-]|$))")
SECOND = timedelta(seconds=1)


def _read_text(text: str) -> tuple[int, int]:
    text = text.strip()
    if _NUMBER_TEXT.fullmatch(text):
        return _read_number(Decimal(text))
    if text.lower() in {"infinity", "-infinity"} or text.endswith(" BC"):
        return 0, Code.OUT_OF_RANGE
    plain = _ZONE_TEXT.sub("", text.replace("/", "-").replace(" UTC", "+00:00"))
    try:
        if _DAY_TEXT.fullmatch(plain):
            return _read_date(date.fromisoformat(plain))
        plain, ends_day = _MIDNIGHT_TEXT.subn("00", plain)
        return _read_datetime(datetime.fromisoformat(plain) + ends_day * timedelta(days=1))
    except (ValueError, OverflowError):
        return 0, Code.EMPTY if not text else Code.UNPARSABLE


def _read_datetime(value: datetime) -> tuple[int, int]:
    naive = value.tzinfo is None
    since = value.replace(tzinfo=UTC) - _EPOCH if naive else value - _EPOCH
    seconds = since // SECOND
    flags = (_NAIVE if naive else 0) | (_INEXACT if since % SECOND else 0)
    return _bounded(seconds, flags)


def _read_date(value: date) -> tuple[int, int]:
    return _bounded((value - _EPOCH_DAY).days * DAY, _NAIVE | _DATE)


def _read_number(number: float | Decimal) -> tuple[int, int]:
    if not np.isfinite(float(number)):
        infinite = np.isinf(float(number))
        return 0, Code.OUT_OF_RANGE if infinite else Code.EMPTY
    size = abs(float(number))
    units = ((NANOSECONDS, 10**9), (MICROSECONDS, 10**6), (MILLISECONDS, 10**3))
    unit = next((unit for limit, unit in units if size >= limit), 1)
    seconds, rest = divmod(number, unit)
    whole = int(seconds // 1)
    return _bounded(whole, _INEXACT if rest or whole != seconds else 0)


def _read_truth(_value: bool) -> tuple[int, int]:  # noqa: FBT001 - what the driver gave
    return 0, Code.UNPARSABLE


def _bounded(seconds: int, flags: int) -> tuple[int, int]:
    inside = OLDEST <= seconds <= NEWEST
    return (int(seconds), Code.OK | flags) if inside else (0, Code.OUT_OF_RANGE)


_READERS: tuple[tuple[type | UnionType, Callable[[Any], tuple[int, int]]], ...] = (
    (str, _read_text),
    (datetime, _read_datetime),
    (date, _read_date),  # after datetime, which is a date too
    (bool, _read_truth),  # before int, likewise
    (int | float | Decimal | np.integer | np.floating, _read_number),
)


def _localised(civil: IntArray, kinds: AnyArray, timezone: str | None, codes: IntArray) -> Stamps:
    """Turn wall-clock seconds into instants, and spread the distinct stamps over the rows."""
    outcome = kinds & 15
    naive = (kinds & _NAIVE) > 0
    first, second = civil.copy(), civil.copy()
    if timezone is None:
        outcome = np.where(naive, np.uint8(Code.WITHOUT_ZONE), outcome)
    elif naive.any():
        local = instants_of(civil[naive], timezone)
        times = (kinds[naive] & _DATE) == 0  # a bare date is a whole day, which begins once
        first[naive] = local.first
        second[naive] = np.where(times, local.second, local.first)
        there = outcome[naive]
        there[local.missing & times] = Code.NONEXISTENT
        there[local.twice & times] = Code.AMBIGUOUS
        outcome[naive] = there
    inexact = (kinds & _INEXACT) > 0
    return Stamps(first[codes], second[codes], outcome[codes], naive[codes], inexact[codes])
