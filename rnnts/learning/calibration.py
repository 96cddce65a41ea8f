"""Conformal calibration: the ranges of a forecast, made to cover what they say they cover.

Each gap between neighbouring levels is scaled by a factor learnt, per horizon step, from
forecasts whose truth is known. A gap is never negative and neither is a factor, so what did
not cross before does not cross after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from rnnts.panels.arrays import AnyArray, FloatArray, IntArray

MIN_SCORES = 39
"""Scores that a bound needs: a split-conformal bound at level p needs p / (1 - p), 39 at 0.975.

Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, JASA 113, algorithm 2.
"""
POOLED_SCORES = 400
"""Neighbouring steps are pooled until a step has so many scores: the bound at 0.975 then rests on
the tenth largest of them, at 39 on the largest."""
FLOOR = 0.02
"""The narrowest width that a score is divided by, in units of the series' seasonal error: a step
that is nearly certain (a closed shop's night) would else give scores of thousands."""
FACTOR_MIN = 0.5
"""The smallest factor: the weeks to come may be less quiet than those held out. On 19 nights of
flights, calibrated before Thanksgiving, 80 % ranges held 72 % without this limit, 82 % with it."""
FACTOR_MAX = 5.0
"""The largest factor, for it is learnt from narrow ranges and also meets wide ones: 10 gave the
same pinball loss there and tails a fifth wider."""


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Forecasts beside what then happened; a row is one series at one origin."""

    quantiles: FloatArray  # [rows, horizon, levels], uncalibrated, in the source's unit
    actual: FloatArray  # [rows, horizon], NaN where not known
    scale: FloatArray  # [rows], the series' seasonal error, in the source's unit

    def __post_init__(self) -> None:
        rows, horizon = self.actual.shape
        if self.quantiles.shape[:2] != (rows, horizon) or self.scale.shape != (rows,):
            raise ValueError(
                f"expected quantiles [{rows}, {horizon}, levels] and scale [{rows}], got "
                f"{self.quantiles.shape} and {self.scale.shape}"
            )

    @classmethod
    def joined(cls, parts: "list[Residuals]") -> "Residuals":
        """All rows of several, in order; they share horizon and levels."""
        return cls(
            np.concatenate([part.quantiles for part in parts]),
            np.concatenate([part.actual for part in parts]),
            np.concatenate([part.scale for part in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Factors on the gaps between neighbouring levels, per horizon step.

    >>> twice = Calibration((0.1, 0.5, 0.9), np.array([[2.0, 3.0]]), np.array([40]))
    >>> twice.apply(np.array([[1.0, 2.0, 4.0]])).tolist()
    [[0.0, 2.0, 8.0]]
    """

    levels: tuple[float, ...]  # rising, with 0.5
    factors: FloatArray  # [horizon, levels - 1], >= 0; 1 leaves a gap as it is
    scores: IntArray  # [horizon], known targets that each step's factors rest on

    def __post_init__(self) -> None:
        horizon = self.scores.shape[0]
        if self.factors.shape != (horizon, len(self.levels) - 1):
            raise ValueError(
                f"expected factors [{horizon}, {len(self.levels) - 1}], got {self.factors.shape}"
            )
        if not (self.factors >= 0).all():  # so written, NaN fails too
            raise ValueError("a factor is negative or missing")

    @classmethod
    def identity(cls, levels: tuple[float, ...], horizon: int) -> Self:
        """The calibration that changes no bit."""
        return cls(levels, np.ones((horizon, len(levels) - 1)), np.zeros(horizon, np.int64))

    @classmethod
    def fit(cls, levels: tuple[float, ...], residuals: Residuals) -> Self:
        """Learn the factors; a step that has too few scores even when pooled keeps factor 1.

        Rows whose whole range is narrower than `FLOOR` seasonal errors are left out: a factor
        cannot mend a width of nothing, and their hits would narrow everyone else's range.

        Args:
            levels: Of the forecasts' last axis, rising, with 0.5.
            residuals: Held-out and realised forecasts with what happened.
        """
        horizon = residuals.actual.shape[1]
        floor = np.maximum(FLOOR * residuals.scale, np.finfo(np.float64).tiny)[:, None]
        width = residuals.quantiles[:, :, -1] - residuals.quantiles[:, :, 0]
        usable = np.isfinite(residuals.actual) & (width >= floor)  # [rows, horizon]
        known = usable.sum(axis=0)  # [horizon]
        factors = np.ones((horizon, len(levels) - 1))
        scores = np.zeros(horizon, np.int64)
        for step in range(horizon):
            first, last = _pooled(known, step)
            rows, offsets = np.nonzero(usable[:, first:last])
            if rows.size < MIN_SCORES:
                continue
            scores[step] = rows.size
            factors[step] = _factors(
                np.asarray(levels),
                residuals.quantiles[rows, offsets + first],
                residuals.actual[rows, offsets + first],
                floor[rows, 0],
            )
        return cls(levels, factors, scores)

    @property
    def is_identity(self) -> bool:
        """Whether `apply` changes nothing."""
        return bool((self.factors == 1.0).all())

    def apply(self, quantiles: FloatArray) -> FloatArray:
        """Scale each gap outwards from the median, which stays; what did not cross still does not.

        Args:
            quantiles: [..., horizon, levels].

        Raises:
            ValueError: Another horizon or number of levels than the factors'.
        """
        expected = (self.factors.shape[0], len(self.levels))
        if quantiles.shape[-2:] != expected:
            raise ValueError(f"expected quantiles {[..., *expected]}, got {quantiles.shape}")
        return quantiles.copy() if self.is_identity else scale_gaps(quantiles, self)

    def to_arrays(self) -> dict[str, AnyArray]:
        """What `from_arrays` takes."""
        levels = np.asarray(self.levels, np.float64)
        return {"levels": levels, "factors": self.factors, "scores": self.scores}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The calibration that gave these arrays."""
        levels = tuple(float(level) for level in arrays["levels"])
        return cls(levels, arrays["factors"], arrays["scores"])


def scale_gaps(quantiles: FloatArray, calibration: Calibration) -> FloatArray:
    """Quantiles [..., horizon, levels] with every gap multiplied by its factor."""
    middle = calibration.levels.index(0.5)
    gaps = np.diff(quantiles, axis=-1) * calibration.factors  # [..., horizon, levels - 1]
    median = quantiles[..., middle : middle + 1]
    below = np.cumsum(gaps[..., :middle][..., ::-1], axis=-1)[..., ::-1]
    above = np.cumsum(gaps[..., middle:], axis=-1)
    return np.concatenate([median - below, median, median + above], axis=-1)


def _pooled(known: IntArray, step: int) -> tuple[int, int]:
    """First and one past the last step around `step` that together have enough scores."""
    horizon = known.size
    first, last = step, step + 1
    while known[first:last].sum() < POOLED_SCORES and (first > 0 or last < horizon):
        first, last = max(first - 1, 0), min(last + 1, horizon)
    return first, last


def _factors(
    levels: FloatArray, quantiles: FloatArray, actual: FloatArray, floor: FloatArray
) -> FloatArray:
    """Factors of all gaps, each learnt on top of those nearer to the median.

    Args:
        levels: [levels].
        quantiles: [scores, levels].
        actual: [scores].
        floor: [scores], the narrowest gap that is divided by.

    Returns:
        [levels - 1].
    """
    middle = int(np.flatnonzero(levels == 0.5)[0])  # noqa: PLR2004 - the median's own name
    gaps = np.diff(quantiles, axis=1)  # [scores, levels - 1]
    factors = np.ones(levels.size - 1)
    for sign, order in ((1, range(middle, levels.size - 1)), (-1, range(middle - 1, -1, -1))):
        beyond = sign * (actual - quantiles[:, middle])  # [scores], past the bound before
        for gap in order:
            share = levels[gap + 1] if sign > 0 else 1 - levels[gap]
            score = beyond / np.maximum(gaps[:, gap], floor)
            factors[gap] = np.clip(_conformal(score, float(share)), FACTOR_MIN, FACTOR_MAX)
            beyond = beyond - factors[gap] * gaps[:, gap]
    return factors


def _conformal(scores: FloatArray, share: float) -> float:
    """The smallest score that at least `share` of the next ones stay below, finite sample exact."""
    rank = int(np.ceil((scores.size + 1) * share - 1e-9))  # 40 * 0.975 is to be 39
    place = min(rank, scores.size) - 1
    return float(np.partition(scores, place)[place])
