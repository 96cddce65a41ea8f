"""How a network is trained: what nobody has to set, with what each was measured at."""

import math
from dataclasses import dataclass, replace

from rnnts.networks.config import NetworkConfig


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of a training, the same for every panel."""

    batch: int = 256  # windows
    most: int = 1_024  # of a batch, where time allows
    rate: float = 3e-3  # highest learning rate, of Adam
    warmup: float = 0.05  # share of the steps in which the rate rises from 0
    averaging: float = 0.1  # share of the steps over which weights are averaged
    mixing: float = 0.5  # largest share of another window that is mixed into one
    invented: float = 0.5  # share of a batch that is windows of invented series, at most
    passes: float = 3.0  # over a panel's windows, 24 a season; what is left is for invented ones
    clip: float = 1.0  # global norm of the gradient
    evaluations: int = 20  # of the calibration part; each also writes a checkpoint
    refit: float = 1.0  # steps on what was held out too, at most, as a part of those before
    newest: float = 0.85  # share of their weights in those that serve; the others are the first's
    fused: bool = True  # whether chains of small operations are compiled into kernels


FUSED_FROM = 500
"""Steps that repay the compiling of kernels: some 4 s, against a quarter of each step."""


def invented_rows(recipe: Recipe, steps: int, windows: int, season: int) -> int:
    """How many windows of a batch are of invented series.

    A training that has time for a few passes over the panel has none; what a longer one has left
    goes to them, since it would learn the panel's days by heart. Windows five minutes apart are
    nearly the same: a season counts as PER_SEASON windows, however many steps it has.

    Args:
        recipe: With the batch as it will be.
        steps: Planned.
        windows: Of the panel, for training.
        season: Steps of the first season.
    """
    left = 1 - recipe.passes * _unlike(windows, season) / (steps * recipe.batch)
    return int(min(max(left, 0.0), recipe.invented) * recipe.batch)


def _unlike(windows: int, season: int) -> float:
    """As many windows as tell a network something of their own."""
    return windows * PER_SEASON / season


PER_SEASON = 24
"""What the hours of a day are, of which passes were measured."""
ENOUGH_STEPS = 1_000
"""Steps that a training keeps, however full they become."""
BATCHES = 64
"""Batches that a pass over a panel's windows keeps, counted as in `invented_rows`."""
MOST_TARGETS = 100_000
"""Targets of a batch that has grown: what each made the network compute is kept for the gradient.
M4 Hourly, 48 hours ahead, takes 1.18 GB with batches of 256 and 1.45 GB with 1,024."""
RATE_OF_TWICE = 1 / 3
"""By how much of it the learning rate rises with each doubling of a batch."""


def full_batch(recipe: Recipe, steps: float, windows: int, *, season: int, horizon: int) -> int:
    """Windows of a batch, where there is time for so many steps of the usual one.

    A step of 1,024 windows takes 2.8 times as long as one of 256: where there is time for many
    steps, fewer and fuller ones see more in the same minutes.

    Args:
        recipe: With the usual batch.
        steps: Of it, that fit.
        windows: Of the panel, for training.
        season: Steps of the first season.
        horizon: Targets of a window.

    >>> hours = {"windows": 10**6, "season": 24, "horizon": 48}
    >>> [full_batch(Recipe(), steps, **hours) for steps in (1_999, 2_000, 4_000, 99_000)]
    [256, 512, 1024, 1024]
    """
    batch, unlike = recipe.batch, _unlike(windows, season)
    while (
        2 * batch <= recipe.most
        and steps * recipe.batch >= ENOUGH_STEPS * 2 * batch
        and unlike >= BATCHES * 2 * batch
        and 2 * batch * horizon <= MOST_TARGETS
    ):
        batch *= 2
    return batch


def fuller(recipe: Recipe, config: NetworkConfig, batch: int) -> Recipe:
    """The recipe with another batch, and the learning rate that goes with it.

    A network that says its own rate keeps it.
    """
    times = 1 + RATE_OF_TWICE * math.log2(batch / recipe.batch)
    rate = recipe.rate * times if config.rate is None else config.rate
    return replace(recipe, batch=batch, rate=rate)


def recipe_for(config: NetworkConfig, steps: int | None = None) -> Recipe:
    """The recipe of a network: that of its architecture, at its own learning rate if it has one.

    Args:
        config: The network.
        steps: Of the training; None: not known yet, and many.
    """
    patched = config.architecture == "patched_lstm"
    recipe = (
        Recipe()
        if patched
        else Recipe(batch=128, most=128, rate=2e-3, mixing=0.0, invented=0.0, refit=0.0)
    )
    recipe = replace(recipe, fused=steps is None or steps >= FUSED_FROM)
    return recipe if config.rate is None else replace(recipe, rate=config.rate)
