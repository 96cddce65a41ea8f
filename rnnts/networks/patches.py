"""Registered functions of the patched network: folding, seasonal differences and bases."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from rnnts.networks.lambdas import quantiles, register

Tensor = Any


@register
def pad_front(values: Tensor, patch: int) -> Tensor:
    """Missing steps before the window until it is whole patches, [batch, patches * patch, ...]."""
    lack = -values.shape[1] % patch
    widths = [(0, 0), (lack, 0)] + [(0, 0)] * (len(values.shape) - 2)
    return ops.pad(values, widths, constant_values=float("nan")) if lack else values


@register
def fold(values: Tensor, patch: int) -> Tensor:
    """[batch, steps, ...] -> [batch, patches, patch * ...]."""
    width = patch
    for size in values.shape[2:]:
        width *= size
    return ops.reshape(values, (-1, values.shape[1] // patch, width))


@register
def seasonal_change(values: Tensor, steps: int) -> Tensor:
    """Difference to one season earlier, NaN in the first season, [batch, steps]."""
    change = values[:, steps:] - values[:, :-steps]
    return ops.pad(change, [(0, 0), (steps, 0)], constant_values=float("nan"))


@register
def patch_moments(folded: Tensor) -> Tensor:
    """Mean and mean absolute deviation of what is known of each patch, [batch, patches, 2]."""
    mean = mean_known(folded, -1)
    return ops.stack([mean, mean_known(ops.abs(folded - mean[..., None]), -1)], axis=-1)


def mean_known(values: Tensor, axis: int) -> Tensor:
    """Mean along an axis without NaN; 0 where there is nothing else."""
    known = ops.logical_not(ops.isnan(values))
    total = ops.sum(ops.where(known, values, ops.zeros_like(values)), axis=axis)
    return total / ops.maximum(ops.sum(ops.cast(known, values.dtype), axis=axis), 1)


@register
def seasonal_unit(values: Tensor, steps: int) -> Tensor:
    """Mean absolute difference to one season earlier, at least a hundredth of the window's spread.

    The seasonal-naive error inside the window: the size of what is left to forecast, [batch, 1].
    """
    change = ops.abs(values[:, steps:] - values[:, :-steps])
    return ops.maximum(mean_known(change, 1), 0.01)[:, None]


@register
def widen_bases(tensors: list[Tensor], seasons: Sequence[Sequence[int]]) -> Tensor:
    """Bases whose mixture is the point forecast; what is missing is filled from the others.

    For each season its newest value, the mean of its newest values where there are several, and
    its newest value shifted by the change of level since; then the last value.

    Args:
        tensors: Scaled bases [batch, horizon, columns], scaled window [batch, window].
        seasons: (steps, repeats) of each season, in the order of the columns.

    Returns:
        [batch, horizon, mixed bases], of no missing value.
    """
    bases, window = tensors
    last = mean_known(window[:, -1:], 1)
    columns = [ops.zeros_like(ops.sum(bases, axis=2)) + last[:, None]]  # [batch, horizon]
    place = 0
    for steps, repeats in seasons:
        newest = bases[:, :, place]  # [batch, horizon]
        columns.append(newest)
        if repeats > 1:
            columns.append(_mean_or_nan(bases[:, :, place : place + repeats]))
        if window.shape[1] >= 2 * steps:
            level = mean_known(window[:, -steps:], 1) - mean_known(
                window[:, -2 * steps : -steps], 1
            )
            columns.append(newest + level[:, None])
        place += repeats
    mixed = ops.stack(columns, axis=2)  # [batch, horizon, mixed bases]
    return ops.where(ops.isnan(mixed), mean_known(mixed, 2)[:, :, None], mixed)


def _mean_or_nan(values: Tensor) -> Tensor:
    known = ops.any(ops.logical_not(ops.isnan(values)), axis=-1)
    return ops.where(known, mean_known(values, -1), float("nan"))


@register
def stretch(coarse: Tensor, steps: int, horizon: int) -> Tensor:
    """Each row stands for `steps` targets: [batch, rows, ...] -> [batch, horizon, ...]."""
    return ops.repeat(coarse, steps, axis=1)[:, :horizon] if steps > 1 else coarse


@register
def mixture(tensors: list[Tensor]) -> Tensor:
    """Bases weighted by a softmax of logits, plus a residual in seasonal units, [batch, horizon].

    Args:
        tensors: Bases [batch, horizon, mixed bases], logits of the same shape, residual [batch,
            horizon], unit [batch, 1].
    """
    bases, logits, residual, unit = tensors
    # Keras' own softmax warns where there is a single base, as without seasons
    weights = ops.exp(logits - ops.logsumexp(logits, axis=-1, keepdims=True))
    return ops.sum(bases * weights, axis=-1) + residual * unit


@register
def spread_gaps(tensors: list[Tensor], middle: int) -> Tensor:
    """Rising quantiles around medians, their gaps in seasonal units, [batch, horizon, quantiles].

    Args:
        tensors: Medians [batch, horizon], raw gaps [batch, horizon, quantiles - 1], unit [batch,
            1].
        middle: Place of the median among the levels.
    """
    median, raw, unit = tensors
    around = quantiles([ops.zeros_like(median), raw], middle)
    return median[..., None] + around * unit[..., None]
