"""Series that never were, for a network to practise on beside those of a panel.

A panel is a few days or weeks of a few hundred series, and what happened in them happened once: a
network that sees it often enough learns these days by heart. Series drawn anew from what series in
general are made of (levels, seasons that drift, days unlike the others, trends, shifts, noise,
counts) never repeat themselves, have no days to learn, and say how far a past day is to be believed
when it disagrees with the past week.

Source:
    The idea is that of Dooley et al. 2023, "ForecastPFN", and of Ansari et al. 2024,
    "Chronos", section 4.2, where such series are a tenth of what a network is trained on; the
    parts and their sizes are our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.windows.clock import history_steps, least_history, reach_of
from rnnts.windows.parts import Parts
from rnnts.windows.smooth import smooth
from rnnts.windows.windowset import WindowSet, error_scale

CELLS = 2**21
"""Values invented for a training: 16 MB, and a second or two."""
MOST_STEPS = 8_192
"""Steps of an invented series; a season that does not fit has no past there."""
MOST_SERIES = 4_096


def invented_windows(like: WindowSet, seed: int, wanted: int | None = None) -> WindowSet:
    """Invented series, cut as the windows of a panel are; all of them for training.

    Args:
        like: The panel's windows: what seasons there are, how long windows are.
        seed: Of the series.
        wanted: Windows that will be drawn; no more series than that. Default: any number.
    """
    steps = min(history_steps(like) + like.horizon + like.window, MOST_STEPS)
    count = min(max(CELLS // steps, 1), MOST_SERIES, MOST_SERIES if wanted is None else wanted)
    values = invented_series(seed, count, steps, [steps for steps, _, _ in like.seasons])
    reach = reach_of(like.seasons)
    nothing = np.zeros(0, np.int64)
    return WindowSet(
        values=values.ravel(),
        smooth=smooth(values, reach).ravel() if reach else np.zeros(0),
        offsets=np.arange(count + 1, dtype=np.int64) * steps,
        first_step=np.zeros(count, np.int64),
        scale=error_scale(values, like.season),
        typical=np.zeros((count, 2)),
        grid_first=0,
        shift=np.zeros(steps + like.horizon, np.int64),
        calendar=np.zeros((steps + like.horizon, 0)),
        window=like.window,
        horizon=like.horizon,
        seasons=like.seasons,
        minimum=least_history(like.window, like.season),
        static=0,
        parts=Parts(steps, steps, steps, nothing, nothing),
    )


def invented_series(seed: int, count: int, steps: int, seasons: Sequence[int]) -> FloatArray:
    """Series of every kind, NaN where a value is missing, [count, steps].

    Guarantees: equal arguments give equal series.

    Args:
        seed: Of all draws.
        count: Series.
        steps: Of each.
        seasons: Steps of each season, the shortest first; there may be none.
    """
    dice = _Dice(np.random.default_rng(seed), count, steps)
    fitting = [season for season in seasons if 1 < season < steps]
    values, shape = _seasonal(dice, fitting)
    values += _aperiodic(dice, fitting[0] if fitting else NO_SEASON)
    values -= values.mean(axis=1, keepdims=True)
    values /= values.std(axis=1, keepdims=True) + TINY
    noise = dice.persistent(dice.random.uniform(0, 0.97, count)) * dice.size(0.02, 1.0)
    uneven = np.where(dice.some(0.4), np.exp(np.clip(0.6 * shape, -2, 2)), 1.0)
    values = _of_a_kind(dice, values + noise * uneven)
    return np.where(_missing(dice), np.nan, values * np.exp(dice.uniform(-3, 6)))


NO_SEASON = 16
"""Steps in which walks and trends move by their size, where there is no season to say so."""
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class _Dice:
    """Draws for all series at once; one number a series stands in a column."""

    random: np.random.Generator
    count: int
    steps: int

    def uniform(self, low: float, high: float) -> FloatArray:
        """[count, 1]."""
        return self.random.uniform(low, high, (self.count, 1))

    def size(self, low: float, high: float) -> FloatArray:
        """Evenly over orders of magnitude, [count, 1]."""
        return np.exp(self.uniform(np.log(low), np.log(high)))

    def some(self, share: float) -> BoolArray:
        """True for that share of the series, [count, 1]."""
        some: BoolArray = self.random.random((self.count, 1)) < share
        return some

    def persistent(self, memory: FloatArray, steps: int | None = None) -> FloatArray:
        """Autoregressive series of unit spread, of fat tails where no `steps` are given.

        Args:
            memory: Of each series, in [0, 1), [count].
            steps: Default: those of the series.
        """
        shape = (WARM_UP + (steps or self.steps), self.count)
        if steps is None:
            series = self.random.standard_t(4, shape) / np.sqrt(2)
        else:
            series = self.random.normal(size=shape)
        series *= np.sqrt(1 - memory**2)
        for step in range(1, len(series)):
            series[step] += memory * series[step - 1]
        return np.ascontiguousarray(series[WARM_UP:].T)

    def profile(self, season: int) -> FloatArray:
        """A season's shape: a few harmonics, peaked for some, mean 0, unit spread."""
        waves = np.arange(1, min(season // 2, MOST_WAVES) + 1)
        kept = 2 * self.random.integers(1, 7, (self.count, 1, 1))
        fade = -self.random.uniform(0.3, 1.5, (self.count, 1, 1))
        heights = self.random.normal(size=(self.count, len(waves), 2))
        heights *= waves[:, None] ** fade * (waves[:, None] <= kept)
        angles = 2 * np.pi * waves[:, None] * np.arange(season) / season
        circles = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # [waves, 2, season]
        shape = np.einsum("nwc,wcs->ns", heights, circles)
        peaked = np.exp(shape / (shape.std(axis=1, keepdims=True) + TINY) * self.size(0.5, 1.2))
        shape = np.where(self.some(0.3), peaked, shape)
        shape = np.where(self.some(0.1), self.pulses(season), shape)
        shape -= shape.mean(axis=1, keepdims=True)
        unit: FloatArray = shape / (shape.std(axis=1, keepdims=True) + TINY)
        return unit

    def pulses(self, season: int) -> FloatArray:
        """A season of a few short events at fixed times, as of jobs that a clock starts.

        Returns:
            [count, season].
        """
        shape = np.zeros((self.count, season))
        at = np.arange(season)
        for place in range(MOST_PULSES):
            begin = self.random.integers(season, size=(self.count, 1))
            width = self.random.integers(1, max(2, season // 48), (self.count, 1), endpoint=True)
            there = (at - begin) % season < width
            shape += there * self.size(0.3, 3) * (self.some(0.5) if place else True)
        return shape


MOST_PULSES = 6
WARM_UP = 50
"""Steps before an autoregressive series counts."""
MOST_WAVES = 12


def _seasonal(dice: _Dice, seasons: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """The seasons together, and the shape of the first, [count, steps] each."""
    nothing = np.zeros((dice.count, dice.steps))
    if not seasons:
        return nothing, nothing
    season = seasons[0]
    at = np.arange(dice.steps) + dice.random.integers(10_000)
    turn = np.arange(dice.steps) // season
    drift = np.linspace(0, 1, dice.steps) * dice.uniform(-1, 2)
    drift = np.clip(drift, 0, 1) * dice.some(0.4)
    one, other = (dice.profile(season)[:, at % season] for _ in range(2))
    shape = (1 - drift) * one + drift * other
    heights = _by_turn(dice, turn, (0.0, 0.95)) * dice.size(0.02, 0.8) * dice.some(0.7)
    values = shape * (1 + heights) * dice.size(0.1, 3) * dice.some(0.92)
    values += _by_turn(dice, turn, (0.2, 0.98)) * dice.size(0.02, 1) * dice.some(0.6)
    for longer in seasons[1:]:
        values += _longer(dice, at, (season, longer), shape)
    return values, shape


def _by_turn(dice: _Dice, turn: IntArray, memory: tuple[float, float]) -> FloatArray:
    """One number for each turn of the first season, [count, steps]."""
    own = dice.random.uniform(*memory, dice.count)
    return dice.persistent(own, int(turn[-1]) + 1)[:, turn]


def _longer(dice: _Dice, at: IntArray, seasons: tuple[int, int], shape: FloatArray) -> FloatArray:
    """A season of seasons: a level or height of each, as weekends have, or a shape of its own."""
    season, longer = seasons
    own = dice.profile(longer)[:, at % longer]
    turns = longer // season
    if longer % season or longer == season:
        return own * dice.size(0.1, 2) * dice.some(0.6)
    days = dice.random.normal(size=(dice.count, turns))
    first = dice.random.integers(turns, size=(dice.count, 1))
    weekend = (np.arange(turns) + first) % turns < WEEKEND
    apart = weekend * dice.random.choice([-2.0, 2.0], (dice.count, 1)) + 0.3 * days
    level = np.where(dice.some(0.6), apart, days)[:, (at // season) % turns]
    values = level * dice.size(0.1, 2) * dice.some(0.45)
    values += level * shape * dice.size(0.1, 0.8) * dice.some(0.4)
    return values + own * dice.size(0.1, 1) * dice.some(0.15)


WEEKEND = 2
"""Turns of the shorter season that are often unlike the others of the longer one."""


def _aperiodic(dice: _Dice, season: int) -> FloatArray:
    """Walks, trends and shifts of level, [count, steps]."""
    walk = np.cumsum(dice.random.normal(size=(dice.count, dice.steps)), axis=1) / np.sqrt(season)
    values: FloatArray = walk * dice.size(0.01, 0.5) * dice.some(0.35)
    values += _bursts(dice) * dice.some(0.15)
    values += _outages(dice, season) * dice.some(0.2)
    slope = dice.random.normal(size=(dice.count, 1)) * dice.size(0.002, 0.1) * dice.some(0.4)
    values += slope * np.arange(dice.steps) / season
    shifted = np.arange(dice.steps) >= dice.random.integers(dice.steps, size=(dice.count, 1))
    height = dice.random.normal(size=(dice.count, 1)) * dice.size(0.3, 4) * dice.some(0.15)
    values += shifted * height
    return values + _cycles(dice) * dice.size(0.1, 3) * dice.some(0.3)


def _bursts(dice: _Dice) -> FloatArray:
    """Single steps far above the others, [count, steps]."""
    there = dice.random.random((dice.count, dice.steps)) < dice.size(0.0005, 0.02)
    return there * dice.size(1, 10) * dice.random.exponential(size=there.shape)


def _outages(dice: _Dice, season: int) -> FloatArray:
    """Stretches at another level, after which all is as before, [count, steps]."""
    values = np.zeros((dice.count, dice.steps))
    at = np.arange(dice.steps)
    for place in range(MOST_OUTAGES):
        began = dice.random.integers(dice.steps, size=(dice.count, 1))
        length = dice.size(1, 4 * season)
        depth = dice.random.normal(size=(dice.count, 1)) * dice.size(0.5, 5)
        some = dice.some(0.5) if place else True
        values += ((at >= began) & (at < began + length)) * depth * some
    return values


MOST_OUTAGES = 3


def _cycles(dice: _Dice) -> FloatArray:
    """Waves whose length and height wander, as those of trade and of the sun, [count, steps].

    Source:
        Yule 1927, "On a method of investigating periodicities in disturbed series", of sunspots.
    """
    length = dice.size(SHORTEST_CYCLE, max(dice.steps, 2 * SHORTEST_CYCLE))[:, 0]
    keeps = np.exp(-1 / (length * dice.size(0.5, 20)[:, 0]))  # of a wave, from step to step
    angle, phase = 2 * np.pi / length, dice.random.uniform(0, 2 * np.pi, dice.count)
    wave = np.sqrt(1 - keeps**2) * dice.random.normal(size=(dice.steps, dice.count)) * np.sin(angle)
    wave[:2] = np.sin([phase, phase + angle])[: len(wave)]
    for step in range(2, dice.steps):
        wave[step] += 2 * keeps * np.cos(angle) * wave[step - 1] - keeps**2 * wave[step - 2]
    return np.ascontiguousarray((wave / (wave.std(axis=0) + TINY)).T)


SHORTEST_CYCLE = 8.0


def _of_a_kind(dice: _Dice, values: FloatArray) -> FloatArray:
    """Some as they are, some as powers, counts, or cut off below, [count, steps]."""
    powers = np.exp(np.clip(values * dice.uniform(0.1, 0.8), -20, 20))
    rate = np.exp(np.clip(values * dice.uniform(0.3, 1), -4, 4) + dice.uniform(-2, 4))
    counts = dice.random.poisson(rate).astype(np.float64)
    lowest = np.sort(values, axis=1)
    place = (dice.uniform(0.05, 0.4) * (dice.steps - 1)).astype(np.int64)
    floored = np.maximum(values - np.take_along_axis(lowest, place, axis=1), 0)
    kinds = values, powers, counts, floored
    kind = dice.random.choice(len(kinds), (dice.count, 1), p=KINDS)
    of_a_kind: FloatArray = np.choose(kind, kinds)
    return of_a_kind


KINDS = (0.4, 0.3, 0.2, 0.1)
"""Shares of series as they are, as powers, counts, and cut off below."""


def _missing(dice: _Dice) -> BoolArray:
    """Where values are missing: here and there, or for a while, [count, steps]."""
    here = dice.random.random((dice.count, dice.steps)) < dice.size(0.001, 0.1) * dice.some(0.1)
    began = dice.random.integers(dice.steps, size=(dice.count, 1))
    length = dice.random.integers(1, max(2, dice.steps // 20), (dice.count, 1))
    at = np.arange(dice.steps)
    missing: BoolArray = here | ((at >= began) & (at < began + length) & dice.some(0.1))
    return missing
