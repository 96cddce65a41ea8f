"""Windows as a tf.data stream: drawn, shuffled and gathered in the graph, out of flat vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.windows.clock import first_season, record_steps
from rnnts.windows.covariates import Gatherer, Shape
from rnnts.windows.gather import SHIFTED_TURNS
from rnnts.windows.windowset import WindowSet

Tensor = Any
Batch = tuple[dict[str, Tensor], Tensor, Tensor]
_as_it_stands = tf.autograph.experimental.do_not_convert
"""Rewriting Python that has no tensor in a condition takes a second and changes nothing."""


def batches(  # noqa: PLR0913 - what is drawn from what, and how
    windowset: WindowSet,
    batch: int,
    seed: int,
    part: str = "training",
    *,
    start: int = 0,
    most: int | None = None,
    beside: "Beside | None" = None,
    fused: bool = False,
) -> tf.data.Dataset:
    """Batches of inputs, targets and loss weights.

    "training" never ends: each pass over all windows is a new permutation, and batch n depends on
    the seed and n alone, so a stream from `start` goes on where another one stopped. The other
    parts give each of their windows once, by origin, then series; their last batch may be short.
    Of more than `most` windows they give a sample, drawn at random since every n-th window would
    be of the same few series, and always the same.

    Targets outside the part are NaN. The weight of a window is 1 over the scale of its series
    (`windowset.error_scale`), 0 where that is not known.

    Args:
        windowset: What to draw from.
        batch: Windows in a batch.
        seed: Of the permutations.
        part: "training", "calibration" or "gate".
        start: Number of the first batch of "training".
        most: Windows of another part at most; default: all.
        beside: Windows of another set that are the last rows of each batch of "training".
        fused: Whether gathering for "training" is compiled into kernels: a third of the time, after
            half a second of compiling.

    Returns:
        ({`values` [batch, window], `before` [batch, steps], `bases` [batch, horizon, bases],
        `known_future` [batch, horizon, features], `past` [batch, window, 0], `static` [batch, 0 or
        2]}, targets [batch, horizon], weights [batch]), all float64. With covariates:
        `known_future` [batch, window + horizon, columns], `past` [batch, window, columns], `static`
        with their categories' codes.
    """
    flat = Flat.of(windowset, part)
    if part == "training":
        numbers = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
        drawn = _drawn(flat, batch, seed, beside, fused=fused)
        stream = numbers.map(_as_it_stands(drawn), PARALLEL)
    else:
        series, origins = windowset.windows(part)
        if most is not None and most < len(series):
            kept = np.sort(np.random.default_rng(0).choice(len(series), most, replace=False))
            series, origins = series[kept], origins[kept]
        pairs = tf.data.Dataset.from_tensor_slices((series, origins)).batch(batch)
        stream = pairs.map(_as_it_stands(flat.gather), PARALLEL)
    return stream.prefetch(PREFETCH)


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Windows that are trained on beside those of a panel; they know of no covariates."""

    windowset: WindowSet  # of the same window, horizon and seasons
    rows: int  # of each batch


def _drawn(
    flat: "Flat", batch: int, seed: int, beside: Beside | None, *, fused: bool
) -> Callable[[Tensor], Batch]:
    """Batch n of training, in the graph."""
    rows = beside.rows if beside else 0
    draws = [_Draw.of(flat.windowset, batch - rows, seed)]
    gather: Callable[..., Batch] = flat.gather
    if beside is not None:
        draws.append(_Draw.of(beside.windowset, rows, seed))
        gather = partial(_gather_both, flat, Flat.of(beside.windowset, "training"))
    if fused:
        gather = tf.function(gather, autograph=False, jit_compile=True)
    # What is drawn is no part of that: the operation exists outside kernels only.
    return lambda number: gather(*[drawn for draw in draws for drawn in draw(number)])


