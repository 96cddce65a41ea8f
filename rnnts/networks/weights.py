"""The weights that training changes: read, given, and lent for a while."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from rnnts.panels.arrays import AnyArray


def weights_of(model: keras.Model) -> list[AnyArray]:
    """A copy of the weights that training changes."""
    return [np.asarray(variable.numpy()) for variable in model.trainable_variables]


def give(model: keras.Model, weights: Sequence[AnyArray]) -> None:
    """Give a network these trainable weights."""
    for variable, weight in zip(model.trainable_variables, weights, strict=True):
        variable.assign(weight)


def between(first: Sequence[AnyArray], second: Sequence[AnyArray], share: float) -> list[AnyArray]:
    """Weights on the line from the first ones to the second, so far along; [0, 1]."""
    pairs = zip(first, second, strict=True)
    return [(one + share * (other - one)).astype(one.dtype) for one, other in pairs]


@contextmanager
def lent(model: keras.Model, weights: Sequence[AnyArray]) -> Iterator[None]:
    """A network with other trainable weights for a while; what was compiled of it serves both."""
    own = weights_of(model)
    give(model, weights)
    try:
        yield
    finally:
        give(model, own)
