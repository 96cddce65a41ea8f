"""Holidays of a country as numbers known in advance."""

from datetime import date, timedelta

import numpy as np

from rnnts.panels.arrays import IntArray
from rnnts.panels.covariates import ALWAYS, Entries
from rnnts.panels.grid import DAY, Grid
from rnnts.panels.identity import hash_keys
from rnnts.panels.panel import series_id_of
from rnnts.panels.zones import zone_offsets

NAME = "holidays"
COLUMNS = ("today", "tomorrow", "yesterday")
"""Whether the day of a step is a holiday, the eve of one, or the day after one.

A step of a week or a month has the share of its days."""
_EPOCH = date(1970, 1, 1)


def holiday_entries(country: str, grid: Grid, first_step: int, last_step: int) -> Entries:
    """Holidays of each step, the same for every series, [steps].

    Args:
        country: As the configuration has it: "US", or "US-NY".
        grid: Steps, and the zone whose days they are.
        first_step: The first.
        last_step: The last.
    """
    steps = np.arange(first_step, last_step + 1, dtype=np.int64)
    begin, end = _days_of(grid, steps), _days_of(grid, steps + 1)
    days = np.arange(int(begin[0]) - 1, int(end[-1]) + 3)
    held = named_days(country, days)
    total = np.concatenate([[0.0], np.cumsum(held)])  # holidays before each day
    length = np.maximum(end - begin, 1)
    columns = [
        total[begin + shift + length - days[0]] - total[begin + shift - days[0]]
        for shift in (0, 1, -1)
    ]
    values = np.stack(columns, axis=1) / length[:, None]  # [steps, columns]
    keys = np.repeat(hash_keys([series_id_of(())]), len(steps))
    return Entries(keys, steps, np.full(len(steps), ALWAYS), values)


def named_days(country: str, days: IntArray) -> IntArray:
    """Whether days are holidays, [days since 1970] -> [days] of 0 and 1."""
    from holidays import country_holidays  # noqa: PLC0415 - a tenth of a second

    code, _, part = country.partition("-")
    dates = [_EPOCH + timedelta(days=day) for day in days.tolist()]
    years = range(dates[0].year, dates[-1].year + 1)
    known = country_holidays(code, subdiv=part or None, years=years)
    return np.array([day in known for day in dates], np.int64)


def _days_of(grid: Grid, steps: IntArray) -> IntArray:
    """Local day on which steps begin, since 1970, [n]."""
    begin = steps - (grid.label == "end")
    label = grid.label_of(begin)
    days: IntArray = (label + zone_offsets(label, grid.timezone)) // DAY
    return days
