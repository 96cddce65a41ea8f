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
    clip: float = 1.0  # global norm of the gradient
    evaluations: int = 20  # of the calibration part; each also writes a checkpoint


def recipe_for(config: NetworkConfig) -> Recipe:
    """The recipe of a network: that of its architecture, at its own learning rate if it has one."""
    patched = config.architecture == "patched_lstm"
    recipe = Recipe() if patched else Recipe(batch=128, rate=2e-3, mixing=0.0)
    return recipe if config.rate is None else replace(recipe, rate=config.rate)
