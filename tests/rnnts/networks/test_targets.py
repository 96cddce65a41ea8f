from collections.abc import Callable

import numpy as np
import pytest

from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.networks.patches import MAX_ROWS
from tests.rnnts.networks.test_build import with_weights

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
Inputs = dict[str, np.ndarray]
InputsFor = Callable[..., Inputs]


def weights_of_targets(horizon: int) -> int:
    config = NetworkConfig(window=24, horizon=horizon, seasons=((6, 3, 0),), units=4)
    layers = build(config).layers
    return sum(one.count_params() for one in layers if one.name.startswith("member_0_targets"))


def test_the_layer_of_all_targets_is_one_whatever_the_horizon() -> None:
    assert weights_of_targets(2) == weights_of_targets(7) == weights_of_targets(2 * MAX_ROWS) > 0


def test_it_tells_targets_apart_by_their_bases_alone(inputs_for: InputsFor) -> None:
    config = NetworkConfig(window=24, horizon=6, seasons=((6, 3, 0),), units=4)
    model = build(config)
    for layer in model.layers:
        if layer.name.startswith("member_0_targets"):
            with_weights(layer)
    inputs = inputs_for(config, rows=1)
    inputs["bases"][:, 4] = inputs["bases"][:, 1]
    forecast = model(inputs).numpy()[0]
    np.testing.assert_array_equal(forecast[4], forecast[1])
    away = np.abs(np.diff(np.delete(forecast, 4, axis=0), axis=0)).max(axis=1)
    assert (away > 0).all()
