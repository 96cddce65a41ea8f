"""Forecasts of held-out origins, as they would have been made then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnts.learning import baselines
from rnnts.learning.calibration import Calibration, Residuals
from rnnts.learning.predict import predict_blocks
from rnnts.learning.scorecard import Tally, comparable
from rnnts.learning.statistical import Sample
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import Season
from rnnts.windows.gather import inputs_at
from rnnts.windows.windowset import WindowSet

Method = Callable[[int], FloatArray]
"""From an origin to the quantiles of every series, [series, horizon, levels]."""
MOST_RESIDUALS = 16_384
"""Rows of held-out forecasts that are kept: at 48 steps and 13 levels 82 MB, before packing."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """The panel and its parts of time."""

    panel: Panel
    windowset: WindowSet
    minimum: float | None
    maximum: float | None

    def actual(self, origin: int) -> FloatArray:
        """What happened, NaN where missing or not yet known, [series, horizon]."""
        steps = np.arange(origin, origin + self.windowset.horizon)
        columns = steps - self.panel.first_step
        known = (columns < self.panel.values.shape[1]) & (steps < self.windowset.parts.gate_until)
        actual = np.full((len(self.panel.series), len(steps)), np.nan)
        actual[:, known] = self.panel.values[:, columns[known]]
        return actual

    def usable(self, origin: int) -> BoolArray:
        """Series with enough history at an origin, [series]."""
        return self.windowset.usable(np.array([origin]))[:, 0]

    def network(self, model: Any, config: NetworkConfig, levels: Sequence[float]) -> Method:
        """A network's own forecasts, uncalibrated, at some of its levels."""
        columns = [config.levels.index(level) for level in levels]

        def forecast(origin: int) -> FloatArray:
            past = self.panel.upto(origin - 1)
            return predict_blocks(model, inputs_at(past, config, origin))[:, :, columns]

        return forecast

    def seasonal_naive(self, season: Season, levels: Sequence[float]) -> Method:
        """A seasonal naive method, with ranges of its own."""

        def forecast(origin: int) -> FloatArray:
            past = self.panel.upto(origin - 1)
            horizon, bounds = self.windowset.horizon, (self.minimum, self.maximum)
            return baselines.seasonal_naive(past, origin, horizon, levels, season.days, *bounds)

        return forecast

    def served(self, method: Method, calibration: Calibration) -> Method:
        """Forecasts as they are published: calibrated, then kept within the bounds."""

        def forecast(origin: int) -> FloatArray:
            quantiles = calibration.apply(method(origin))
            if self.minimum is None and self.maximum is None:
                return quantiles
            bounded: FloatArray = np.clip(quantiles, self.minimum, self.maximum)
            return bounded

        return forecast

    def residuals(self, method: Method, part: str) -> dict[str, AnyArray]:
        """Forecasts of a part beside what happened; a row is one series at one origin.

        Returns:
            `quantiles` [rows, horizon, levels], `actual` [rows, horizon], `scale`, `series` and
            `origin` [rows]; an even sample where there are more than MOST_RESIDUALS.
        """
        origins = self.windowset.parts.origins(part)
        every = max(1, -(-int(self.windowset.counts(part).sum()) // MOST_RESIDUALS))
        rows: dict[str, list[AnyArray]] = {
            name: [] for name in ("quantiles", "actual", "scale", "series", "origin")
        }
        for origin in origins:
            chosen = np.flatnonzero(self.usable(int(origin)))[::every]
            rows["quantiles"].append(method(int(origin))[chosen])
            rows["actual"].append(self.actual(int(origin))[chosen])
            rows["scale"].append(self.windowset.scale[chosen])
            rows["series"].append(chosen.astype(np.int64))
            rows["origin"].append(np.full(len(chosen), origin, np.int64))
        return {name: np.concatenate(parts) for name, parts in rows.items()}

    def calibration(
        self, residuals: Mapping[str, AnyArray], levels: Sequence[float]
    ) -> Calibration:
        """The calibration that these residuals teach."""
        chosen = {name: residuals[name] for name in ("quantiles", "actual", "scale")}
        return Calibration.fit(tuple(levels), Residuals(**chosen))

    def score(
        self,
        methods: Mapping[str, Method],
        levels: Sequence[float],
        sample: IntArray,
        half_way: Callable[[], None],
    ) -> "Scored":
        """Score every method on the gate's windows that all of them have.

        Args:
            methods: By name.
            levels: Of their forecasts.
            sample: Series of which the first method's forecasts are kept, [sampled].
            half_way: Called once, in the middle.
        """
        scored = Scored({name: Tally(levels, self.windowset.scale) for name in methods}, sample)
        origins = self.windowset.parts.gate_origins.tolist()
        for place, origin in enumerate(origins):
            if place == len(origins) // 2:
                half_way()
            actual = self.actual(origin)
            forecasts = {name: method(origin) for name, method in methods.items()}
            windows = self.usable(origin) & comparable(forecasts, actual)
            scored.add(actual, forecasts, windows)
        return scored


@dataclass(slots=True, eq=False)
class Scored:
    """Scores of all methods, and a sample of what they were made from."""

    tallies: dict[str, Tally]
    sample: IntArray  # [sampled]
    windows: list[BoolArray] = field(default_factory=list)  # [sampled] of each origin
    actual: list[FloatArray] = field(default_factory=list)  # [sampled, horizon]
    first: list[FloatArray] = field(default_factory=list)  # [sampled, horizon, levels]

    def add(
        self, actual: FloatArray, forecasts: Mapping[str, FloatArray], windows: BoolArray
    ) -> None:
        """Count an origin."""
        for name, quantiles in forecasts.items():
            self.tallies[name].add(actual, quantiles, windows)
        self.windows.append(windows[self.sample])
        self.actual.append(actual[self.sample])
        self.first.append(next(iter(forecasts.values()))[self.sample])

    def beside(self, other: Sample) -> tuple[Tally, Tally]:
        """Tallies of another method on its part of the sample, and of the first one there."""
        mine = next(iter(self.tallies.values()))
        rows = np.flatnonzero(np.isin(self.sample, other.series))  # places in the sample
        theirs = np.searchsorted(other.series, self.sample[rows])  # places in the other's
        scale = mine.scale[self.sample[rows]]
        tallies = Tally(mine.levels, scale), Tally(mine.levels, scale)
        for place, quantiles in zip(other.origins.tolist(), other.quantiles, strict=True):
            actual = self.actual[place][rows]
            pair = {"theirs": quantiles[theirs], "ours": self.first[place][rows]}
            windows = self.windows[place][rows] & comparable(pair, actual)
            for tally, forecast in zip(tallies, pair.values(), strict=True):
                tally.add(actual, forecast, windows)
        return tallies
