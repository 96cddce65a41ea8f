"""How many steps fit into a time, and how many windows each of them should have."""

from dataclasses import dataclass

from rnnts.learning.fit import measure_step_seconds
from rnnts.learning.recipe import Recipe, full_batch, fuller, recipe_for
from rnnts.networks.config import NetworkConfig
from rnnts.windows.pipeline import window_count
from rnnts.windows.windowset import WindowSet


@dataclass(frozen=True, slots=True)
class Pace:
    """A training that takes a given time."""

    steps: int
    step_seconds: float  # of the usual batch as measured, of a fuller one as reckoned from it
    batch: int | None  # windows of a step; None: as many as ever


def pace_for(config: NetworkConfig, windowset: WindowSet, seconds: float) -> Pace:
    """Steps of a first training that leaves of so many seconds what the second one takes.

    Args:
        config: What to train.
        windowset: What to train on.
        seconds: For both trainings.
    """
    recipe = recipe_for(config)
    seconds /= 1 + recipe.refit
    step_seconds = measure_step_seconds(config, windowset, recipe=recipe)
    batch = full_batch(
        recipe,
        seconds / step_seconds,
        window_count(windowset),
        season=windowset.season,
        horizon=windowset.horizon,
    )
    if batch == recipe.batch:
        return Pace(int(seconds / step_seconds), step_seconds, None)
    step_seconds *= 1 + FURTHER * (batch / recipe.batch - 1)
    return Pace(int(seconds / step_seconds), step_seconds, batch)


FURTHER = 0.6
"""Time that as many windows again add to a step, as a part of that of the first ones: 0.7 and 0.6
measured on M4 Hourly for twice and four times as many. To measure the fuller step each time would
compile a network for nothing, since a training moves its end once it knows its own speed."""


def recipe_at(config: NetworkConfig, steps: int, batch: int | None) -> Recipe:
    """The recipe of a training at such a pace."""
    recipe = recipe_for(config, steps)
    return recipe if batch is None else fuller(recipe, config, batch)
