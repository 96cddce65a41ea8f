"""The learning-rate sweep: the rate rises step by step, and the loss shows where it is best."""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rnnts.learning.descent import Descent
from rnnts.learning.recipe import Recipe, recipe_for
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import FloatArray
from rnnts.windows.windowset import WindowSet

LOWEST, HIGHEST = 1e-5, 1.0
SMOOTHING = 0.9
"""Share of the past in the running mean of the loss: one batch is noisy."""
DIVERGED = 4.0
"""The sweep ends where the running loss is this many times its lowest."""
BEFORE_WORST = 10.0
"""The rate picked lies this factor below the one of the lowest loss, where it still falls."""


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a sweep has seen, for a picture, and the rate it picks."""

    rates: FloatArray  # rising, [steps]
    losses: FloatArray  # of each step's batch, [steps]
    smooth: FloatArray  # their running mean, [steps]
    rate: float


def sweep_rates(
    config: NetworkConfig,
    windowset: WindowSet,
    *,
    steps: int = 200,
    seed: int = 0,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    recipe: Recipe | None = None,
) -> Sweep:
    """Train once while the rate rises exponentially, and pick a rate.

    The sweep ends early where the loss has diverged: that is what it looks for.

    Source:
        Smith 2017, "Cyclical learning rates", section 3.3.
    """
    recipe = recipe or recipe_for(config, steps)
    descent = Descent(config, windowset, seed, recipe, None)
    rates = np.geomspace(lowest, highest, steps)
    stream = descent.stream(0)
    losses: list[float] = []
    running, weight, smooth = 0.0, 0.0, []
    for rate in rates:
        descent.optimizer.learning_rate = rate
        losses.append(float(descent.run(stream, tf.constant(1))))
        running = SMOOTHING * running + (1 - SMOOTHING) * losses[-1]
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        smooth.append(running / weight)
        if not math.isfinite(running) or smooth[-1] > DIVERGED * min(smooth):
            break
    seen = rates[: len(losses)]
    return Sweep(seen, np.array(losses), np.array(smooth), pick_rate(seen, np.array(smooth)))


def pick_rate(rates: FloatArray, smooth: FloatArray) -> float:
    """A tenth of the rate at which the running loss was lowest.

    >>> pick_rate(np.array([0.01, 0.1, 1.0]), np.array([3.0, 1.0, float("nan")]))
    0.01
    """
    return float(rates[int(np.nanargmin(smooth))] / BEFORE_WORST)
