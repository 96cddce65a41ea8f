"""A panel whose held-out part is forecast: its table, its truth, its origins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from rnnts.panels.arrays import FloatArray, IntArray

Instants = npt.NDArray[np.datetime64]
QUICK_STEPS = 3_000
"""History of a quick case before its first origin; its table is the whole one."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What is forecast, from where, and what then happened.

    Nothing at or after a column may be seen by a forecast whose origin is that column.

    Args:
        panel: Its name in rnnts.toml.
        ids: As the views call the series, in the order of `values`, [series].
        labels: Instant in UTC at which each step begins, rising, [steps].
        values: The truth, NaN where there is none, [series, steps].
        origins: Columns of first targets, rising by as much each time, [windows].
        horizon: Steps.
        seasons: Steps of each, rising; the first is the scale of MASE.
        read: Steps that neural peers read.
        section: Lines of the panel's section of rnnts.toml, without its horizon and budget.
        write: Lays the source table into a SQLite file.
        clock: Steps by which the wall clock leads the grid, [steps]; None: nowhere.
        minutes: Training budget of each network, ours and peers'; None: what the default is.
    """

    panel: str
    ids: tuple[str, ...]
    labels: Instants
    values: FloatArray
    origins: IntArray
    horizon: int
    seasons: tuple[int, ...]
    read: int
    section: str
    write: Callable[[Path], None]
    clock: IntArray | None = None
    minutes: float = 15.0

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.ids), len(self.labels)):
            raise ValueError(f"expected [series, steps], got {self.values.shape}")
        if int(self.origins[-1]) + self.horizon > len(self.labels):
            raise ValueError("the last window has no truth")

    @property
    def fitted_before(self) -> int:
        """The column before which everything is fitted: the first origin."""
        return int(self.origins[0])

    @property
    def actual(self) -> FloatArray:
        """What happened, [series, windows, horizon]."""
        return self.values[:, self.targets]

    @property
    def targets(self) -> IntArray:
        """Columns of the targets, [windows, horizon]."""
        columns: IntArray = self.origins[:, None] + np.arange(self.horizon)
        return columns

    def issued_at(self, origin: int) -> datetime:
        """The instant at which a forecast from a column is issued: all steps before it have ended.

        >>> one_day(np.zeros((1, 30))).issued_at(24).isoformat()
        '2020-01-02T00:00:00+00:00'
        """
        seconds = int(self.labels[origin].astype("datetime64[s]").astype(np.int64))
        return datetime.fromtimestamp(seconds, UTC)

    def lagged(self, targets: IntArray, steps: int) -> IntArray:
        """Columns `steps` steps before others by the wall clock, of the same shape."""
        earlier = targets - steps
        if self.clock is None:
            return earlier
        shift: IntArray = self.clock[targets] - self.clock[np.maximum(earlier, 0)]
        return earlier + shift

    def quick(self, series: int, windows: int) -> Self:
        """A smaller case, to try the machinery: never a figure to report."""
        origins = self.origins[-windows:]
        cut = max(0, int(origins[0]) - QUICK_STEPS)
        return replace(
            self,
            ids=self.ids[:series],
            labels=self.labels[cut:],
            values=self.values[:series, cut:],
            origins=origins - cut,
            clock=None if self.clock is None else self.clock[cut:],
        )


def one_day(values: FloatArray) -> Case:
    """A case of hours with a day held out: an example.

    Args:
        values: [series, steps].
    """
    hours = np.arange(values.shape[1]).astype("timedelta64[h]")
    return Case(
        panel="example",
        ids=tuple(f"{row}" for row in range(len(values))),
        labels=np.datetime64("2020-01-01T00", "s") + hours,
        values=values,
        origins=np.array([24]),
        horizon=min(24, values.shape[1] - 24),
        seasons=(24,),
        read=24,
        section="",
        write=lambda _: None,
    )


def newest_season(case: Case, steps: int) -> FloatArray:
    """What was seen one season before each target by the wall clock: the seasonal naive method.

    Where a season is shorter than the horizon, or has no value there, an older one is taken, of
    eight at most; then the last value.

    Args:
        case: What to forecast.
        steps: Of the season.

    Returns:
        [series, windows, horizon]; NaN where a series has no value yet.
    """
    found = np.full(case.actual.shape, np.nan)
    for turn in range(1, MOST_SEASONS + 1):
        there = seen(case, case.lagged(case.targets, turn * steps))
        found = np.where(np.isnan(found), there, found)
    last = last_values(case)[:, :, None]
    filled: FloatArray = np.where(np.isnan(found), last, found)
    return filled


MOST_SEASONS = 8
"""Seasons back that a value may come from."""


def median_of_weeks(case: Case, weeks: int, steps: int) -> FloatArray:
    """The median of the last weeks at each target's wall clock, [series, windows, horizon]."""
    past = np.stack(
        [seen(case, case.lagged(case.targets, turn * steps)) for turn in range(1, weeks + 1)]
    )
    known = ~np.isnan(past).all(axis=0)
    middle = np.nanmedian(np.where(known, past, 0.0), axis=0)
    filled: FloatArray = np.where(known, middle, newest_season(case, steps))
    return filled


def seen(case: Case, columns: IntArray) -> FloatArray:
    """Values at columns [windows, horizon] where they lie before their origin, NaN elsewhere."""
    inside = (columns >= 0) & (columns < case.origins[:, None])
    values: FloatArray = np.where(inside, case.values[:, np.where(inside, columns, 0)], np.nan)
    return values


def last_values(case: Case) -> FloatArray:
    """The newest value before each origin, [series, windows]; NaN where there is none."""
    last = np.full((len(case.ids), len(case.origins)), np.nan)
    for window, origin in enumerate(case.origins.tolist()):
        before = case.values[:, :origin]
        known = ~np.isnan(before)
        place = before.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
        last[:, window] = before[np.arange(len(before)), place]
    return last
