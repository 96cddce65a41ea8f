"""Weights and dropout of a network drawn from one seed, whatever else draws in the process."""

from typing import Any

import keras
import numpy as np

DRAWN = {
    "kernel": "kernel_initializer",
    "recurrent_kernel": "recurrent_initializer",
    "embeddings": "embeddings_initializer",
}
"""What Keras' layers draw at random, and what draws it."""
STATE = "seed_generator_state"
"""How Keras names what dropout draws from."""
HIGHEST = 2**31 - 1
"""Seeds of Keras are C's integers."""


def draw_from(model: keras.Model, seed: int) -> None:
    """Draw a network's weights anew, and begin what its dropout draws anew.

    Keras seeds its layers from Python's own generator. That is everyone's: where another thread
    draws from it while a network is built (the ping of a websocket does), equal seeds give unequal
    networks, `keras.utils.set_random_seed` or not.

    Args:
        model: As it was built; what begins as a constant stays one.
        seed: Equal ones give networks of one configuration equal weights.
    """
    numbers = np.random.default_rng(seed)
    for layer in model.layers:
        for owner in _owners(layer):
            for name, drawn_by in DRAWN.items():
                initializer = getattr(owner, drawn_by, None)
                if initializer is not None and "seed" in initializer.get_config():
                    settings = initializer.get_config() | {"seed": int(numbers.integers(HIGHEST))}
                    variable = getattr(owner, name)
                    variable.assign(type(initializer).from_config(settings)(variable.shape))
    for variable in model.variables:
        if variable.path.endswith(STATE):
            variable.assign([int(numbers.integers(HIGHEST)), 0])


def _owners(layer: keras.Layer) -> list[Any]:
    """What the weights of a layer are attributes of: of a recurrent one, its cells."""
    both_ways = isinstance(layer, keras.layers.Bidirectional)
    layers = [layer.forward_layer, layer.backward_layer] if both_ways else [layer]
    return [getattr(one, "cell", one) for one in layers]
