"""A network trained on, once its weights are chosen, with what was held out.

The newest days decide what tomorrow looks like, and they are the ones that training is not shown:
the calibration part chooses the weights and the gate scores them. A copy of the network reads these
days too, and that is the one that serves. Nothing is held out then that could say when to stop. So
it takes as many steps as the first training, but no more than BEST_TIMES those after which that was
best: a long training of a single short series is best after a tenth of its steps, and learns by
heart from then on.

What serves lies on the line between both trainings' weights, `Recipe.newest` of the way to the
second's: the newest days weigh much in it, and what was learnt before them is not gone.

Source:
    Wortsman et al. 2022, Robust fine-tuning of zero-shot models, section 3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from rnnts.learning.descent import held_out
from rnnts.learning.fit import Outcome, Progress, fit
from rnnts.learning.losses import LOSSES
from rnnts.learning.predict import predict_blocks
from rnnts.learning.recipe import Recipe
from rnnts.networks.config import NetworkConfig
from rnnts.networks.weights import between, give, lent, weights_of
from rnnts.windows.windowset import WindowSet

BEST_TIMES = 2.0
"""Steps beyond those of the best weights: once is too few where panels are large."""
FEWEST_STEPS = 30
"""Fewer than these are not worth a second graph."""
ASTRAY = 1.02
"""A loss so many times the one before, on windows that were trained on meanwhile, is a failure;
less happens where there was nothing to learn."""


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """How the second training went; `model` is None where the first one's is to serve."""

    model: Any  # keras.Model
    steps: int  # done
    planned: int
    seconds: float
    before: float  # loss on the gate's windows, of the first training's weights
    after: float  # the same of those that would serve
    reason: str = ""  # why there is no model

    def to_json(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {
            "steps": self.steps,
            "planned": self.planned,
            "seconds": self.seconds,
            "loss_before": self.before if np.isfinite(self.before) else None,
            "loss_after": self.after if np.isfinite(self.after) else None,
            "reason": self.reason,
        }


def refit(  # noqa: PLR0913 - what is trained, from where, how long, and where it reports to
    config: NetworkConfig,
    windowset: WindowSet,
    first: Outcome,
    *,
    recipe: Recipe,
    seed: int,
    seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    checkpoint_dir: Path | None = None,
) -> Refit | None:
    """Train a network on every window that there is.

    Guarantees: equal arguments give equal weights, as with `fit`. A network that is clearly
    worse on the gate's windows once it was trained on them is not given back.

    Args:
        config: The network.
        windowset: With the parts that `first` was trained by.
        first: The training that chose the weights to begin with.
        recipe: That of the first training.
        seed: Of order, dropout and mixing.
        seconds: To end after at the latest; None: however long it takes.
        on_progress: As in `fit`.
        checkpoint_dir: As in `fit`.

    Returns:
        None where the first training was too short for a second one, or no time is left.
    """
    steps = refit_steps(recipe, first.steps, first.best_step)
    if not steps or (seconds is not None and seconds <= 0):
        return None
    began = perf_counter()
    before = gate_loss(first.model, config, windowset)
    # What compiling the network for that took is time that is gone; to look again takes little.
    left = None if seconds is None else max(0.0, seconds - (perf_counter() - began))
    done = fit(
        config,
        windowset.whole(),
        steps=steps,
        seed=seed,
        recipe=recipe,
        on_progress=on_progress,
        checkpoint_dir=checkpoint_dir,
        seconds=left,
        longer=False,
        start=weights_of(first.model),
    )
    settle(first.model, done.model, recipe)
    with lent(first.model, weights_of(done.model)):
        after = gate_loss(first.model, config, windowset)
    reason = done.reason if done.status == "diverged" else ""
    if not reason and not after <= ASTRAY * before:
        reason = f"its loss on the gate's windows rose from {before:.4g} to {after:.4g}"
    model = None if reason else done.model
    return Refit(model, done.steps, steps, done.seconds, before, after, reason)


def settle(first: Any, second: Any, recipe: Recipe) -> None:
    """Give the second network the weights that serve, on the line from the first one's."""
    give(second, between(weights_of(first), weights_of(second), recipe.newest))


def refit_steps(recipe: Recipe, steps: int, best_step: int) -> int:
    """Steps of the second training after a first one of so many; 0: there is none."""
    planned = int(min(recipe.refit * steps, BEST_TIMES * best_step))
    return planned if planned >= FEWEST_STEPS else 0


def gate_loss(model: Any, config: NetworkConfig, windowset: WindowSet) -> float:
    """The loss on a sample of the gate's windows; NaN where there are none."""
    losses = []
    for inputs, targets, weights in held_out(windowset, "gate"):
        rows = {name: value.numpy() for name, value in inputs.items()}
        forecast = predict_blocks(model, rows)
        losses.append(float(LOSSES[config.loss](targets, forecast, weights, config.levels)))
    return float(np.mean(losses)) if losses else float("nan")