def _gather_both(
    flat: "Flat", other: "Flat", series: Tensor, origin: Tensor, *places_of_other: Tensor
) -> Batch:
    """Windows of a panel, and after them some of another that knows of no covariates."""
    inputs, targets, weights = flat.gather(series, origin)
    more, more_targets, more_weights = other.gather(*places_of_other)
    clock = flat.windowset.covariates.calendar if flat.windowset.covariates else 0
    # Of the kinds of the panel's series, so that no kind, not even "unknown", is theirs alone.
    rows = tf.range(tf.shape(more_weights)[0]) % tf.shape(weights)[0]
    more["static"] = tf.gather(inputs["static"], rows)
    both = {
        name: tf.concat([one, _as_unknown(more[name], one, name, clock)], axis=0)
        for name, one in inputs.items()
    }
    targets = tf.concat([targets, more_targets], axis=0)
    return both, targets, tf.concat([weights, more_weights], axis=0)


def _as_unknown(value: Tensor, like: Tensor, name: str, clock: int) -> Tensor:
    """The same where shapes agree; else covariates in the shape of `like`, none of them known.

    Numbers are missing, and the last `clock` columns of what is known in advance are 0: sine and
    cosine of no hour.
    """
    if value.shape[1:] == like.shape[1:]:
        return value
    shape = tf.concat([tf.shape(value)[:1], tf.shape(like)[1:]], axis=0)
    unknown = np.full(like.shape[-1], np.nan)
    if name == "known_future" and clock:
        unknown[-clock:] = 0.0
    return tf.broadcast_to(tf.constant(unknown, like.dtype), shape)


