"""What the wall clock adds to the grid: aligned seasons and calendar features."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.covariates import Features
from rnnts.panels.grid import Grid
from rnnts.panels.seasons import Season

CALENDAR = 4
"""Calendar features of a step: sine and cosine of hour of day and of day of week.

Not of day of year: in less than a few years it names each day, and networks learn days by heart
(flights of 2013: the best weights came after 5 % of the steps).
"""

Cycles = tuple[tuple[int, int, int], ...]
"""(steps, columns, reach) of each season whose past values become bases of a target.

With reach 0 the columns are the season's newest values, and these once more, each shifted by how
far the newest first season lies above the one beside it: last week's hours as they would be if
their days were like today. Otherwise each is a mean over `reach` steps
to both sides: the newest; the newest shifted by the change of level since; the one before, shifted.
"""


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

    @property
    def covariates(self) -> Features | None:
        """What is read of covariates; None: nothing."""


def least_history(window: int, season: int) -> int:
    """Steps from a series' first observation from which a network serves it: two first seasons.

    >>> least_history(336, 24), least_history(10, 24)
    (48, 10)
    """
    return min(window, 2 * season)


YEARLY = 300
"""Days from which a season is as good as a year: it returns once or twice in a history."""
REACH_SHARE = 36
"""A yearly season is smoothed over 1/36 of it to both sides: 21 days average their noise away."""
LEAST_REACH = 5
"""Steps below which smoothing is not worth its blur."""


def cycles_of(seasons: Sequence[Season]) -> Cycles:
    """Three values of each season; a year of days is smoothed."""
    return tuple(_cycle(season) for season in seasons)


def _cycle(season: Season) -> tuple[int, int, int]:
    reach = season.steps // REACH_SHARE
    if season.days >= YEARLY and reach >= LEAST_REACH:
        return season.steps, 3, reach
    if season.days >= YEARLY:
        return season.steps, 1, 0
    return season.steps, 3, 0


def first_season(spec: Spec) -> int:
    """Steps of the first season, by which changes of level are measured; 1 where there is none."""
    return spec.seasons[0][0] if spec.seasons else 1


def record_steps(cycles: Cycles) -> int:
    """Steps before the window that the records of bases reach (`rnnts.networks.records`)."""
    return max((steps * columns for steps, columns, reach in cycles if not reach), default=0)


def reach_of(cycles: Cycles) -> int:
    """Neighbours to each side of the season that is smoothed; 0 where none is."""
    return max((reach for _, _, reach in cycles), default=0)


def history_steps(spec: Spec) -> int:
    """Steps before the origin that the inputs of an origin may read.

    The first season once more for the change of level since, and once more for clocks; before the
    window what the records of bases reach back.
    """
    margin = 2 * max((steps for steps, _, _ in spec.seasons[:1]), default=0)
    reaches = [
        2 * steps + reach + spec.window if reach else steps * columns
        for steps, columns, reach in spec.seasons
    ]
    return max([spec.window + record_steps(spec.seasons), *reaches]) + margin


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
    hour_of_day, day_of_week, _ = grid.wall_clock(steps)
    angles = 2 * np.pi * np.stack([hour_of_day / 24, day_of_week / 7], axis=1)  # [count, 2]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
