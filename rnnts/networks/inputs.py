"""The inputs and the scaling that every network shares."""

from typing import Any

import keras
from keras.layers import Lambda

from rnnts.networks import lambdas, patches
from rnnts.networks.config import NetworkConfig
from rnnts.panels.covariates import Features
from rnnts.windows.clock import record_steps

Tensor = Any


def input_layers(config: NetworkConfig) -> dict[str, Tensor]:
    """The named dict of inputs, float64; the window of a course's stack has any length."""
    steps = config.window if config.architecture == "patched_lstm" else None
    shapes = {
        "values": (steps,),
        "before": (record_steps(config.seasons),),
        "bases": (config.horizon, config.bases),
        "known_future": (config.horizon, config.known_future),
        "past": (steps, config.past),
        "static": (config.static,),
    }
    if config.covariates is not None:
        shapes |= _covariate_shapes(config, config.covariates)
    return {name: keras.Input(shape, dtype="float64", name=name) for name, shape in shapes.items()}


def _covariate_shapes(config: NetworkConfig, features: Features) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs that covariates have, by name."""
    known = len(features.known_future) + features.calendar
    return {
        "known_future": (config.window + config.horizon, known),
        "past": (config.window, len(features.past)),
        "static": (config.static + len(features.static),),
    }


def exact(function: Any, name: str, **arguments: Any) -> Lambda:
    """A Lambda layer over float64."""
    return Lambda(function, arguments=arguments, dtype="float64", name=name)


def plain(function: Any, name: str, **arguments: Any) -> Lambda:
    """A Lambda layer over float32."""
    return Lambda(function, arguments=arguments, dtype="float32", name=name)


def scale_state(config: NetworkConfig, inputs: dict[str, Tensor]) -> Tensor:
    """Centre and spread by which the network scales, float64, [batch, 2]."""
    if config.scale == "series":
        return exact(lambdas.series_scale, "scale_state")(inputs["static"])
    if config.scale == "constant":
        layer = exact(lambdas.constant_scale, "scale_state", constant=config.constant)
        return layer(inputs["values"])
    if config.architecture == "patched_lstm":
        season = max(1, min(config.season, config.window // FEWEST_SEASONS))
        return exact(patches.season_scale, "scale_state", season=season)(inputs["values"])
    return exact(lambdas.window_scale, "scale_state")(inputs["values"])


FEWEST_SEASONS = 8
"""Parts of a window whose means have a median worth the name; a longer season is cut."""
