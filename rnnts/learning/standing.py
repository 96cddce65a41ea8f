"""Where each series stands: what its visible observations allow."""

from dataclasses import dataclass, field

import numpy as np

from rnnts.learning.bounds import Bounds
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.panel import Panel

PRECISION = 1e-12
"""Span over level below which float64 itself rules the shape (RELIABILITY D15)."""
USUAL = 0.95
"""The usual value: this quantile of the absolute observations before the last."""
THINNED_GAPS = 6
"""So many equal gaps in a row, each of several steps, are a new frequency (RELIABILITY D20)."""
LONG = 1 << 40
"""More steps than any time line has."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a panel asks of its series, in grid steps."""

    window: int
    least: int  # of history from which a network serves
    horizon: int
    season: int  # steps of the first season
    days: int  # the same season by the wall clock
    max_delay: int
    max_stale: int
    retired_after: int  # steps of silence, while others speak
    bounds: Bounds = field(default_factory=Bounds)
    seasons: tuple[int, ...] = ()  # all of them by the wall clock, where there is a choice


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What the visible observations of each series allow; every field is [series]."""

    length: IntArray  # steps from the first observation to the origin; 0: none is loaded
    age: IntArray  # steps before the origin without an observation, at the end
    silent: IntArray  # the same, before the newest observation of any series; else 0
    seen: IntArray  # observations in the window
    missing: FloatArray  # share of the window, since the first observation, that is missing before
    # the last one
    low: FloatArray  # smallest and largest observation loaded, NaN without any
    high: FloatArray
    last: FloatArray  # newest observation loaded, NaN without any
    usual: FloatArray  # typical size of those before it
    thinned: BoolArray  # observations now come several steps apart, and did not before

    @classmethod
    def of(cls, panel: Panel, origin: int, rules: Rules) -> "Standing":
        """Look at what `panel` holds before the grid step `origin`."""
        values = panel.values[:, : max(0, origin - panel.first_step)]  # [series, steps]
        there = ~np.isnan(values)
        first, newest = _life(panel, there, origin)
        age = origin - 1 - newest
        window = there[:, max(0, origin - rules.window - panel.first_step) :]
        seen = window.sum(axis=1)
        lived = np.clip(origin - first, 1, rules.window)  # before its first step nothing is missing
        gaps = np.maximum(lived - seen - age, 0) / lived
        low, high = _extremes(values, there)
        last, usual = _sizes(values, there)
        return cls(
            origin - first,
            age,
            np.maximum(newest[first < origin].max(initial=-LONG) - newest, 0),
            seen,
            gaps,
            low,
            high,
            last,
            usual,
            _thinned(there),
        )

    @property
    def constant(self) -> BoolArray:
        """One value only, over all that is loaded."""
        return np.asarray(self.high == self.low)

    @property
    def imprecise(self) -> BoolArray:
        """So small a span on so high a level that its shape is rounding."""
        level = np.maximum(np.abs(self.low), np.abs(self.high))
        return np.asarray((self.high - self.low < PRECISION * level) & ~self.constant)


def _life(panel: Panel, there: BoolArray, origin: int) -> tuple[IntArray, IntArray]:
    """Steps of the first and the newest observation before `origin`, each [series].

    Where none is loaded, `origin` and the newest step that the panel's index knows of.
    """
    first = np.array([info.first for info in panel.series], np.int64)
    last = np.array([info.last for info in panel.series], np.int64)
    loaded = there.any(axis=1)
    if not there.shape[1]:
        return np.full_like(first, origin), np.minimum(last, origin - 1)
    oldest = panel.first_step + there.argmax(axis=1)
    latest = panel.first_step + there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    return (
        np.where(loaded, np.minimum(first, oldest), origin),
        np.where(loaded, latest, np.minimum(last, origin - 1)),
    )


def _extremes(values: FloatArray, there: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest observation, NaN without any, each [series]."""
    low = np.where(there, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(there, values, -np.inf).max(axis=1, initial=-np.inf)
    empty = low > high
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _sizes(values: FloatArray, there: BoolArray) -> tuple[FloatArray, FloatArray]:
    """The newest observation and the usual size of those before it, each [series]."""
    last, usual = np.full(len(values), np.nan), np.zeros(len(values))
    for row in range(len(values)):
        observed = values[row, there[row]]
        if observed.size:
            last[row] = observed[-1]
        if observed.size > 1:
            place = int(USUAL * (observed.size - 2))
            usual[row] = np.partition(np.abs(observed[:-1]), place)[place]
    return last, usual


def _thinned(there: BoolArray) -> BoolArray:
    """Whether the newest gaps are equal and longer than those before, [series]."""
    thinned = np.zeros(len(there), bool)
    for row in np.flatnonzero(~there.all(axis=1)):
        gaps = np.diff(np.flatnonzero(there[row]))
        newest, before = gaps[-THINNED_GAPS:], gaps[:-THINNED_GAPS]
        if before.size >= THINNED_GAPS and newest[0] > 1 and (newest == newest[0]).all():
            thinned[row] = bool(np.median(before) < newest[0])
    return thinned
