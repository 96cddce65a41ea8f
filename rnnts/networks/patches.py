"""Registered functions of the patched network: folding, seasonal differences and bases."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from rnnts.networks.lambdas import (
    fill,
    fused,
    median_or_nan,
    observed,
    quantiles,
    register,
    window_scale,
)

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
@fused
def season_scale(values: Tensor, season: int) -> Tensor:
    """Centre and spread of each window, [batch, 2].

    The median of its seasons' means, and the mean absolute deviation from that: an odd day moves
    it as little as it moves the median of all values, whose sort took a tenth of a training step.
    Missing values do not count; a window of none but missing ones has 0 and 0.

    Source:
        Median of means: Nemirovsky and Yudin 1983; Lugosi and Mendelson 2019, section 2.1.
    """
    folded = fold(pad_front(values, season), season)  # [batch, seasons, season]
    centre = window_scale(mean_or_nan(folded, -1))[:, :1]
    return ops.concatenate([centre, mean_known(ops.abs(values - centre), 1)[:, None]], axis=1)


@register
@fused
def read_patches(window: Tensor, patch: int, seasons: Sequence[int]) -> Tensor:
    """What each patch of a scaled window holds, [batch, patches, columns].

    Its values, which of them are known, their differences to one of each of the `seasons` earlier,
    and its moments; 0 for what is missing.
    """
    window = pad_front(window, patch)
    folded = fold(window, patch)  # [batch, patches, patch]
    changes = [fold(seasonal_change(window, steps), patch) for steps in seasons]
    pieces = [fill(folded), observed(folded), *map(fill, changes), patch_moments(folded)]
    return ops.concatenate(pieces, axis=-1)


def seasonal_change(values: Tensor, steps: int) -> Tensor:
    """Difference to one season earlier, NaN in the first season, [batch, steps]."""
    change = values[:, steps:] - values[:, :-steps]
    return ops.pad(change, [(0, 0), (steps, 0)], constant_values=float("nan"))


def patch_moments(folded: Tensor) -> Tensor:
    """Mean and mean absolute deviation of what is known of each patch, [batch, patches, 2]."""
    mean = mean_known(folded, -1)
    return ops.stack([mean, mean_known(ops.abs(folded - mean[..., None]), -1)], axis=-1)


def mean_known(values: Tensor, axis: int) -> Tensor:
    """Mean along an axis without NaN; 0 where there is nothing else."""
    total, count = _known(values, axis)
    return total / ops.maximum(count, 1)


def mean_or_nan(values: Tensor, axis: int) -> Tensor:
    """Mean along an axis without NaN; NaN where there is nothing else."""
    total, count = _known(values, axis)
    return ops.where(count > 0, total / ops.maximum(count, 1), float("nan"))


def _known(values: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Sum and number of what is not NaN along an axis."""
    known = ops.logical_not(ops.isnan(values))
    total = ops.sum(ops.where(known, values, ops.zeros_like(values)), axis=axis)
    return total, ops.sum(ops.cast(known, values.dtype), axis=axis)


@register
@fused
def seasonal_unit(values: Tensor, steps: int) -> Tensor:
    """Mean absolute difference to one season earlier, at least a hundredth of the window's spread.

    The seasonal-naive error inside the window: the size of what is left to forecast, [batch, 1].
    A season counts at most as much as `ODD` ordinary ones, so that a burst or an outage on one day
    does not stand for what the others hold.
    """
    change = ops.abs(values[:, steps:] - values[:, :-steps])
    each = mean_or_nan(fold(pad_front(change, steps), steps), -1)  # [batch, seasons]
    most = ODD * median_or_nan(each)[:, None]
    most = ops.where(most > 0, most, float("inf"))  # most seasons without a change: all count
    return ops.maximum(mean_known(ops.minimum(each, most), 1), 0.01)[:, None]


ODD = 3
"""A season that differs so much more than the middle one tells how odd it was, no more."""


@register
@fused
def widen_bases(tensors: list[Tensor], seasons: Sequence[Sequence[int]]) -> Tensor:
    """Bases whose mixture is the point forecast.

    The last value and the median of the newest first season, both the same for all targets; for
    each season its newest values, their mean and their median, which forgets a holiday, the newest
    one shifted by the change of level over a whole season, and the newest and the mean of all
    shifted by that of the newest first season; of a smoothed season what its columns hold, and the
    mean of the two shifted ones.

    Args:
        tensors: Scaled bases [batch, horizon, columns], scaled window [batch, window].
        seasons: (steps, columns, reach) of each season, in the order of the columns.

    Returns:
        [batch, horizon, mixed bases], NaN where missing; the last value is never missing.
    """
    bases, window = tensors
    flat = ops.zeros_like(ops.sum(bases, axis=2))
    columns = [flat + last_known(window)[:, None]]
    first = seasons[0][0] if seasons else 0
    if 1 < first <= window.shape[1]:
        columns.append(flat + median_or_nan(window[:, -first:])[:, None])
    place = 0
    for steps, count, reach in seasons:
        own = bases[:, :, place : place + count]  # [batch, horizon, columns of the season]
        place += count
        if reach:
            columns += [own[:, :, turn] for turn in range(count)]
            columns.append(mean_or_nan(own[:, :, 1:], -1))
        else:
            columns.append(own[:, :, 0])
            if count > 1:
                columns.append(mean_or_nan(own, -1))
                columns += [own[:, :, turn] for turn in range(1, count)]
            if count == MEDIAN_OF:
                columns.append(ops.sum(own, -1) - ops.max(own, -1) - ops.min(own, -1))
            if steps < window.shape[1]:
                columns.append(own[:, :, 0] + level_change(window, steps)[:, None])
            shifted = bases[:, :, place : place + count]
            place += count
            columns.append(shifted[:, :, 0])
            if count > 1:
                columns.append(mean_or_nan(shifted, -1))
    return ops.stack(columns, axis=2)


