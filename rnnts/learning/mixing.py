"""Two windows of a batch become one more: panels are small, and their mixtures look like them."""

from typing import Any

import tensorflow as tf

from rnnts.networks import lambdas

Tensor = Any
Batch = tuple[dict[str, Tensor], Tensor, Tensor]
MIXED = ("values", "bases", "before")
KNOWN = ("known_future", "past")


def mix(batch: Batch, share: float, seed: Tensor, *, covariates: bool = False) -> Batch:
    """Blend every window with its neighbour in the batch, which the shuffle has drawn for it.

    Both are measured in their own seasonal-naive errors, so that a large series does not drown a
    small one; the blend is in the unit of the first. Bases and targets blend with the window they
    belong to. A window without a weight takes no part.

    Args:
        batch: (inputs, targets [batch, horizon], weights [batch]) of the pipeline.
        share: Largest share of the neighbour, in [0, 1]; each row draws its own below it.
        seed: Of the draws, [2].
        covariates: Whether there are any: what moves values mixes with them.

    Source:
        Zhang et al. 2018 (mixup), on time series as in Ansari et al. 2024 (TSMixup).
    """
    inputs, targets, weights = batch
    drawn = share * tf.random.stateless_uniform(tf.shape(weights), seed, dtype=weights.dtype)
    blended, targets = _blended(inputs, targets, weights, drawn, covariates=covariates)
    return blended, targets, weights


@lambdas.fused
def _blended(
    inputs: dict[str, Tensor], targets: Tensor, weights: Tensor, drawn: Tensor, *, covariates: bool
) -> tuple[dict[str, Tensor], Tensor]:
    """Inputs and targets, so much of the neighbour in each row, [batch]."""
    other = tf.roll(weights, 1, axis=0)
    both = (weights > 0) & (other > 0)
    share_of_other = tf.where(both, drawn, tf.zeros_like(drawn))  # [batch]
    factor = tf.where(
        both, share_of_other * other / tf.maximum(weights, TINY), tf.zeros_like(drawn)
    )

    def blend(tensor: Tensor) -> Tensor:
        shape = [-1] + [1] * (len(tensor.shape) - 1)
        own = tf.reshape(1 - share_of_other, shape) * tensor
        mixed = own + tf.reshape(factor, shape) * tf.roll(tensor, 1, axis=0)
        return tf.where(tf.reshape(both, shape), mixed, tensor)

    def blend_known(tensor: Tensor) -> Tensor:
        """Covariates have units of their own, and a neighbour may know of none."""
        share, neighbour = tf.reshape(share_of_other, [-1, 1, 1]), tf.roll(tensor, 1, axis=0)
        known = (share > 0) & ~tf.math.is_nan(neighbour)
        return tf.where(known, (1 - share) * tensor + share * neighbour, tensor)

    blended = {name: blend(value) if name in MIXED else value for name, value in inputs.items()}
    if covariates:
        blended |= {name: blend_known(inputs[name]) for name in KNOWN}
    return blended, blend(targets)


TINY = 1e-300
"""Keeps a division finite where its result is not used."""
