"""Every window of a panel over one flat vector: none is cut out before a batch asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray
from rnnts.panels.covariates import Features
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import Season
from rnnts.windows.clock import Cycles, calendar, clock_shift, cycles_of, least_history, reach_of
from rnnts.windows.covariates import PREFIX, CovariateWindows, learn_features
from rnnts.windows.gather import typical_levels
from rnnts.windows.parts import Parts, split_time
from rnnts.windows.smooth import smooth


@dataclass(frozen=True, slots=True, eq=False)
class WindowSet:
    """Flat values of a panel, and which windows of them belong to which part of time.

    A window is a series and an origin, the grid step of its first target. It reads the `window`
    steps before the origin; steps before a series began, or missing ones, are NaN.
    """

    values: FloatArray  # one series after the other, [total]
    smooth: FloatArray  # the same smoothed, where a yearly season is read, [total or 0]
    offsets: IntArray  # where each series begins in `values`, and the end, [series + 1]
    first_step: IntArray  # grid step of each series' first value, [series]
    scale: FloatArray  # `error_scale` of the training part, 0 if unknown, [series]
    typical: FloatArray  # level and spread inside the training part, 0 if unused, [series, 2]
    grid_first: int  # grid step of shift[0] and calendar[0]
    shift: IntArray  # lead of the wall clock over the grid, [grid steps]
    calendar: FloatArray  # features known in advance, [grid steps, 0 or CALENDAR]
    window: int  # steps
    horizon: int  # steps
    seasons: Cycles  # (steps, columns, reach)
    minimum: int  # steps of history before an origin
    static: int  # 2 where networks scale by series, else 0
    parts: Parts
    beside: CovariateWindows | None = None  # what is known besides the values

    @classmethod
    def of(  # noqa: PLR0913 - a panel, and the numbers that say how it is cut
        cls,
        panel: Panel,
        *,
        window: int,
        horizon: int,
        seasons: Sequence[Season],
        minimum: int | None = None,
        parts: Parts | None = None,
        with_calendar: bool = False,
        by_series: bool = False,
        known_after: int = 0,
    ) -> Self:
        """Lay a panel out flat and split its time.

        Args:
            panel: Steps after its watermark are left out.
            window: Steps that a network reads.
            horizon: Steps that it forecasts.
            seasons: The first is the scale m of MASE and the distance of origins.
            minimum: Steps of history that an origin needs; default: half a window, and two
                seasons where the window holds them.
            parts: Default: `split_time` of the panel's history.
            with_calendar: Whether networks see hour and weekday of their targets.
            by_series: Whether networks scale by the series' typical level (scale = "series").
            known_after: Where the panel has covariates, as `Features` has it.
        """
        season = seasons[0].steps if seasons else 1
        until = min(panel.watermark, panel.last_step) + 1
        parts = parts or split_time(panel.first_step, until, horizon, season, _typical_life(panel))
        cycles = cycles_of(seasons)
        values, smoothed, offsets, first_step = _flatten(panel, until, reach_of(cycles))
        steps = panel.values.shape[1] + horizon
        trained = panel.values[:, : max(0, parts.training_until - panel.first_step)]
        return cls(
            values=values,
            smooth=smoothed,
            offsets=offsets,
            first_step=first_step,
            scale=error_scale(trained, season),
            typical=typical_levels(trained) if by_series else np.zeros((len(trained), 2)),
            grid_first=panel.first_step,
            shift=clock_shift(panel.grid, panel.first_step, steps),
            calendar=calendar(panel.grid, panel.first_step, steps)
            if with_calendar
            else np.zeros((steps, 0)),
            window=window,
            horizon=horizon,
            seasons=cycles,
            minimum=max(window // 2, least_history(window, season)) if minimum is None else minimum,
            static=2 if by_series else 0,
            parts=parts,
            beside=_beside(panel, parts.training_until, known_after, window, horizon),
        )

    @property
    def known_future(self) -> int:
        """Features known in advance: 0 or `CALENDAR`."""
        return int(self.calendar.shape[1])

    @property
    def covariates(self) -> Features | None:
        """What networks read of covariates; None: nothing."""
        return None if self.beside is None else self.beside.features

    @property
    def season(self) -> int:
        """Steps of the first season; 1 where there is none."""
        return self.seasons[0][0] if self.seasons else 1

    @property
    def partial(self) -> int:
        """Targets that a window of training has at least; the rest may lie in a later part."""
        return min(self.horizon, self.season)

    def first_origins(self) -> IntArray:
        """The oldest origin of each series with enough history, [series]."""
        return self.first_step + self.minimum

    def counts(self, part: str = "training") -> IntArray:
        """Windows of each series in a part, [series]."""
        if part != "training":
            origins = self.parts.origins(part)
            total: IntArray = self.usable(origins).sum(axis=1, dtype=np.int64)
            return total
        last = self.first_step + np.diff(self.offsets) - self.partial
        last = np.minimum(last, self.parts.training_until - self.partial)
        counts: IntArray = np.maximum(last - self.first_origins() + 1, 0)
        return counts

    def usable(self, origins: IntArray) -> BoolArray:
        """Whether a series has enough history and a target at each origin, [series, origins]."""
        ends = (self.first_step + np.diff(self.offsets))[:, None]  # [series, 1]
        usable: BoolArray = (origins >= self.first_origins()[:, None]) & (origins < ends)
        return usable

    def windows(self, part: str) -> tuple[IntArray, IntArray]:
        """Series and origin of every window of "calibration" or "gate", by origin, then series."""
        origins = self.parts.origins(part)
        which, series = np.nonzero(self.usable(origins).T)
        return series.astype(np.int64), origins[which]

    def whole(self) -> Self:
        """The same windows with nothing held out; a series that had no scale has one, if it can."""
        scale = self.scale.copy()
        for row in np.flatnonzero(scale == 0).tolist():
            own = self.values[self.offsets[row] : self.offsets[row + 1]]
            scale[row] = error_scale(own[None], self.season)[0]
        return replace(self, parts=self.parts.whole(), scale=scale)

    def save(self) -> dict[str, AnyArray]:
        """The set as arrays, which `load` takes back."""
        flat = {field.name: getattr(self, field.name) for field in fields(self)}
        parts, covariates = flat.pop("parts"), flat.pop("beside")
        cut = {f"parts_{field.name}": getattr(parts, field.name) for field in fields(Parts)}
        seasons = np.asarray(flat.pop("seasons"), np.int64).reshape(-1, 3)
        beside = covariates.save() if covariates else {}
        return {name: np.asarray(value) for name, value in {**flat, **cut}.items()} | {
            "seasons": seasons,
            **beside,
        }

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The set that `save` laid out as arrays."""
        own = {name: value for name, value in arrays.items() if not name.startswith(PREFIX)}
        plain: dict[str, Any] = {
            name: value if value.ndim else int(value) for name, value in own.items()
        }
        cut = {field.name: plain.pop(f"parts_{field.name}") for field in fields(Parts)}
        seasons = tuple((int(s), int(columns), int(r)) for s, columns, r in arrays["seasons"])
        given = {"seasons": seasons, "parts": Parts(**cut)}
        return cls(**{**plain, **given}, beside=CovariateWindows.load(arrays))