MEDIAN_OF = 3
"""Of so many values the median is their sum less the largest and the smallest."""


def last_known(window: Tensor) -> Tensor:
    """The newest value of each window; 0 where there is none, [batch]."""
    known = ops.logical_not(ops.isnan(window))
    places = ops.arange(1, window.shape[1] + 1, dtype="int32")
    newest = ops.max(ops.where(known, places, 0), axis=1, keepdims=True)  # 0: none, [batch, 1]
    value = ops.take_along_axis(window, ops.maximum(newest - 1, 0), axis=1)
    return ops.where(newest > 0, value, ops.zeros_like(value))[:, 0]


def level_change(window: Tensor, steps: int) -> Tensor:
    """Mean difference to one season earlier, over the newest season of the window, [batch]."""
    change = window[:, steps:] - window[:, :-steps]
    return mean_or_nan(change[:, -steps:], 1)


@register
@fused
def place_bases(tensors: list[Tensor]) -> Tensor:
    """Mean of the bases, and each one's distance from it, in seasonal units.

    Args:
        tensors: Bases [batch, horizon, mixed bases], unit [batch, 1].

    Returns:
        [batch, horizon, 1 + mixed bases]; 0 where missing.
    """
    bases, unit = tensors
    mean = mean_known(bases, -1)[..., None]
    both = ops.concatenate([mean, bases - mean], axis=-1) / unit[..., None]
    return ops.clip(fill(both), -FARTHEST, FARTHEST)


@register
@fused
def compare_bases(places: Tensor, step: int) -> Tensor:
    """How far each base is from the mean of all, in seasonal units, a row for `step` targets.

    So a network sees that last week was odd at the very hours that it is to forecast.

    Args:
        places: Of `place_bases`, [batch, horizon, 1 + mixed bases].
        step: Targets in a row.

    Returns:
        Mean difference, then mean absolute difference, [batch, rows, 2 * mixed bases].
    """
    away = places[:, :, 1:]
    lack = -away.shape[1] % step
    away = ops.pad(away, [(0, 0), (0, lack), (0, 0)])
    rows = ops.reshape(away, (-1, away.shape[1] // step, step, away.shape[2]))
    return ops.concatenate([ops.mean(rows, axis=2), ops.mean(ops.abs(rows), axis=2)], axis=-1)


FARTHEST = 10.0
"""Seasonal units beyond which a base is just far away: one outlier is not to rule the weights."""


MAX_ROWS = 512
"""Rows of residuals, gaps and adjustments; the targets of longer horizons share them: 10,000 need
no 10,000 x 13 weights a unit."""


@register
def every_nth(rows: Tensor, step: int) -> Tensor:
    """[batch, horizon, features] -> every `step`-th row."""
    return rows[:, ::step]


@register
def stretch(coarse: Tensor, steps: int, horizon: int) -> Tensor:
    """Each row stands for `steps` targets: [batch, rows, ...] -> [batch, horizon, ...]."""
    return ops.repeat(coarse, steps, axis=1)[:, :horizon] if steps > 1 else coarse


@register
@fused
def mixture(tensors: list[Tensor]) -> Tensor:
    """Bases weighted by a softmax of logits, plus a residual in seasonal units, [batch, horizon].

    A missing base has no weight: the others share it.

    Args:
        tensors: Bases [batch, horizon, mixed bases], logits of the same shape, residual [batch,
            horizon], unit [batch, 1].
    """
    bases, logits, residual, unit = tensors
    known = ops.logical_not(ops.isnan(bases))
    logits = ops.where(known, logits, ops.zeros_like(logits) - HIDDEN)
    # Keras' own softmax warns where there is a single base, as without seasons
    weights = ops.exp(logits - ops.logsumexp(logits, axis=-1, keepdims=True))
    bases = ops.where(known, bases, ops.zeros_like(bases))
    return ops.sum(bases * weights, axis=-1) + residual * unit


HIDDEN = 1e9
"""Taken off the logit of what is missing: its weight underflows to 0."""


@register
@fused
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
