"""Conformal calibration: the ranges of a forecast, made to cover what they say they cover.

What happened has a place among a forecast's own quantiles: 0.9 where it equals the quantile 0.9,
between two levels where it lies between their quantiles. Places of the past tell where the truth
really falls; a level is read off the forecast at the place below which that share of them lies. A
place has no unit and does not mind how wide a range is or where it has no width at all, as that
of a count that is nearly certainly 0.

Series differ, and so do steps. Each series has places of its own, drawn to the level itself where
it has few, and on top of them each horizon step has places of all series together. New errors
count for more than old ones, so that ranges follow a change between two trainings. Forecasts that
were made from late inputs teach steps of their own, by how late they were (rnnts.learning.late).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import numpy as np

from rnnts.learning.late import Late, ages_of, nearest
from rnnts.learning.residuals import Residuals
from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray

MIN_SCORES = 39
"""Places that a bound needs: a split-conformal bound at level p needs p / (1 - p), 39 at 0.975.

Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, JASA 113, algorithm 2.
"""
POOLED_SCORES = 400
"""Neighbouring steps are pooled until a step has so many places: the bound at 0.975 then rests on
the tenth largest of them, at 39 on the largest."""
HALF_LIFE = 14.0
"""First seasons (of hours: days) after which an error counts for half. Half and twice of it gave
interval scores within 2 % on held-out nights of flights, M4 Hourly and ETTh1."""
LEAST = 0.05
"""What the oldest error still counts: those held out have to do until new ones come."""
OWN_SCORES = 700.0
"""Places of a series that weigh as much as the level itself does: they come in runs, one window
has as many as it has steps. On M4 Hourly 200 gave worse interval scores than 500 and 1,000."""
FOLDS = 4
"""Parts of the past for each of which a series' own places are learnt from the others: steps
would else be taught by ranges that have seen the truth, and come out too narrow."""
FARTHEST = 10.0
"""Outermost gaps by which a place may lie beyond the outermost level: a tail is learnt from few."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Where to read each level: by series, then by horizon step and age of the inputs.

    >>> levels = (0.1, 0.5, 0.9)
    >>> wider = Calibration.identity(levels, 1)
    >>> wider.steps[:] = [0.0, 0.5, 1.0]
    >>> wider.apply(np.array([[[1.0, 2.0, 4.0]]]), np.array(["a"])).tolist()
    [[[0.75, 2.0, 4.5]]]
    """

    levels: tuple[float, ...]  # rising, with 0.5
    steps: FloatArray  # places, [horizon, levels]
    scores: IntArray  # known targets that the places of each step rest on, [horizon]
    series: AnyArray  # ids that have places of their own, rising, [known]
    own: FloatArray  # their places, [known, levels]
    late: Late = field(default_factory=lambda: Late.none(0, 0))  # places where inputs are late

    def __post_init__(self) -> None:
        width = len(self.levels)
        horizon, known = self.scores.shape[0], self.series.shape[0]
        if self.steps.shape != (horizon, width) or self.own.shape != (known, width):
            raise ValueError(
                f"expected places [{horizon}, {width}] and [{known}, {width}], got "
                f"{self.steps.shape} and {self.own.shape}"
            )
        for places in (self.steps, self.own):
            if not (np.diff(places, axis=1) >= 0).all():  # so written, NaN fails too
                raise ValueError("a place is missing, or above that of a higher level")

    @classmethod
    def identity(cls, levels: tuple[float, ...], horizon: int) -> Self:
        """The calibration that changes no bit."""
        width = len(levels)
        nobody = np.zeros(0, "<U1"), np.zeros((0, width))
        return cls(levels, np.tile(levels, (horizon, 1)), np.zeros(horizon, np.int64), *nobody)

    @classmethod
    def fit(cls, levels: tuple[float, ...], residuals: Residuals, season: int) -> Self:
        """Learn the places; a step that has too few even when pooled reads its own levels.

        Args:
            levels: Of the forecasts' last axis, rising, with 0.5.
            residuals: Held-out and realised forecasts with what happened.
            season: Steps of the first season, in which age is measured.
        """
        horizon = residuals.actual.shape[1]
        if len(levels) == 1 or not len(residuals.scale):
            return cls.identity(levels, horizon)
        axis = np.asarray(levels)
        teaching = residuals.teaching()
        age = (residuals.origin.max() - residuals.origin) / season
        weights = np.maximum(0.5 ** (age / HALF_LIFE), LEAST)  # [rows]
        series, rows = np.unique(residuals.series, return_inverse=True)
        ages = ages_of(season)
        taught = nearest(residuals.age, ages)  # [rows]
        learner = _Own.of(axis, residuals, teaching & (taught == 0)[:, None], weights, rows)
        own = learner.places(np.zeros(0, np.int64))
        adjusted = learner.unseen(residuals, rows)

        def by_step(age: int) -> tuple[FloatArray, IntArray]:
            of = taught == age
            return _by_step(axis, adjusted[of], residuals.actual[of], teaching[of], weights[of])

        steps, scores = by_step(0)
        found = {age: by_step(age) for age in ages.tolist()}
        known = {age: places for age, (places, truths) in found.items() if truths.any()}
        none = np.zeros((0, horizon, len(levels)))
        late = Late(np.array([*known], np.int64), np.stack([*known.values()]) if known else none)
        return cls(levels, steps, scores, series, own, late)

    @property
    def is_identity(self) -> bool:
        """Whether `apply` changes nothing."""
        places = (self.steps, self.own, self.late.places)
        return all(bool((each == self.levels).all()) for each in places if each.size)

    def apply(
        self, quantiles: FloatArray, series: AnyArray, age: IntArray | None = None
    ) -> FloatArray:
        """Read every level at its place; the median stays, and what did not cross still does not.

        Args:
            quantiles: [rows, horizon, levels].
            series: The id of each row; one that is not known has the places of all, [rows].
            age: Steps of each row without an observation before the first target, [rows];
                default: none.

        Raises:
            ValueError: Another horizon or number of levels than was learnt.
        """
        expected = (len(series), len(self.steps), len(self.levels))
        if quantiles.shape != expected:
            raise ValueError(f"expected quantiles {list(expected)}, got {quantiles.shape}")
        if self.is_identity:
            return quantiles.copy()
        axis = np.asarray(self.levels)
        steps = self.steps if age is None else self.late.at(age, self.steps)
        return read(read(quantiles, self._own_of(series)[:, None], axis), steps, axis)

    def _own_of(self, series: AnyArray) -> FloatArray:
        """The places of each row's series, [rows, levels]."""
        if not len(self.own):
            return np.tile(self.levels, (len(series), 1))
        places = np.minimum(np.searchsorted(self.series, series), len(self.series) - 1)
        known = self.series[places] == series
        return np.where(known[:, None], self.own[places], self.levels)

    def to_arrays(self) -> dict[str, AnyArray]:
        """What `from_arrays` takes."""
        named = {name: getattr(self, name) for name in ("steps", "scores", "series", "own")}
        late = {"late_ages": self.late.ages, "late_places": self.late.places}
        return {"levels": np.asarray(self.levels, np.float64), **named, **late}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The calibration that gave these arrays; an older one knows nothing of late inputs."""
        levels = tuple(float(level) for level in arrays["levels"])
        steps, scores, series, own = (arrays[name] for name in ("steps", "scores", "series", "own"))
        late = Late.none(len(steps), len(levels))
        if "late_ages" in arrays:
            late = Late(arrays["late_ages"], arrays["late_places"])
        return cls(levels, steps, scores, series, own, late)


def read(quantiles: FloatArray, places: FloatArray, levels: FloatArray) -> FloatArray:
    """What stands at places among quantiles: linear between levels, and on beyond the outermost.

    Args:
        quantiles: [..., levels], rising.
        places: [..., levels], rising; broadcast against the quantiles.
        levels: [levels], at least two.

    Returns:
        [..., levels], rising; where a place is a level, its quantile bit for bit.
    """
    below = np.clip(np.searchsorted(levels, places, side="right") - 1, 0, len(levels) - 2)
    share = (places - levels[below]) / (levels[below + 1] - levels[below])
    shape = quantiles.shape
    low = np.take_along_axis(quantiles, np.broadcast_to(below, shape), axis=-1)
    high = np.take_along_axis(quantiles, np.broadcast_to(below + 1, shape), axis=-1)
    there = low + share * (high - low)
    # Rounding must not carry a place past the quantile that it lies before
    there = np.where(share >= 1, np.maximum(there, high), np.minimum(there, high))
    found: FloatArray = np.where(share == 1, high, there)
    return found


def places_of(quantiles: FloatArray, actual: FloatArray, levels: FloatArray) -> FloatArray:
    """Where truths fall among their forecasts' quantiles; the inverse of `read`.

    Where several levels have the very quantile that happened, one place between them is as true as
    another, and each is drawn (the randomised probability integral transform).

    Args:
        quantiles: [truths, levels], rising.
        actual: [truths].
        levels: [levels], at least two.

    Source:
        Czado, Gneiting and Held 2009, Biometrics 65, section 2.
    """
    last, rows = len(levels) - 1, np.arange(len(actual))
    at_most = (quantiles <= actual[:, None]).sum(axis=1)
    less = (quantiles < actual[:, None]).sum(axis=1)
    low = np.clip(at_most - 1, 0, last - 1)
    start, gap = quantiles[rows, low], quantiles[rows, low + 1] - quantiles[rows, low]
    width = levels[low + 1] - levels[low]
    beyond = (at_most == 0) | (at_most > last)
    start = np.where(at_most > last, quantiles[:, -1], start)
    level = np.where(at_most > last, levels[-1], levels[low])
    away = actual - start
    far = np.where(away < 0, -np.inf, np.where(away > 0, np.inf, 0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(gap > 0, away / gap, far)
    place = level + np.where(beyond | (gap > 0), share * width, 0.0)
    drawn = np.random.default_rng(0).random(len(actual))
    first, final = levels[np.minimum(less, last)], levels[np.maximum(at_most - 1, 0)]
    places: FloatArray = np.where(at_most > less + 1, first + drawn * (final - first), place)
    return places


def bounds_of(places: FloatArray, weights: FloatArray, levels: FloatArray) -> FloatArray:
    """The place of each level: of all places, the smallest that a share of them stays inside.

    Above the median a share `level` lies below the bound, under it a share `1 - level` above, both
    with the finite-sample correction. The median's own place stays: a point forecast is not moved.

    Args:
        places: [places].
        weights: How much each counts, [places].
        levels: [levels].

    Returns:
        [levels], rising.

    Source:
        Barber, Candès, Ramdas and Tibshirani 2023, Annals of Statistics 51(2) (weights).
    """
    order = np.argsort(places)
    ordered, counts = places[order], weights[order]
    total, last = counts.sum() + counts.max(), len(places) - 1
    slack = 1e-9 * total  # 40 * 0.975 is to be 39
    up = np.searchsorted(np.cumsum(counts), levels * total - slack)
    down = np.searchsorted(np.cumsum(counts[::-1]), (1 - levels) * total - slack)
    above = np.maximum(ordered[np.minimum(up, last)], 0.5)
    under = np.minimum(ordered[::-1][np.minimum(down, last)], 0.5)
    bounds = np.where(levels > 0.5, above, under)  # noqa: PLR2004 - the median's own name
    bounds[levels == 0.5] = 0.5  # noqa: PLR2004
    lowest = levels[0] - FARTHEST * (levels[1] - levels[0])
    highest = levels[-1] + FARTHEST * (levels[-1] - levels[-2])
    kept: FloatArray = np.clip(bounds, lowest, highest)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """Learns the places of each series."""

    levels: FloatArray
    count: int  # series
    place: FloatArray  # of every truth that teaches, by series, [truths]
    weight: FloatArray  # [truths]
    series: IntArray  # rising, [truths]
    origin: IntArray  # [truths]

    @classmethod
    def of(
        cls,
        levels: FloatArray,
        residuals: Residuals,
        teaching: BoolArray,
        weights: FloatArray,
        series: IntArray,
    ) -> Self:
        """From residuals, what of them teaches, and weight and number of the series of each row."""
        row, step = np.nonzero(teaching)
        order = np.argsort(series[row], kind="stable")
        row, step = row[order], step[order]
        place = places_of(residuals.quantiles[row, step], residuals.actual[row, step], levels)
        count = int(series.max()) + 1
        return cls(levels, count, place, weights[row], series[row], residuals.origin[row])

    def places(self, without: IntArray) -> FloatArray:
        """Of each series what it teaches, drawn to the levels where that is little.

        Args:
            without: Origins that do not teach.

        Returns:
            [series, levels].
        """
        there = np.isin(self.origin, without, invert=True)
        place, weight, series = self.place[there], self.weight[there], self.series[there]
        ends = np.searchsorted(series, np.arange(self.count), side="right")
        found = np.tile(self.levels, (self.count, 1))
        for number, (start, end) in enumerate(pairwise([0, *ends.tolist()])):
            if end - start < MIN_SCORES:
                continue
            weights = weight[start:end]
            effective = weights.sum() ** 2 / (weights**2).sum()
            share = effective / (effective + OWN_SCORES)
            bounds = bounds_of(place[start:end], weights, self.levels)
            found[number] += share * (bounds - self.levels)
        return found

    def unseen(self, residuals: Residuals, series: IntArray) -> FloatArray:
        """Quantiles read at places that were learnt without their own part of the past."""
        adjusted = residuals.quantiles.copy()
        origins = np.unique(residuals.origin)
        for part in np.array_split(origins, min(FOLDS, len(origins))):
            inside = np.isin(residuals.origin, part)
            places = self.places(part)[series[inside]]
            adjusted[inside] = read(adjusted[inside], places[:, None], self.levels)
        return adjusted


def _by_step(
    levels: FloatArray,
    quantiles: FloatArray,
    actual: FloatArray,
    teaching: BoolArray,
    weights: FloatArray,
) -> tuple[FloatArray, IntArray]:
    """The places of each step, over all series; and how many truths they rest on."""
    known = teaching.sum(axis=0)  # [horizon]
    places = np.tile(levels, (known.size, 1))
    scores = np.zeros(known.size, np.int64)
    for step in range(known.size):
        first, last = _pooled(known, step)
        rows, offsets = np.nonzero(teaching[:, first:last])
        if rows.size < MIN_SCORES:
            continue
        scores[step] = rows.size
        chosen = rows, offsets + first
        place = places_of(quantiles[chosen], actual[chosen], levels)
        places[step] = bounds_of(place, weights[rows], levels)
    return places, scores


def _pooled(known: IntArray, step: int) -> tuple[int, int]:
    """First and one past the last step around `step` that together have enough truths."""
    horizon = known.size
    first, last = step, step + 1
    while known[first:last].sum() < POOLED_SCORES and (first > 0 or last < horizon):
        first, last = max(first - 1, 0), min(last + 1, horizon)
    return first, last
