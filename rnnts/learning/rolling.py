"""Forecasts of held-out origins, as they would have been made then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnnts.learning import baselines
from rnnts.learning.bounds import Bounds
from rnnts.learning.calibration import Calibration
from rnnts.learning.late import ages_of
from rnnts.learning.portrait import Portrait
from rnnts.learning.predict import predict_blocks
from rnnts.learning.residuals import Residuals
from rnnts.learning.scorecard import Tally, comparable
from rnnts.learning.statistical import Sample
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray
from rnnts.panels.doubts import Doubts
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import Season
from rnnts.windows.covariates import known_at
from rnnts.windows.gather import inputs_at
from rnnts.windows.windowset import WindowSet, mean_change

Method = Callable[[int], FloatArray]
"""From an origin to the quantiles of every series, [series, horizon, levels]."""
LEAST_OF_JUDGED = 0.5
"""A series' errors are counted in so much of what it changes by on the days it is judged on, at
least. A carrier that flew ten hours of the year before and flies every day now has a seasonal error
of a thousandth of a flight: one flight that it misses would decide for the whole panel."""
MOST_RESIDUALS = 16_384
"""Rows of held-out forecasts that are kept: at 48 steps and 13 levels 82 MB, before packing."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """The panel and its parts of time; what is not believed is neither read nor scored."""

    panel: Panel  # as the snapshot has it
    windowset: WindowSet
    bounds: Bounds
    truth: Panel = field(init=False)  # what is believed, knowing all of it
    _doubted: IntArray = field(init=False)  # series with a doubt, [doubted]

    def __post_init__(self) -> None:
        doubts = Doubts.of(self.panel)
        object.__setattr__(self, "truth", doubts.masked())
        object.__setattr__(self, "_doubted", doubts.rows)

    def past(self, origin: int) -> Panel:
        """What was there before an origin, and would have been believed then."""
        past = self.panel.upto(origin - 1)
        rows = self._doubted
        if not rows.size:
            return past
        series = tuple(past.series[row] for row in rows)
        values = past.values.copy()
        values[rows] = Doubts.of(replace(past, series=series, values=values[rows])).masked().values
        return replace(past, values=values)

    def actual(self, origin: int) -> FloatArray:
        """What happened, NaN where missing or not yet known, [series, horizon]."""
        steps = np.arange(origin, origin + self.windowset.horizon)
        columns = steps - self.truth.first_step
        known = (columns < self.truth.values.shape[1]) & (steps < self.windowset.parts.gate_until)
        actual = np.full((len(self.panel.series), len(steps)), np.nan)
        actual[:, known] = self.truth.values[:, columns[known]]
        return actual

    def usable(self, origin: int) -> BoolArray:
        """Series with enough history at an origin, [series]."""
        return self.windowset.usable(np.array([origin]))[:, 0]

    def network(
        self, model: Any, config: NetworkConfig, levels: Sequence[float], late: int = 0
    ) -> Method:
        """A network's own forecasts within the bounds, uncalibrated, at some of its levels.

        Args:
            model: The network.
            config: Its configuration.
            levels: Some of its levels.
            late: Newest steps that it may not see.
        """
        columns = [config.levels.index(level) for level in levels]

        def forecast(origin: int) -> FloatArray:
            past = self.past(origin).upto(origin - 1 - late)
            instant = known_at(self.panel.grid, config, origin)
            quantiles = predict_blocks(model, inputs_at(past, config, origin, instant=instant))
            return self.bounds.keep(quantiles[:, :, columns])

        return forecast

    def seasonal_naive(self, season: Season, levels: Sequence[float]) -> Method:
        """A seasonal naive method, with ranges of its own."""

        def forecast(origin: int) -> FloatArray:
            past = self.past(origin)
            horizon, limits = self.windowset.horizon, (self.bounds.minimum, self.bounds.maximum)
            naive = baselines.seasonal_naive(past, origin, horizon, levels, season.days, *limits)
            return self.bounds.counted(naive)

        return forecast

    def served(self, method: Method, calibration: Calibration) -> Method:
        """Forecasts as they are published: calibrated, then kept within the bounds."""

        def forecast(origin: int) -> FloatArray:
            kept = self.bounds.keep(calibration.apply(method(origin), self.ids))
            return self.bounds.counted(kept)

        return forecast

    def unseen(self, method: Method, seen_until: int) -> Method:
        """The same method, silent (NaN) at origins before the step that it has seen all until."""

        def forecast(origin: int) -> FloatArray:
            quantiles = method(origin)
            return quantiles if origin >= seen_until else np.full_like(quantiles, np.nan)

        return forecast

    @property
    def unit(self) -> FloatArray:
        """What errors are counted in, 0 where a series has no scale, [series].

        `error_scale` of the training part, but at least LEAST_OF_JUDGED of the mean change from one
        season to the next on the gate's days: the same for every method that is scored on them.
        """
        parts, season = self.windowset.parts, self.windowset.season
        first = int(parts.gate_origins[0]) - season if len(parts.gate_origins) else parts.gate_until
        begin = max(0, first - self.truth.first_step)
        judged = self.truth.values[:, begin : parts.gate_until - self.truth.first_step]
        scale = self.windowset.scale
        least = LEAST_OF_JUDGED * mean_change(judged, season)
        return np.where(scale > 0, np.maximum(scale, least), 0.0)

    @property
    def ids(self) -> AnyArray:
        """Of all series, [series]."""
        return np.array([info.series_id for info in self.panel.series], np.str_)

    def residuals(
        self, method: Method, part: str, late: int = 0, most: int = MOST_RESIDUALS
    ) -> Residuals:
        """Forecasts of a part beside what happened, an even sample.

        Args:
            method: Makes the forecasts.
            part: "calibration" or "gate".
            late: Newest steps that the method does not see.
            most: Rows, or about so many.
        """
        origins = self.windowset.parts.origins(part)
        every = max(1, -(-int(self.windowset.counts(part).sum()) // most))
        ids, parts = self.ids, []
        for origin in origins.tolist():
            chosen = np.flatnonzero(self.usable(origin))[::every]
            parts.append(
                Residuals(
                    method(origin)[chosen],
                    self.actual(origin)[chosen],
                    self.windowset.scale[chosen],
                    ids[chosen],
                    np.full(len(chosen), origin, np.int64),
                    late + self._unseen(origin - late)[chosen],
                )
            )
        return Residuals.joined(parts)

    def late(
        self, model: Any, config: NetworkConfig, levels: Sequence[float], part: str
    ) -> Residuals:
        """Forecasts of a part made again, as if the newest observations were so and so old."""
        ages = ages_of(self.windowset.season)
        most = MOST_RESIDUALS // len(ages)
        made = [
            self.residuals(self.network(model, config, levels, late=age), part, age, most)
            for age in ages[ages < config.window].tolist()
        ]
        return Residuals.joined([Residuals.none(config.horizon, len(levels)), *made])

    def _unseen(self, origin: int) -> IntArray:
        """Steps before an origin without an observation, at the end, [series]."""
        window = self.windowset.window
        there = ~np.isnan(self.past(origin).since(origin - window).values[:, ::-1])
        ages: IntArray = np.where(there.any(axis=1), there.argmax(axis=1), window)
        return ages

    def calibration(self, residuals: Residuals, levels: Sequence[float]) -> Calibration:
        """The calibration that these residuals teach."""
        return Calibration.fit(tuple(levels), residuals, self.windowset.season)

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
        unit = self.unit
        tallies = {name: Tally(levels, unit) for name in methods}
        scored = Scored(tallies, sample, Portrait(levels, unit))
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
    portrait: Portrait  # of the first method, over all series
    windows: list[BoolArray] = field(default_factory=list)  # [sampled] of each origin
    actual: list[FloatArray] = field(default_factory=list)  # [sampled, horizon]
    first: list[FloatArray] = field(default_factory=list)  # [sampled, horizon, levels]

    def add(
        self, actual: FloatArray, forecasts: Mapping[str, FloatArray], windows: BoolArray
    ) -> None:
        """Count an origin."""
        for name, quantiles in forecasts.items():
            self.tallies[name].add(actual, quantiles, windows)
        first = next(iter(forecasts.values()))
        self.portrait.add(actual, first, windows)
        self.windows.append(windows[self.sample])
        self.actual.append(actual[self.sample])
        self.first.append(first[self.sample])

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