PARALLEL = 2
"""Batches gathered at a time; order is kept, so this changes no value."""
PREFETCH = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """The windows of batch n of an endless shuffled stream."""

    counts: Tensor  # draws of a pass before each series' first, and their sum, [series + 1]
    every: Tensor  # windows of a series for one that is drawn, [series]
    origins: Tensor  # oldest origin of each series, [series]
    batch: int
    seed: int

    @classmethod
    def of(cls, windowset: WindowSet, batch: int, seed: int) -> "_Draw":
        counts = windowset.counts()
        if counts.sum() == 0:
            raise ValueError("no series is long enough for a single window of training")
        drawn = draws_of_a_pass(counts)
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(drawn)])
        every = counts / np.maximum(drawn, 1)
        origins = windowset.first_origins()
        return cls(tf.constant(before), tf.constant(every), tf.constant(origins), batch, seed)

    def __call__(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """Series [batch] and origin [batch] of each window of a batch."""
        place = number * self.batch + tf.range(self.batch, dtype=tf.int64)
        total = self.counts[-1]
        seeds = tf.stack([tf.fill([self.batch], tf.cast(self.seed, tf.int64)), place // total], 1)
        seeds = tf.concat([seeds, tf.zeros([self.batch, 1], tf.int64)], axis=1)  # [batch, 3]
        # The Python wrapper of this op in TensorFlow 2.21 builds seeds that the op refuses.
        chosen = tf.raw_ops.RandomIndexShuffle(
            index=place % total, seed=seeds, max_index=total - 1, rounds=4
        )
        series = tf.searchsorted(self.counts, chosen, side="right", out_type=tf.int64) - 1
        shift = tf.cast(place // total, tf.float64) * GOLDEN % 1.0  # others in every pass
        own = tf.cast(chosen - tf.gather(self.counts, series), tf.float64) + shift
        every = tf.gather(self.every, series)
        return series, tf.gather(self.origins, series) + tf.cast(tf.floor(own * every), tf.int64)


GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, less their whole part, lie evenly in [0, 1) however many there are."""
MOST_TIMES = 4.0
"""A series is drawn at most so many times as often as the middle one."""


def draws_of_a_pass(counts: IntArray) -> IntArray:
    """How many windows of each series a pass draws: all of them but where a series has far more.

    >>> draws_of_a_pass(np.array([0, 10, 12, 400])).tolist()
    [0, 10, 12, 48]
    """
    some = counts[counts > 0]
    most = int(MOST_TIMES * np.median(some)) if len(some) else 0
    return np.minimum(counts, most)


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """The flat vectors as tensors; before each series stands a window of NaN, so none is cut."""

    values: Tensor  # NaN, a series, NaN, a series, …, NaN, [padded total]
    smooth: Tensor  # the same smoothed, [padded total or 0]
    zero: Tensor  # place in `values` of grid step 0 of each series, [series]
    first: Tensor  # place in `values` of each series' first value, [series]
    weights: Tensor  # 1 / scale, [series]
    typical: Tensor  # [series, 0 or 2]
    shift: Tensor  # [grid steps]
    calendar: Tensor  # [grid steps, features]
    covariates: Gatherer | None
    windowset: WindowSet

    @classmethod
    def of(cls, windowset: WindowSet, part: str) -> "Flat":
        """The values that a part may see, targets included."""
        padding = max(windowset.window, windowset.horizon)
        lengths = np.diff(windowset.offsets)
        until = windowset.parts.until(part)
        seen = np.clip(until - windowset.first_step, 0, lengths)
        first = padding + np.concatenate([np.zeros(1, np.int64), np.cumsum(seen + padding)[:-1]])
        total = int((seen + padding).sum()) + padding
        lives = list(zip(first, windowset.offsets, seen, strict=False))
        known = windowset.scale > 0
        scale = np.where(known, windowset.scale, 1.0)
        place_type = np.int32 if total < np.iinfo(np.int32).max else np.int64
        return cls(
            values=tf.constant(_padded(windowset.values, lives, total)),
            smooth=tf.constant(_padded(windowset.smooth, lives, total)),
            zero=tf.constant((first - windowset.first_step).astype(place_type)),
            first=tf.constant(first.astype(place_type)),
            weights=tf.constant(np.where(known, 1 / scale, 0.0)),
            typical=tf.constant(windowset.typical[:, : windowset.static]),
            shift=tf.constant(windowset.shift.astype(place_type)),
            calendar=tf.constant(windowset.calendar),
            covariates=_gatherer(windowset),
            windowset=windowset,
        )

    def gather(self, series: Tensor, origin: Tensor) -> Batch:
        """Inputs, targets and weights of the windows (series [batch], origin [batch])."""
        shape = self.windowset
        origin = tf.cast(origin, self.zero.dtype)
        place = tf.gather(self.zero, series) + origin  # of the first target, [batch]
        around = tf.range(-shape.window, shape.horizon, dtype=self.zero.dtype)
        both = tf.gather(self.values, place[:, None] + around)  # [batch, window + horizon]
        values = both[:, : shape.window]
        inputs = {
            "values": values,
            "bases": self._bases(series, origin, place, values),
            "before": self._before(series, place),
            "known_future": self._known_future(origin),
            "past": tf.zeros([tf.shape(series)[0], shape.window, 0], tf.float64),
            "static": tf.gather(self.typical, series),
        }
        if self.covariates is not None:
            known, past, codes = self.covariates(series, origin)
            static = tf.concat([inputs["static"], codes], axis=1)
            inputs |= {"known_future": known, "past": past, "static": static}
        return inputs, both[:, shape.window :], tf.gather(self.weights, series)

    def _before(self, series: Tensor, place: Tensor) -> Tensor:
        """What lies before the window, [batch, steps]."""
        end, steps = -self.windowset.window, record_steps(self.windowset.seasons)
        places = place[:, None] + tf.range(end - steps, end, dtype=place.dtype)
        before = _take(self.values, places, tf.gather(self.first, series))
        return tf.ensure_shape(before, [None, steps])

    def _bases(self, series: Tensor, origin: Tensor, place: Tensor, values: Tensor) -> Tensor:
        """Past seasons beside each target, [batch, horizon, bases]."""
        shape = self.windowset
        pieces = [tf.zeros([tf.shape(series)[0], shape.horizon, 0], tf.float64)]
        first = tf.gather(self.first, series)  # [batch]
        for steps, columns, reach in shape.seasons:
            if reach:
                pieces.append(self._smooth_columns(first, place, values, steps, reach))
            else:
                cycle = (steps, columns)
                places = self._aligned(origin, place, cycle, shape.horizon)
                own = _take(self.values, places, first)
                pieces += [own, own + self._change(origin, place, first, cycle)]
        return tf.ensure_shape(tf.concat(pieces, axis=2), [None, shape.horizon, None])

    def _change(
        self, origin: Tensor, place: Tensor, first: Tensor, cycle: tuple[int, int]
    ) -> Tensor:
        """As `gather` says, [batch, 1, columns]."""
        season = first_season(self.windowset)
        around = tf.range(-season, 0, dtype=place.dtype)
        newest = _take(self.values, place[:, None] + around, first)  # [batch, season]
        places = self._aligned(origin - season, place - season, cycle, season)
        change = newest[:, :, None] - _take(self.values, places, first)
        return _mean_known(change)[:, None, :]

    def _aligned(self, origin: Tensor, place: Tensor, cycle: tuple[int, int], count: int) -> Tensor:
        """Places of the newest values at the same place of a season, [batch, count, columns]."""
        steps, columns = cycle
        begin = origin[:, None] - self.windowset.grid_first  # [batch, 1]
        lead = tf.range(count, dtype=begin.dtype)[None, :]  # [1, count]
        target = begin + lead  # [batch, count]
        ahead = tf.gather(self.shift, tf.maximum(target, 0))
        back = (lead // steps + 1) * steps
        late = self._step_back(target, ahead, back) >= begin
        back = back + tf.where(late, tf.constant(steps, begin.dtype), 0)
        turns = [self._step_back(target, ahead, back + steps * turn) for turn in range(columns)]
        return tf.stack(turns, axis=2) + (place[:, None] - begin)[:, :, None]

    def _smooth_columns(
        self, first: Tensor, place: Tensor, values: Tensor, steps: int, reach: int
    ) -> Tensor:
        """Smoothed values of a season, as `gather` says, [batch, horizon, 3]."""
        shape = self.windowset
        lead = tf.range(shape.horizon, dtype=place.dtype)
        turns = (lead + reach) // steps + 1  # [horizon]
        around = tf.range(-shape.window, 0, dtype=place.dtype)
        columns = []
        for turn in SHIFTED_TURNS:
            places = place[:, None] + lead - (turns + turn - 1) * steps  # [batch, horizon]
            there = _take(self.smooth, places, first)
            before = _take(self.smooth, place[:, None] + around - turn * steps, first)
            level = _mean_known(values - before)  # [batch]
            columns.append(there)
            share = tf.cast(turns + turn - 1, tf.float64) / turn
            columns.append(there + level[:, None] * share)
        return tf.stack([columns[0], columns[1], columns[3]], axis=2)

    def _step_back(self, target: Tensor, ahead: Tensor, back: Tensor) -> Tensor:
        before = tf.maximum(target - back, 0)
        return target - back + ahead - tf.gather(self.shift, before)

    def _known_future(self, origin: Tensor) -> Tensor:
        shape = self.windowset
        steps = origin[:, None] - shape.grid_first + tf.range(shape.horizon, dtype=origin.dtype)
        return tf.gather(self.calendar, steps)


def _gatherer(windowset: WindowSet) -> Gatherer | None:
    if windowset.beside is None:
        return None
    shape = Shape(windowset.window, windowset.horizon)
    return Gatherer(windowset.beside, shape, windowset.grid_first)


def _padded(values: FloatArray, lives: list[tuple[int, int, int]], total: int) -> FloatArray:
    """Series put where (place, start, count) says, with NaN between them."""
    padded = np.full(total if values.size else 0, np.nan)
    for place, start, count in lives if values.size else []:
        padded[place : place + count] = values[start : start + count]
    return padded


def _take(flat: Tensor, places: Tensor, first: Tensor) -> Tensor:
    """Flat values at places [batch, …]; NaN before the series' first, [batch]."""
    first = tf.reshape(first, [-1] + [1] * (len(places.shape) - 1))
    return tf.gather(flat, tf.where(places >= first, places, 0))  # flat[0] is NaN


def _mean_known(values: Tensor) -> Tensor:
    """Mean along the second axis without NaN; NaN where there is nothing else, [batch, …]."""
    known = tf.logical_not(tf.math.is_nan(values))
    count = tf.reduce_sum(tf.cast(known, values.dtype), axis=1)
    return tf.reduce_sum(tf.where(known, values, 0.0), axis=1) / count  # 0 / 0 is NaN


def window_count(windowset: WindowSet) -> int:
    """Windows that a pass of training draws."""
    return int(draws_of_a_pass(windowset.counts()).sum())
