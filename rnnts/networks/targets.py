"""The layer of the default network that every target goes through.

The heads have rows of their own for stretches of targets; this layer is one and the same for every
target, and so learns from all of them what its bases say, and covariates where there are any. It
ends in layers of zeros: a fresh network forecasts as if it were not there.
"""

from dataclasses import dataclass
from typing import Any

from keras import layers

from rnnts.networks import lambdas, patches
from rnnts.networks.config import NetworkConfig
from rnnts.networks.dropout import Dropout
from rnnts.networks.inputs import plain

Tensor = Any

UNITS = 32
"""Units of the layer."""
MEMORY_UNITS = 16
"""What a target sees of the network's memory."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What the layer adds to a member's forecast; all of it 0 at first."""

    logits: Tensor  # [batch, horizon, mixed bases]
    residual: Tensor  # in seasonal units, [batch, horizon]
    gaps: Tensor | None  # raw, [batch, horizon, quantiles - 1]; None for a median alone


def adjust_targets(
    config: NetworkConfig,
    memory: Tensor,
    places: Tensor,
    known: Tensor | None,
    place: int,
) -> Adjustment:
    """What each target adds to the forecast of one member.

    Args:
        config: The network.
        memory: Of the member, with the hidden layer over it, [batch, features].
        places: Where bases lie, [batch, horizon, 1 + mixed bases].
        known: What covariates say of each target, [batch, horizon, features]; None: nothing.
        place: Of the member.
    """
    name = f"member_{place}_targets"
    remembered = layers.Dense(MEMORY_UNITS, activation=lambdas.gelu, name=f"{name}_memory")(memory)
    # The same for every target: added to each one's own, for rows of both would repeat its product
    remembered = layers.Dense(UNITS, use_bias=False, name=f"{name}_remembered")(remembered)
    remembered = layers.Reshape((1, UNITS), name=f"{name}_for_all")(remembered)
    rows = places
    if known is not None:
        rows = layers.Concatenate(name=f"{name}_rows")([known, places])
    step = -(-config.horizon // patches.MAX_ROWS)
    if step > 1:
        rows = plain(patches.every_nth, f"{name}_some", step=step)(rows)
    own = layers.Dense(UNITS, name=f"{name}_own")(rows)
    hidden = layers.Add(name=f"{name}_sum")([own, remembered])
    hidden = layers.Activation(lambdas.gelu, name=f"{name}_hidden")(hidden)
    # One mask for all targets: a draw for each was the longest operation of a step
    mask = (None, 1, UNITS)
    hidden = Dropout(config.dropout, mask, name=f"{name}_dropout")(hidden)

    def head(part: str, width: int) -> Tensor:
        dense = layers.Dense(width, kernel_initializer="zeros", name=f"{name}_{part}")
        stretch = plain(patches.stretch, f"{name}_all_{part}", steps=step, horizon=config.horizon)
        return stretch(dense(hidden))

    flat = layers.Reshape((config.horizon,), name=f"{name}_residuals")
    gaps = len(config.levels) - 1
    return Adjustment(
        head("logits", places.shape[2] - 1),
        flat(head("residual", 1)),
        head("gaps", gaps) if gaps else None,
    )
