"""The commonest texts of stamps, a page at a time: 2024-01-31 23:59:59, with T or a space, or Z."""

from collections.abc import Sequence

import numpy as np

from rnnts.panels.arrays import AnyArray, BoolArray, IntArray
from rnnts.panels.zones import DAY, NEWEST, OLDEST

LENGTH = 19
_DIGITS = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]
_ZERO = ord("0")


def read_plain(raw: Sequence[object]) -> tuple[IntArray, BoolArray, BoolArray]:
    """Read the texts that have exactly this form; ten times as fast as one by one.

    Args:
        raw: Stamps of any kind, [n].

    Returns:
        Seconds of the clock that they show, whether that is UTC (they end in Z), and whether they
        have this form at all, [n] each.
    """
    if not raw or set(map(type, raw)) != {str}:
        nothing = np.zeros(len(raw), dtype=bool)
        return np.zeros(len(raw), np.int64), nothing, nothing
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))  # type: ignore[arg-type] # all are texts
    points = np.array(raw, dtype=f"U{LENGTH + 1}").view(np.uint32).reshape(len(raw), LENGTH + 1)
    utc: BoolArray = points[:, LENGTH] == ord("Z")
    plain = _in_form(points) & (lengths == LENGTH + utc)
    number = np.where(plain[:, None], points[:, _DIGITS].astype(np.int64) - _ZERO, 1)
    seconds, exists = _seconds_of(number)
    return seconds, utc, plain & exists


def _in_form(points: AnyArray) -> BoolArray:
    """Whether digits and signs stand where they should, [n]."""
    digits = points[:, _DIGITS]
    form = ((digits >= _ZERO) & (digits <= ord("9"))).all(axis=1)
    for place, sign in ((4, "-"), (7, "-"), (13, ":"), (16, ":")):
        form &= points[:, place] == ord(sign)
    form &= (points[:, 10] == ord(" ")) | (points[:, 10] == ord("T"))
    found: BoolArray = form
    return found


def _seconds_of(digit: IntArray) -> tuple[IntArray, BoolArray]:
    """Seconds from 1970 of 14 digits, and whether there is such a date and time, [n] each."""
    year = digit[:, :4] @ np.array([1000, 100, 10, 1])
    month, day, hour, minute, second = (
        10 * digit[:, place] + digit[:, place + 1] for place in (4, 6, 8, 10, 12)
    )
    months = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[D]").astype(np.int64)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (day <= after - first)  # noqa: PLR2004 - a calendar
    exists &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004 - a clock
    seconds = (first + day - 1) * DAY + 3_600 * hour + 60 * minute + second
    exists &= (seconds >= OLDEST) & (seconds <= NEWEST)
    found: BoolArray = exists
    return seconds, found
