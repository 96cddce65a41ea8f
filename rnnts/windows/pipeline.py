"""Windows as a tf.data stream: drawn, shuffled and gathered in the graph, out of flat vectors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from rnnts.windows.windowset import WindowSet

Tensor = Any
Batch = tuple[dict[str, Tensor], Tensor, Tensor]


def batches(
    windowset: WindowSet, batch: int, seed: int, part: str = "training", *, start: int = 0
) -> tf.data.Dataset:
    """Batches of inputs, targets and loss weights.

    "training" never ends: each pass over all windows is a new permutation, and batch n depends on
    the seed and n alone, so a stream from `start` goes on where another one stopped. The other
    parts give each of their windows once, by origin, then series; their last batch may be short.

    Targets outside the part are NaN. The weight of a window is 1 over the seasonal-naive error of
    its series, 0 where that is not known.

    Args:
        windowset: What to draw from.
        batch: Windows in a batch.
        seed: Of the permutations.
        part: "training", "calibration" or "gate".
        start: Number of the first batch of "training".

    Returns:
        ({`values` [batch, window], `bases` [batch, horizon, bases], `known_future` [batch,
        horizon, features], `past` [batch, window, 0], `static` [batch, 0 or 2]}, targets [batch,
        horizon], weights [batch]), all float64.
    """
    flat = Flat.of(windowset, part)
    if part == "training":
        draw = _Draw.of(windowset, batch, seed)
        numbers = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
        stream = numbers.map(lambda number: flat.gather(*draw(number)), PARALLEL)
    else:
        pairs = tf.data.Dataset.from_tensor_slices(windowset.windows(part)).batch(batch)
        stream = pairs.map(flat.gather, PARALLEL)
    return stream.prefetch(PREFETCH)


PARALLEL = 2
"""Batches gathered at a time; order is kept, so this changes no value."""
PREFETCH = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """The windows of batch n of an endless shuffled stream."""

    counts: Tensor  # windows before each series' first, and their sum, [series + 1]
    origins: Tensor  # oldest origin of each series, [series]
    batch: int
    seed: int

    @classmethod
    def of(cls, windowset: WindowSet, batch: int, seed: int) -> "_Draw":
        counts = windowset.counts()
        if counts.sum() == 0:
            raise ValueError("no series is long enough for a single window of training")
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        origins = windowset.first_origins()
        return cls(tf.constant(before), tf.constant(origins), batch, seed)

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
        return series, tf.gather(self.origins, series) + chosen - tf.gather(self.counts, series)


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """The flat vectors as tensors; before each series stands a window of NaN, so none is cut."""

    values: Tensor  # NaN, a series, NaN, a series, …, NaN, [padded total]
    zero: Tensor  # place in `values` of grid step 0 of each series, [series]
    first: Tensor  # place in `values` of each series' first value, [series]
    weights: Tensor  # 1 / scale, [series]
    typical: Tensor  # [series, 0 or 2]
    shift: Tensor  # [grid steps]
    calendar: Tensor  # [grid steps, features]
    windowset: WindowSet

    @classmethod
    def of(cls, windowset: WindowSet, part: str) -> "Flat":
        """The values that a part may see, targets included."""
        padding = max(windowset.window, windowset.horizon)
        lengths = np.diff(windowset.offsets)
        until = windowset.parts.until(part)
        seen = np.clip(until - windowset.first_step, 0, lengths)
        first = padding + np.concatenate([np.zeros(1, np.int64), np.cumsum(seen + padding)[:-1]])
        values = np.full(int((seen + padding).sum()) + padding, np.nan)
        for place, start, count in zip(first, windowset.offsets, seen, strict=False):
            values[place : place + count] = windowset.values[start : start + count]
        known = windowset.scale > 0
        scale = np.where(known, windowset.scale, 1.0)
        place_type = np.int32 if values.size < np.iinfo(np.int32).max else np.int64
        return cls(
            values=tf.constant(values),
            zero=tf.constant((first - windowset.first_step).astype(place_type)),
            first=tf.constant(first.astype(place_type)),
            weights=tf.constant(np.where(known, 1 / scale, 0.0)),
            typical=tf.constant(windowset.typical[:, : windowset.static]),
            shift=tf.constant(windowset.shift.astype(place_type)),
            calendar=tf.constant(windowset.calendar),
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
            "bases": self._bases(series, origin, place),
            "known_future": self._known_future(origin),
            "past": tf.zeros([tf.shape(series)[0], shape.window, 0], tf.float64),
            "static": tf.gather(self.typical, series),
        }
        return inputs, both[:, shape.window :], tf.gather(self.weights, series)

    def _bases(self, series: Tensor, origin: Tensor, place: Tensor) -> Tensor:
        """Past values at the same place of each season, [batch, horizon, bases]."""
        shape = self.windowset
        kind = self.zero.dtype
        lead = tf.range(shape.horizon, dtype=kind)[None, :]  # [1, horizon]
        target = origin[:, None] - shape.grid_first + lead  # [batch, horizon]
        ahead = tf.gather(self.shift, target)
        columns = []
        for steps, repeats in shape.seasons:
            back = (lead // steps + 1) * steps
            newest = self._step_back(target, ahead, back)
            late = newest >= origin[:, None] - shape.grid_first
            back = back + tf.where(late, tf.constant(steps, kind), 0)
            for turn in range(repeats):
                step = self._step_back(target, ahead, back + steps * turn)
                columns.append(place[:, None] + step - (origin[:, None] - shape.grid_first))
        if not columns:
            return tf.zeros([tf.shape(series)[0], shape.horizon, 0], tf.float64)
        places = tf.stack(columns, axis=2)  # [batch, horizon, bases]
        known = places >= tf.gather(self.first, series)[:, None, None]
        taken = tf.gather(self.values, tf.where(known, places, 0))  # values[0] is NaN
        return tf.ensure_shape(taken, [None, shape.horizon, len(columns)])

    def _step_back(self, target: Tensor, ahead: Tensor, back: Tensor) -> Tensor:
        before = tf.maximum(target - back, 0)
        return target - back + ahead - tf.gather(self.shift, before)

    def _known_future(self, origin: Tensor) -> Tensor:
        shape = self.windowset
        steps = origin[:, None] - shape.grid_first + tf.range(shape.horizon, dtype=origin.dtype)
        return tf.gather(self.calendar, steps)


def window_count(windowset: WindowSet) -> int:
    """Windows that training may draw."""
    return int(windowset.counts().sum())
