"""Small networks and inputs for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnnts.networks.config import NetworkConfig
from rnnts.windows.clock import record_steps

Inputs = dict[str, np.ndarray]


@pytest.fixture
def small() -> Callable[..., NetworkConfig]:
    def make(**changes: object) -> NetworkConfig:
        settings: dict[str, Any] = {
            "window": 12,
            "horizon": 5,
            "seasons": ((3, 2, 0), (6, 1, 0)),
            "units": 4,
            "levels": (0.1, 0.5, 0.9),
        }
        return NetworkConfig(**(settings | changes))

    return make


@pytest.fixture
def inputs_for() -> Callable[..., Inputs]:
    def make(config: NetworkConfig, rows: int = 3, window: int | None = None) -> Inputs:
        """Random inputs whose bases are values of the window."""
        random = np.random.default_rng(0)
        window = window or config.window
        values = random.normal(100, 10, (rows, window))
        bases = random.choice(values.ravel(), (rows, config.horizon, config.bases))
        return {
            "values": values,
            "before": random.normal(100, 10, (rows, record_steps(config.seasons))),
            "bases": bases,
            "known_future": random.normal(size=(rows, config.horizon, config.known_future)),
            "past": random.normal(size=(rows, window, config.past)),
            "static": np.abs(random.normal(size=(rows, config.static))),
        }

    return make
