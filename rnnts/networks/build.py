"""From a NetworkConfig to a keras.Model: raw numbers in, forecasts in the series' unit out."""

from typing import Any

import keras

from rnnts.networks import lambdas
from rnnts.networks.config import NetworkConfig
from rnnts.networks.inputs import exact, input_layers, scale_state
from rnnts.networks.patched import patched_forecast
from rnnts.networks.recurrent import recurrent_forecast

Tensor = Any

COPIES = "copies_in_unit"
"""The layer that gives every copy's forecast: of each member, or of each step of the window."""


def build(config: NetworkConfig) -> keras.Model:
    """A network of freshly drawn weights.

    Its inputs are the named dict of `rnnts.windows`, float64, in the unit of the series; its
    output is [batch, horizon, quantiles], float64, in that unit, quantiles rising.
    """
    inputs = input_layers(config)
    state = scale_state(config, inputs)  # [batch, 2]
    forecast = patched_forecast if config.architecture == "patched_lstm" else recurrent_forecast
    copies = forecast(config, inputs, state)  # [batch, copies, horizon, quantiles]
    copies = exact(lambdas.unscale, COPIES)([copies, state])
    every_step = config.architecture == "sequence_to_sequence"
    choose = lambdas.last_step if every_step else lambdas.mean_of_copies
    output = exact(choose, "forecast")(copies)
    return keras.Model(inputs, output, name=config.architecture)


def scaled_copies_of(model: keras.Model) -> keras.Model:
    """The same network with every copy in its output, before it is scaled back.

    Training looks at each copy; a forecast is the mean of members or that of the last step.

    Returns:
        A model that gives the scaled copies, float32 [batch, copies, horizon, quantiles], and the
        centre and spread by which they are scaled, float64 [batch, 2].
    """
    return keras.Model(model.input, model.get_layer(COPIES).input, name="scaled_copies")


__all__ = ["build", "scaled_copies_of"]
