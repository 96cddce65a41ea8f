"""What the wall clock adds to the grid: aligned seasons and calendar features."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.grid import Grid
from rnnts.panels.seasons import Season

CALENDAR = 6
"""Calendar features of a step: sine and cosine of hour of day, day of week, day of year."""

Cycles = tuple[tuple[int, int], ...]
"""(steps, repeats) of each season: its newest `repeats` values become bases of a target."""


class Spec(Protocol):
    """What decides the shape of a network's inputs."""

    @property
    def window(self) -> int:
        """Steps read."""

    @property
    def horizon(self) -> int:
        """Steps forecast."""

    @property
    def seasons(self) -> Cycles:
        """Seasons whose past values stand beside each target."""

    @property
    def known_future(self) -> int:
        """Features known in advance: 0 or `CALENDAR`."""

    @property
    def static(self) -> int:
        """Features of the series: 0, or 2 (its typical level and spread)."""


def cycles_of(seasons: Sequence[Season]) -> Cycles:
    """How many past values of each season help: three days, two weeks, one of anything longer."""
    repeats = (3, 2)
    return tuple(
        (season.steps, repeats[place] if place < len(repeats) and season.days <= LONGEST else 1)
        for place, season in enumerate(seasons)
    )


LONGEST = 91
"""Days of a season of which more than the newest value is read."""


def bases_count(cycles: Cycles) -> int:
    """Columns of the input `bases`."""
    return sum(repeats for _, repeats in cycles)


def history_steps(spec: Spec) -> int:
    """Steps before the origin that the inputs of an origin may read: a season more for clocks."""
    reach = [steps * repeats for steps, repeats in spec.seasons]
    margin = max((steps for steps, _ in spec.seasons[:1]), default=0)
    return max([spec.window, *reach]) + margin


def clock_shift(grid: Grid, first_step: int, count: int) -> IntArray:
    """Steps by which the wall clock leads the grid, less that of the first step, [count].

    Changes where clocks do; 0 throughout for steps of a day or more.
    """
    per_day = grid.steps_per_day
    if per_day <= 1:
        return np.zeros(count, np.int64)
    steps = np.arange(first_step, first_step + count, dtype=np.int64)
    hour_of_day, _, _ = grid.wall_clock(steps)
    lead = np.rint(hour_of_day * per_day / 24).astype(np.int64) - steps  # [count]
    half = per_day // 2
    shift: IntArray = (lead - lead[0] + half) % per_day - half
    return shift


def calendar(grid: Grid, first_step: int, count: int) -> FloatArray:
    """Calendar features in the panel's zone, [count, CALENDAR]."""
    steps = np.arange(first_step, first_step + count, dtype=np.int64)
    hour_of_day, day_of_week, day_of_year = grid.wall_clock(steps)
    phases = [hour_of_day / 24, day_of_week / 7, day_of_year / 365.25]
    angles = 2 * np.pi * np.stack(phases, axis=1)  # [count, 3]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
