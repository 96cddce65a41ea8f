"""How a network is trained: what nobody has to set, with what each was measured at."""

from dataclasses import dataclass, replace

from rnnts.networks.config import NetworkConfig


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of a training, the same for every panel."""

    batch: int = 256  # windows
    rate: float = 3e-3  # highest learning rate, of Adam
    warmup: float = 0.05  # share of the steps in which the rate rises from 0
    averaging: float = 0.1  # share of the steps over which weights are averaged
    mixing: float = 0.5  # largest share of another window that is mixed into one
    invented: float = 0.5  # share of a batch that is windows of invented series, at most
    passes: float = 3.0  # over a panel's windows, 24 a season; what is left is for invented ones
    clip: float = 1.0  # global norm of the gradient
    evaluations: int = 20  # of the calibration part; each also writes a checkpoint
    refit: float = 1.0  # steps on what was held out too, at most, as a part of those before
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
    unlike = windows * PER_SEASON / season
    left = 1 - recipe.passes * unlike / (steps * recipe.batch)
    return int(min(max(left, 0.0), recipe.invented) * recipe.batch)


PER_SEASON = 24
"""What the hours of a day are, of which passes were measured."""


def recipe_for(config: NetworkConfig, steps: int | None = None) -> Recipe:
    """The recipe of a network: that of its architecture, at its own learning rate if it has one.

    Args:
        config: The network.
        steps: Of the training; None: not known yet, and many.
    """
    patched = config.architecture == "patched_lstm"
    recipe = (
        Recipe() if patched else Recipe(batch=128, rate=2e-3, mixing=0.0, invented=0.0, refit=0.0)
    )
    recipe = replace(recipe, fused=steps is None or steps >= FUSED_FROM)
    return recipe if config.rate is None else replace(recipe, rate=config.rate)
