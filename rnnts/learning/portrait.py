"""How one method errs: by horizon step, by size, and where the truth falls among its quantiles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnts.learning.metrics import level_index
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray

EDGES = np.round(np.arange(-4.0, 4.01, 0.1), 1)
"""Scaled errors are counted between these, in units of the series' seasonal error, and beyond."""
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the errors of a horizon step."""
MEDIAN = 0.5

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Portrait:
    """Counts over the origins added so far; their size does not grow with them.

    Args:
        levels: Of the forecasts, rising, with 0.5.
        scale: In-sample seasonal naive error of each series, [series]; 0 where there is none.
    """

    levels: Sequence[float]
    scale: FloatArray
    errors: list[IntArray] = field(default_factory=list)  # [horizon, bins], one: the sum
    reached: list[FloatArray] = field(default_factory=list)  # [levels], one: the sum
    known: int = 0

    def add(self, actual: FloatArray, quantiles: FloatArray, windows: BoolArray) -> None:
        """Count an origin.

        Args:
            actual: [series, horizon]; NaN where missing.
            quantiles: [series, horizon, levels].
            windows: Series whose window counts, [series].
        """
        actual = np.where(windows[:, None], actual, np.nan)
        middle = level_index(self.levels, MEDIAN) or 0
        usable = np.where(self.scale > 0, self.scale, np.nan)[:, None]
        errors = (quantiles[:, :, middle] - actual) / usable  # above 0: forecast too high
        self.errors = [_plus(self.errors, _counted(errors))]
        self.reached = [_plus(self.reached, _reached(actual, quantiles))]
        self.known += int(np.isfinite(actual).sum())

    def to_json(self) -> Json:
        """What a picture needs.

        Returns:
            `errors`: `edges` [bins + 1], `counts` [bins + 2] (first and last lie beyond), and of
            each step `by_step` [horizon][SHARES], None where nothing is known; `reached`: the
            share of truths at or below each of `levels`, ties by half.
        """
        counts = self.errors[0] if self.errors else np.zeros((0, len(EDGES) + 1), np.int64)
        reached = self.reached[0] if self.reached else np.zeros(len(self.levels))
        return {
            "errors": {
                "edges": EDGES.tolist(),
                "counts": counts.sum(axis=0).tolist(),
                "shares": list(SHARES),
                "by_step": [_shares_of(row) for row in counts],
            },
            "levels": list(self.levels),
            "reached": (reached / self.known).tolist() if self.known else None,
            "known": self.known,
        }


def _plus(total: list[Any], more: Any) -> Any:
    return total[0] + more if total else more


def _counted(errors: FloatArray) -> IntArray:
    """How many errors of each step lie in each bin, [horizon, bins + 2]."""
    horizon = errors.shape[1]
    place = np.searchsorted(EDGES, errors, side="right")  # NaN comes last
    known = np.isfinite(errors)
    flat = place + np.arange(horizon) * (len(EDGES) + 1)
    counts: IntArray = np.bincount(flat[known], minlength=horizon * (len(EDGES) + 1))
    return counts.reshape(horizon, -1)


def _reached(actual: FloatArray, quantiles: FloatArray) -> FloatArray:
    """How many truths lie below each level, ties by half, [levels]."""
    below = (actual[:, :, None] < quantiles).sum(axis=(0, 1))
    equal = (actual[:, :, None] == quantiles).sum(axis=(0, 1))
    return np.asarray(below + 0.5 * equal)


def _shares_of(counts: IntArray) -> list[float] | None:
    """SHARES of a step's errors, on the line within a bin; beyond the edges, the edge."""
    total = counts.sum()
    if not total:
        return None
    rising = np.cumsum(counts) / total  # up to each edge, [bins + 2]
    places, found = np.concatenate([EDGES, EDGES[-1:]]), []
    for share in SHARES:
        at = int(np.searchsorted(rising, share - 1e-12))
        if at == 0 or at == len(places) - 1:
            found.append(float(places[at]))
            continue
        low, high = rising[at - 1], rising[at]
        part = (share - low) / (high - low) if high > low else 1.0
        found.append(float(places[at - 1] + part * (places[at] - places[at - 1])))
    return found