def _typical_life(panel: Panel) -> int | None:
    """Steps from the first to the newest observation of the middle series; None without any."""
    lives = [info.last - max(info.first, panel.first_step) + 1 for info in panel.series]
    return int(np.median(lives)) if lives else None


def _beside(
    panel: Panel, until: int, known_after: int, window: int, horizon: int
) -> CovariateWindows | None:
    if panel.covariates is None:
        return None
    features = learn_features(panel, until, known_after)
    steps = panel.values.shape[1] + horizon
    return CovariateWindows.of(panel, features, window, steps)


def _flatten(
    panel: Panel, until: int, reach: int
) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Values of each series over its life, the same smoothed, their places and first steps."""
    first = np.array([info.first for info in panel.series], np.int64)
    last = np.array([info.last for info in panel.series], np.int64)
    ends = np.maximum(np.minimum(last + 1, until), first)
    steps = np.arange(panel.values.shape[1]) + panel.first_step  # [steps]
    alive = (steps >= first[:, None]) & (steps < ends[:, None])  # [series, steps]
    lengths = alive.sum(axis=1, dtype=np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    values = panel.values[alive]
    smoothed = np.zeros(0)
    if reach:
        pieces = [
            _smooth_alive(panel.values[row : row + CHUNK], alive[row : row + CHUNK], reach)
            for row in range(0, len(alive), CHUNK)
        ]
        smoothed = np.concatenate([smoothed, *pieces])
    return values, smoothed, offsets, np.maximum(first, panel.first_step)


CHUNK = 256
"""Series worked on at a time where that takes copies of them."""


def _smooth_alive(values: FloatArray, alive: BoolArray, reach: int) -> FloatArray:
    return smooth(np.where(alive, values, np.nan), reach)[alive]


def error_scale(values: FloatArray, season: int) -> FloatArray:
    """What the errors of each series are counted in; 0 where no season changed, [series].

    The scale of MASE, except that of a series that repeats itself nearly exactly, which is at least
    LEAST_SCALE of its mean change from one step to the next, and the smallest step between its
    values, once a season. A carrier that flies at nine every day has a seasonal error of a
    thousandth of a flight, and so has one that flew on three days of the year; their errors would
    count for a hundred times those of others, in the loss that trains networks and in the mean that
    judges them.
    """
    seasonal = mean_change(values, season)
    floor = np.maximum(LEAST_SCALE * mean_change(values, 1), smallest_step(values) / season)
    return np.where(seasonal > 0, np.maximum(seasonal, floor), 0.0)


LEAST_SCALE = 0.1
"""It changes the scale of 12 of 35 series of the flights, 13 of 414 of M4 Hourly, none of ETTh1;
the smallest step once a season that of 8 of 35 of the flights, and of no other series of these."""


def smallest_step(values: FloatArray) -> FloatArray:
    """Smallest difference between two values of a series that differ; 0 where none do, [series]."""
    least = np.zeros(len(values))
    for row in range(0, len(values), CHUNK):
        ordered = np.sort(values[row : row + CHUNK], axis=1)  # NaN comes last
        steps = np.diff(ordered, axis=1)
        real = steps > ROUNDING * np.abs(ordered[:, 1:])
        smallest = np.where(real, steps, np.inf).min(axis=1, initial=np.inf)
        least[row : row + CHUNK] = np.where(np.isfinite(smallest), smallest, 0.0)
    return least


ROUNDING = 1e-9
"""Values that differ by less of themselves are the same, computed twice."""


def mean_change(values: FloatArray, steps: int) -> FloatArray:
    """Mean absolute difference to so many steps earlier; 0 where there is none, [series]."""
    error = np.zeros(len(values))
    for row in range(0, len(values), CHUNK):
        part = values[row : row + CHUNK]
        change = np.abs(part[:, steps:] - part[:, :-steps])  # [chunk, all but `steps`]
        known = np.isfinite(change)
        total = np.where(known, change, 0.0).sum(axis=1)
        error[row : row + CHUNK] = total / np.maximum(known.sum(axis=1), 1)
    return error
