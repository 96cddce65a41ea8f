"""What Lambda layers compute.

Each function is named and registered: a saved network holds its name, never its code, so it loads
with safe mode on.

Centre and spread are float64: in float32, 1e9 + 10 is 1e9. Only scaled values are float32.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any
register = keras.saving.register_keras_serializable(package="rnnts")


_fusing: ContextVar[bool] = ContextVar("fusing", default=False)


@contextmanager
def fusing(*, on: bool = True) -> Iterator[None]:
    """Whether what is `fused` is compiled by calls in here: where a graph is drawn, for good."""
    before = _fusing.set(on)
    try:
        yield
    finally:
        _fusing.reset(before)


def fused(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A chain of small operations that `fusing` compiles into one kernel; the result is the same.

    Each operation alone is a pass over memory and a dispatch to threads: in a training step of
    patched_lstm they cost more than its recurrence.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled: Callable[..., Tensor] = tf.function(function, autograph=False, jit_compile=True)

    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Tensor:
        return (compiled if _fusing.get() else function)(*arguments, **settings)

    return call


@register
def expand_dims(values: Tensor) -> Tensor:
    """[batch, window] -> [batch, window, 1]."""
    return ops.expand_dims(values, axis=-1)


@register
def window_scale(values: Tensor) -> Tensor:
    """Centre and spread of each window: median, mean absolute deviation from it; [batch, 2].

    Missing values do not count; a window of none but missing ones has 0 and 0.
    """
    seen = ops.logical_not(ops.isnan(values))
    count = ops.sum(ops.cast(seen, "int32"), axis=1, keepdims=True)  # [batch, 1]
    middle = median_or_nan(values)[:, None]
    centre = ops.where(count > 0, middle, ops.zeros_like(middle))  # [batch, 1]
    away = ops.where(seen, ops.abs(values - centre), ops.zeros_like(values))
    number = ops.cast(ops.maximum(count, 1), values.dtype)
    spread = ops.sum(away, axis=1, keepdims=True) / number  # [batch, 1]
    return ops.concatenate([centre, spread], axis=1)


def median_or_nan(values: Tensor) -> Tensor:
    """Median along the last axis without NaN; NaN where there is nothing else."""
    seen = ops.logical_not(ops.isnan(values))
    count = ops.sum(ops.cast(seen, "int32"), axis=-1, keepdims=True)
    last = ops.shape(values)[-1] - 1
    places = [ops.maximum((count - 1) // 2, 0), ops.minimum(count // 2, last)]
    known = ops.where(seen, values, float("inf"))
    length = values.shape[-1]  # None: it differs from window to window
    choose = _by_order if length is None or length > MOST_RANKED else _by_rank
    low, high = choose(known, places)
    return low + (high - low) / 2  # of nothing but NaN: infinity less infinity


MOST_RANKED = 64
"""Values up to which each is compared with each: an XLA sort of 24 takes six times as long."""


def _by_rank(values: Tensor, places: list[Tensor]) -> list[Tensor]:
    """What would stand at these places [..., 1] if the last axis were sorted, [...] each."""
    place = np.arange(values.shape[-1])
    earlier = place[:, None] < place  # of two equal values
    other, this = values[..., :, None], values[..., None, :]
    before = ops.logical_or(other < this, ops.logical_and(other == this, earlier))
    rank = ops.sum(ops.cast(before, "int32"), axis=-2)  # counted along rows: they lie side by side
    nothing = ops.zeros_like(values)
    return [ops.sum(ops.where(rank == one, values, nothing), axis=-1) for one in places]


def _by_order(values: Tensor, places: list[Tensor]) -> list[Tensor]:
    """As `_by_rank`, by sorting."""
    ordered = ops.sort(values, axis=-1)
    return [ops.take_along_axis(ordered, one, axis=-1)[..., 0] for one in places]


@register
def constant_scale(values: Tensor, constant: float) -> Tensor:
    """Centre 0 and one spread for all, such as x100; [batch, 2]."""
    nothing = ops.zeros_like(values[:, :1])
    return ops.concatenate([nothing, nothing + constant], axis=1)


@register
def series_scale(static: Tensor) -> Tensor:
    """Centre and spread that come with the series, the first two static features; [batch, 2]."""
    return static[:, :2]


@register
@fused
def scale(tensors: list[Tensor]) -> Tensor:
    """(values [batch, ...], centre and spread [batch, 2]) -> scaled, float32; NaN stays NaN.

    A constant window has the spread 0: it is divided by 1.
    """
    values, state = tensors
    shape = (-1,) + (1,) * (len(values.shape) - 1)
    centre, spread = ops.reshape(state[:, 0], shape), ops.reshape(state[:, 1], shape)
    divisor = ops.where(spread > 0, spread, ops.ones_like(spread))
    return ops.cast((values - centre) / divisor, "float32")


@register
def unscale(tensors: list[Tensor]) -> Tensor:
    """(forecast [batch, ...], centre and spread [batch, 2]) -> in the unit of the series, float64.

    Rising quantiles stay rising: the spread is never negative, and rounding keeps order. What was
    constant is forecast as constant.
    """
    forecast, state = tensors
    shape = (-1,) + (1,) * (len(forecast.shape) - 1)
    centre, spread = ops.reshape(state[:, 0], shape), ops.reshape(state[:, 1], shape)
    return centre + spread * ops.cast(forecast, "float64")


@register
def gelu(values: Tensor) -> Tensor:
    """Gaussian error linear units as x sigmoid(1.702 x): within 0.021 of those by the integral.

    By a hyperbolic tangent, which with its gradient takes half the time of the error function.

    Source:
        Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", section 2.
    """
    return values * (0.5 * ops.tanh(SLOPE / 2 * values) + 0.5)


SLOPE = 1.702
"""Of the sigmoid that is nearest to the normal distribution function."""


@register
def observed(values: Tensor) -> Tensor:
    """1 where a value is known, 0 where it is missing, float32."""
    return ops.cast(ops.logical_not(ops.isnan(values)), "float32")


@register
def fill(values: Tensor) -> Tensor:
    """Missing values become 0, the centre of the scaled window."""
    return ops.where(ops.isnan(values), ops.zeros_like(values), values)


@register
def quantiles(tensors: list[Tensor], middle: int) -> Tensor:
    """Rising quantiles out of medians and raw gaps, which softplus makes non-negative.

    Args:
        tensors: Medians [batch, horizon], raw gaps to the neighbour nearer to the median [batch,
            horizon, quantiles - 1], in rising order of levels.
        middle: Place of the median among the levels.

    Returns:
        [batch, horizon, quantiles].
    """
    median, raw = tensors
    gaps = ops.softplus(raw)
    median = ops.expand_dims(median, -1)  # [batch, horizon, 1]
    below = ops.flip(ops.cumsum(ops.flip(gaps[..., :middle], -1), axis=-1), -1)
    above = ops.cumsum(gaps[..., middle:], axis=-1)
    return ops.concatenate([median - below, median, median + above], axis=-1)


@register
def last_step(states: Tensor) -> Tensor:
    """[batch, steps, ...] -> [batch, ...] of the last step."""
    return states[:, -1]


@register
def stack(outputs: list[Tensor]) -> Tensor:
    """Outputs [batch, ...] side by side, [batch, outputs, ...]."""
    return ops.stack(outputs, axis=1)


@register
def mean_of_copies(outputs: Tensor) -> Tensor:
    """[batch, copies, ...] -> their mean, [batch, ...]."""
    return ops.mean(outputs, axis=1)
