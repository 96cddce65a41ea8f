"""What training minimises. Targets may be missing; such a target costs nothing."""

from collections.abc import Sequence
from typing import Any

from keras import ops

Tensor = Any


def pinball_loss(
    targets: Tensor, forecast: Tensor, weights: Tensor, levels: Sequence[float]
) -> Tensor:
    """Mean over what is known of twice the pinball loss, in units of `windowset.error_scale`.

    Twice, so that with the level 0.5 alone it is the mean absolute scaled error.

    Args:
        targets: [batch, horizon], NaN where missing.
        forecast: Quantiles, [batch, horizon, quantiles].
        weights: 1 / `error_scale` of the series, [batch].
        levels: In (0, 1), [quantiles].

    Source:
        Koenker and Bassett 1978, Econometrica 46(1); scaled as in Hyndman and Koehler 2006.
    """
    known, error = _scaled_error(targets, forecast, weights)  # [batch, horizon, quantiles]
    rising = ops.convert_to_tensor(levels, dtype=error.dtype)
    loss = ops.maximum(rising * error, (rising - 1) * error)
    return 2 * ops.sum(loss) / (ops.maximum(ops.sum(known), 1) * len(levels))


def huber_loss(
    targets: Tensor, forecast: Tensor, weights: Tensor, levels: Sequence[float]
) -> Tensor:
    """Mean Huber loss of the median with the bend at one seasonal-naive error.

    Args:
        targets: [batch, horizon], NaN where missing.
        forecast: Quantiles, [batch, horizon, quantiles].
        weights: 1 / `error_scale` of the series, [batch].
        levels: In (0, 1), with 0.5, [quantiles].

    Source:
        Huber 1964, Annals of Mathematical Statistics 35(1).
    """
    middle = list(levels).index(0.5)
    point = forecast[:, :, middle : middle + 1]
    known, error = _scaled_error(targets, point, weights)  # [batch, horizon, 1]
    size = ops.abs(error)
    loss = ops.where(size <= 1, error * error / 2, size - 0.5)
    return ops.sum(loss) / ops.maximum(ops.sum(known), 1)


LOSSES = {"pinball": pinball_loss, "huber": huber_loss}


def _scaled_error(targets: Tensor, forecast: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """What is known and counts [batch, horizon], and its error in units of the scale.

    Subtracted in float64, then float32: large numbers close together keep their difference.
    """
    counts = ops.logical_and(ops.logical_not(ops.isnan(targets)), weights[:, None] > 0)
    error = ops.where(counts, targets, ops.zeros_like(targets))[:, :, None] - forecast
    error = ops.cast(error * weights[:, None, None], "float32")
    known = ops.cast(counts, "float32")
    return known, error * known[:, :, None]
