"""Forecasts of many windows, in blocks of one shape: a row's bits depend on that row alone."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from rnnts.panels.arrays import FloatArray

BLOCK = 512
"""Series forecast at once, and in one file. Another shape would take other code paths, and give
other bits."""
T = TypeVar("T")
S = TypeVar("S")


def predict_blocks(model: Any, inputs: Mapping[str, FloatArray], block: int = BLOCK) -> FloatArray:
    """The network's quantiles for every row, [rows, horizon, quantiles].

    Rows go through in order, `block` at a time; the last block is filled up with rows of zeros, a
    neutral window. So what one row holds changes no bit of another.

    Args:
        model: A network of `rnnts.networks.build`.
        inputs: Its inputs, [rows, ...] each.
        block: Rows of a block.
    """
    rows = len(next(iter(inputs.values())))
    call = compiled(model)

    def part(start: int) -> FloatArray:
        chosen = slice(start, start + block)
        return np.asarray(
            call({name: _padded(array[chosen], block) for name, array in inputs.items()})
        )

    pieces = [*side_by_side(part, range(0, rows, block))]
    if not pieces:
        return np.zeros((0, *model.output_shape[1:]))
    forecast: FloatArray = np.concatenate(pieces)[:rows]
    return forecast


def side_by_side(work: Callable[[T], S], items: Iterable[T]) -> Iterator[S]:
    """`work` of each item, in their order, on as many threads as keep all cores busy.

    Threads change no bit: a block's forecast is a computation of its own.
    """
    # One thread more than cores: a block's network does not fill them all the time.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as threads:
        yield from threads.map(work, items)


def _padded(rows: FloatArray, block: int) -> FloatArray:
    lack = block - len(rows)
    return np.concatenate([rows, np.zeros((lack, *rows.shape[1:]))]) if lack else rows


def compiled(model: Any) -> Any:
    """The network as one compiled function of its inputs; compiled once a model and shape."""
    import tensorflow as tf

    # Of threads that call one function TensorFlow lets one compile it, and the others wait.
    with _COMPILING:
        call = getattr(model, "_rnnts_compiled", None)
        if call is None:
            # A lambda would be one function to TensorFlow's warning of retracing for all models
            call = tf.function(partial(model, training=False), autograph=False, jit_compile=True)
            model._rnnts_compiled = call  # noqa: SLF001 - lives and dies with the model
    return call


_COMPILING = Lock()
