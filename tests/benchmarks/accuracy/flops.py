"""How many floating-point operations a training step takes, and how many this machine can do."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_callbacks

from rnnts.learning.descent import Descent
from rnnts.learning.recipe import Recipe, recipe_for
from rnnts.networks.config import NetworkConfig
from rnnts.windows.windowset import WindowSet

SIZE = 2_048
"""Rows and columns of the matrices whose product says what the machine can do."""
ROUNDS = 10
Shape = Sequence[int]
Tensors = Any


class Tally:
    """Counts the operations of matrix products as they are run, one by one."""

    def __init__(self) -> None:
        self.total = 0
        self.kinds: dict[str, int] = {}

    def __call__(
        self,
        kind: str,
        inputs: Tensors,
        attrs: Tensors,
        outputs: Tensors,
        *_name_and_graph: object,
        **_the_same: object,
    ) -> None:
        """Told of every operation; gives none of its outputs another value."""
        shapes = [tuple(one.shape) for one in inputs]
        chosen = dict(zip(attrs[::2], attrs[1::2], strict=True))
        operations = operations_of(kind, shapes, [tuple(one.shape) for one in outputs], chosen)
        if operations:
            self.total += operations
            self.kinds[kind] = self.kinds.get(kind, 0) + operations


def operations_of(
    kind: str, inputs: Sequence[Shape], outputs: Sequence[Shape], attrs: dict[str, Any]
) -> int:
    """Multiplications and additions of one operation; 0 if it is no product of matrices.

    >>> operations_of("MatMul", [(5, 3), (3, 4)], [(5, 4)], {"transpose_a": False})
    120
    >>> operations_of("Einsum", [(2, 5, 3), (3, 4)], [(2, 5, 4)], {"equation": b"bij,jk->bik"})
    240
    """
    if kind == "MatMul":
        inner = inputs[0][0] if attrs["transpose_a"] else inputs[0][1]
        return 2 * math.prod(outputs[0]) * inner
    if kind in {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}:
        inner = inputs[0][-2] if attrs["adj_x"] else inputs[0][-1]
        return 2 * math.prod(outputs[0]) * inner
    if kind == "Einsum":
        equation = attrs["equation"]
        terms = (equation.decode() if isinstance(equation, bytes) else equation).split("->")[0]
        sizes: dict[str, int] = {}
        for term, shape in zip(terms.split(","), inputs, strict=True):
            sizes.update(zip(term, shape, strict=True))
        return 2 * math.prod(sizes.values())
    return 0


@contextmanager
def counted() -> Iterator[Tally]:
    """Counts what is run inside the block, graphs as well: they are run operation by operation."""
    tally = Tally()
    tf.config.run_functions_eagerly(run_eagerly=True)
    op_callbacks.add_op_callback(tally)
    try:
        yield tally
    finally:
        op_callbacks.remove_op_callback(tally)
        tf.config.run_functions_eagerly(run_eagerly=False)


def operations_of_a_step(
    config: NetworkConfig, windowset: WindowSet, recipe: Recipe | None = None
) -> Tally:
    """The matrix products of one training step: forward, backward, all of them and nothing else.

    They are counted where they happen, by their true shapes, so nothing is estimated: forward,
    gradients of weights and of inner values, but none of a first layer's inputs, which is why it is
    a little less than 3 times the forward pass. What works element by element (gates, losses, the
    optimiser) is left out: the rate is rather too low.
    """
    descent = Descent(config, windowset, 0, recipe or recipe_for(config), None)
    stream = descent.stream(0)
    with counted() as tally:
        descent.run(stream, tf.constant(1))
    return tally


def matrix_rate(rounds: int = ROUNDS) -> float:
    """Floating-point operations a second of this machine's float32 matrix product, the best."""
    left = tf.random.normal((SIZE, SIZE), seed=0)
    product = tf.function(tf.matmul)
    product(left, left)
    times = []
    for _ in range(rounds):
        began = perf_counter()
        product(left, left).numpy()
        times.append(perf_counter() - began)
    return 2 * SIZE**3 / min(times)
