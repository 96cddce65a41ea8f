"""Dropout that draws a byte for each value, where Keras draws a float."""

from typing import Any

import keras
from keras import layers

from rnnts.networks.lambdas import register

Tensor = Any
BYTE = 256
"""Values of a byte: the share that is dropped is rounded to so many parts."""


@register
class Dropout(layers.Dropout):
    """As `keras.layers.Dropout`, its share rounded to parts of 256, unless that leaves nothing.

    Masks of a training step of the default network took one part in twenty of it, and take half.
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:  # noqa: FBT001, FBT002 - Keras' own
        """The inputs, in training some of them 0 and the others larger; of the same shape."""
        kept = BYTE - round(BYTE * self.rate)
        if not training or kept == BYTE or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training)
        import tensorflow as tf

        shape = tf.shape(inputs)
        if self.noise_shape is not None:
            fixed = [size or -1 for size in self.noise_shape]
            shape = tf.where(tf.constant(fixed) > 0, fixed, shape)
        mask = tf.where(_bytes(tf, shape, self.seed_generator.next()) < kept, BYTE / kept, 0.0)
        return inputs * tf.cast(mask, inputs.dtype)


def _bytes(tf: Any, shape: Tensor, seed: Tensor) -> Tensor:
    """Random bytes of a shape, uint8; four of each integer that is drawn."""
    count = tf.reduce_prod(shape)
    integers = tf.random.stateless_uniform(
        [(count + 3) // 4], tf.cast(seed, tf.int32), None, None, tf.int32
    )
    return tf.reshape(tf.reshape(tf.bitcast(integers, tf.uint8), [-1])[:count], shape)
