"""The course's stacks: any window length in, [batch, horizon, quantiles] out."""

from typing import Any

from keras import layers

from rnnts.networks import lambdas
from rnnts.networks.config import NetworkConfig
from rnnts.networks.inputs import exact, plain

Tensor = Any


def recurrent_forecast(config: NetworkConfig, inputs: dict[str, Tensor], state: Tensor) -> Tensor:
    """Scaled forecasts of a recurrent stack, [batch, copies, horizon, quantiles].

    There is one copy, except that `sequence_to_sequence` forecasts from every step of its window:
    [batch, window, horizon, quantiles].
    """
    window = exact(lambdas.expand_dims, "expand_dims")(inputs["values"])  # [batch, window, 1]
    scaled = plain(lambdas.fill, "fill")(exact(lambdas.scale, "scale")([window, state]))
    every_step = config.architecture == "sequence_to_sequence"
    states = _stack(config, scaled, every_step)  # [batch, units] or [batch, window, units]
    copies = -1 if every_step else 1
    return _head(config, states, copies)


def _stack(config: NetworkConfig, scaled: Tensor, every_step: bool) -> Tensor:  # noqa: FBT001 - Keras' own word return_sequences
    states = scaled
    for place in range(config.layers):
        sequences = every_step or place < config.layers - 1
        layer = _layer(config, sequences, place)
        states = layer(states)
    return states


def _layer(config: NetworkConfig, sequences: bool, place: int) -> Any:  # noqa: FBT001 - the same
    name = f"recurrent_{place}"
    kind = layers.SimpleRNN if config.architecture == "simple_rnn" else layers.LSTM
    layer = kind(config.units, return_sequences=sequences, dropout=config.dropout, name=name)
    if config.architecture == "bidirectional_lstm":
        return layers.Bidirectional(layer, name=f"both_ways_{place}")
    return layer


def _head(config: NetworkConfig, states: Tensor, copies: int) -> Tensor:
    shape = (copies, config.horizon)
    median = layers.Reshape(shape, name="medians")(layers.Dense(config.horizon)(states))
    if len(config.levels) == 1:
        return plain(lambdas.expand_dims, "quantiles")(median)
    # From zeros: the Huber loss trains no gap, and calibration takes equal ones as they are
    width = config.horizon * (len(config.levels) - 1)
    gaps = layers.Dense(width, kernel_initializer="zeros", name="raw_gaps")(states)
    gaps = layers.Reshape((*shape, len(config.levels) - 1), name="gaps")(gaps)
    return plain(lambdas.quantiles, "quantiles", middle=config.middle)([median, gaps])
