"""Rolling-origin scores: every method on the same windows, kept as sums, one origin at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnnts.learning.metrics import (
    GIFT_LEVELS,
    covered,
    level_index,
    mase,
    mean_observed,
    pinball,
    smape,
)
from rnnts.panels.arrays import BoolArray, FloatArray

SHARES = (0.8, 0.95)
"""Central intervals whose coverage is counted."""
MEDIAN = 0.5

Scores = dict[str, float | None]


@dataclass(slots=True, eq=False)
class Tally:
    """One method's scores over the origins added so far.

    Args:
        levels: Of its forecasts, rising, with 0.5.
        scale: In-sample seasonal naive error of each series, [series]; 0 where there is none.
    """

    levels: Sequence[float]
    scale: FloatArray
    scaled: list[FloatArray] = field(default_factory=list)  # MASE of each window, [series] each
    percent: list[FloatArray] = field(default_factory=list)  # sMAPE of each window, [series] each
    steps: list[dict[str, FloatArray]] = field(default_factory=list)  # sums, [horizon, …] each

    def add(self, actual: FloatArray, quantiles: FloatArray, windows: BoolArray) -> None:
        """Score an origin.

        Args:
            actual: [series, horizon]; NaN where missing.
            quantiles: [series, horizon, levels].
            windows: Series whose window counts, [series].
        """
        actual = np.where(windows[:, None], actual, np.nan)
        point = quantiles[:, :, self._at(MEDIAN)]
        self.scaled.append(mase(actual, point, self.scale))
        self.percent.append(smape(actual, point))
        self.steps.append(self._sums(actual, quantiles))

    def _at(self, level: float) -> int:
        place = level_index(self.levels, level)
        if place is None:
            raise ValueError(f"expected level {level} among {tuple(self.levels)}")
        return place

    def _sums(self, actual: FloatArray, quantiles: FloatArray) -> dict[str, FloatArray]:
        """Sums over the series of what the scores by step are made of."""
        scored = [at for at, level in enumerate(self.levels) if _is_scored(level)]
        loss = pinball(actual, quantiles[..., scored], [self.levels[at] for at in scored])
        usable = np.where(self.scale > 0, self.scale, np.nan)[:, None]
        scaled = np.abs(actual - quantiles[:, :, self._at(MEDIAN)]) / usable
        sums = {
            "pinball": np.nansum(loss, axis=0),  # [horizon, scored]
            "size": np.nansum(np.abs(actual), axis=0),  # [horizon]
            "known": (~np.isnan(actual)).sum(axis=0).astype(np.float64),
            "scaled": np.nansum(scaled, axis=0),
            "scaled_known": (~np.isnan(scaled)).sum(axis=0).astype(np.float64),
        }
        for share in SHARES:
            inside = covered(actual, quantiles, self.levels, share)
            missing = np.isnan(inside).all()
            sums[_coverage(share)] = np.nansum(inside, axis=0) + (np.nan if missing else 0.0)
        return sums

    def windows(self) -> FloatArray:
        """MASE of each window, NaN where it does not count, [origins, series]."""
        return np.stack(self.scaled)

    def total(self, name: str) -> FloatArray:
        """A sum over all origins, by step."""
        return np.asarray(sum(sums[name] for sums in self.steps))

    def scores(self) -> Scores:
        """MASE and sMAPE (means over windows), weighted quantile loss, coverage, windows, n."""
        known, size = self.total("known").sum(), self.total("size").sum()
        loss = self.total("pinball").sum(axis=0)  # [scored]
        return {
            "mase": _plain(float(mean_observed(self.windows()))),
            "smape": _plain(float(mean_observed(np.stack(self.percent)))),
            "wql": _plain(float((2 * loss / size).mean())) if size > 0 else None,
            **{
                _coverage(share): _plain(self.total(_coverage(share)).sum() / max(known, 1.0))
                for share in SHARES
            },
            "windows": float((~np.isnan(np.stack(self.percent))).sum()),
            "n": float(known),
        }

    def by_step(self) -> dict[str, list[float | None]]:
        """MASE, weighted quantile loss and coverage of each horizon step."""
        known = np.maximum(self.total("known"), 1.0)
        size = np.where(self.total("size") > 0, self.total("size"), np.nan)
        columns = {
            "mase": self.total("scaled") / np.maximum(self.total("scaled_known"), 1.0),
            "wql": (2 * self.total("pinball") / size[:, None]).mean(axis=1),
            **{_coverage(share): self.total(_coverage(share)) / known for share in SHARES},
        }
        return {name: [_plain(float(each)) for each in values] for name, values in columns.items()}


def comparable(forecasts: Mapping[str, FloatArray], actual: FloatArray) -> BoolArray:
    """Series that every method forecast whole, and of which some truth is known, [series].

    Args:
        forecasts: [series, horizon, levels] of each method.
        actual: [series, horizon].
    """
    known = np.asarray((~np.isnan(actual)).any(axis=1))
    for quantiles in forecasts.values():
        known &= np.isfinite(quantiles).all(axis=(1, 2))
    return known


def _is_scored(level: float) -> bool:
    return level_index(GIFT_LEVELS, level) is not None


def _coverage(share: float) -> str:
    """Name of a coverage.

    >>> _coverage(0.95)
    'coverage_95'
    """
    return f"coverage_{share * 100:.0f}"


def _plain(value: float) -> float | None:
    """A number as JSON has it: no NaN."""
    return float(value) if np.isfinite(value) else None
