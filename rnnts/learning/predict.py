"""Forecasts of many windows, in blocks of one shape: a row's bits depend on that row alone."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from rnnts.panels.arrays import FloatArray

BLOCK = 512
"""Rows of a block. Another shape would take other code paths, and give other bits."""


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
    pieces = []
    for start in range(0, rows, block):
        part = {
            name: _padded(array[start : start + block], block) for name, array in inputs.items()
        }
        pieces.append(np.asarray(call(part)))
    if not pieces:
        return np.zeros((0, *model.output_shape[1:]))
    forecast: FloatArray = np.concatenate(pieces)[:rows]
    return forecast


def _padded(rows: FloatArray, block: int) -> FloatArray:
    lack = block - len(rows)
    return np.concatenate([rows, np.zeros((lack, *rows.shape[1:]))]) if lack else rows


def compiled(model: Any) -> Any:
    """The network as one compiled function of its inputs; compiled once a model and shape."""
    import tensorflow as tf

    call = getattr(model, "_rnnts_compiled", None)
    if call is None:
        # A lambda would be one function to TensorFlow's warning of retracing, whatever the model
        call = tf.function(partial(model, training=False), autograph=False, jit_compile=True)
        model._rnnts_compiled = call  # noqa: SLF001 - lives and dies with the model
    return call
