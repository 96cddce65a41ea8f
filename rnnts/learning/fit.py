"""Training: a counted number of steps, the best weights kept, a divergence told, not raised."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from rnnts.failpoints import hit
from rnnts.learning import checkpoints
from rnnts.learning.descent import Descent
from rnnts.learning.recipe import Recipe, recipe_for
from rnnts.networks.config import NetworkConfig
from rnnts.networks.weights import give
from rnnts.panels.arrays import AnyArray
from rnnts.windows.windowset import WindowSet

Tensor = Any


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands."""

    step: int
    steps: int
    seconds: float
    loss: float  # of training, mean since the last report
    validation_loss: float  # of the calibration part; NaN before the first evaluation


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How a training ended; `model` holds the best weights of the calibration part."""

    status: Literal["trained", "diverged"]
    model: keras.Model
    steps: int  # done
    seconds: float  # of this process, compiling included
    validation_loss: float | None  # at the best weights; None if never evaluated
    best_step: int
    curve: tuple[tuple[int, float, float], ...]  # (step, training loss, calibration loss)
    reason: str = ""  # of a divergence, or of an early end


def fit(  # noqa: PLR0913 - what is trained, how long, and where it reports to
    config: NetworkConfig,
    windowset: WindowSet,
    *,
    steps: int,
    seed: int = 0,
    recipe: Recipe | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    checkpoint_dir: Path | None = None,
    resume: bool = True,
    seconds: float | None = None,
    longer: bool = True,
    start: Sequence[AnyArray] | None = None,
) -> Outcome:
    """Train a network for `steps` steps and give back its best weights.

    Guarantees: equal arguments give equal weights on the same machine, interrupted or not, unless
    `seconds` moved its end.

    Args:
        config: What to train.
        windowset: What to train on; its calibration part chooses the best weights, and without one
            the last are the best.
        steps: Optimiser steps; the learning rate falls to 0 over them.
        seed: Of weights, order of windows, dropout and mixing.
        recipe: Default: that of the architecture.
        on_progress: Told after every few steps.
        checkpoint_dir: Where checkpoints stand; none are written without it.
        resume: Whether a checkpoint found there is taken up.
        seconds: To end after; the schedule is stretched or shortened as its speed becomes known,
            and a training far beyond them ends with its best weights so far. Those before an
            interruption count.
        longer: Whether time that is left makes it longer than `steps`, not only shorter.
        start: Trainable weights to begin with; default: random ones.
    """
    began = perf_counter()  # building a network and inventing series cost seconds too
    recipe = recipe or recipe_for(config, steps)
    descent = Descent(config, windowset, seed, recipe, steps)
    if start is not None:
        descent.begin_with(start)
    descent.span.assign(max(1.0, min(recipe.averaging * steps, MOST_AVERAGED)))
    loop = _Loop(descent, steps, on_progress, checkpoint_dir, seconds, began, longer=longer)
    return loop.run(resume=resume)


MOST_AVERAGED = 500
"""Steps over which weights are averaged at most."""
OVERRUN = 1.04
"""Part of the budget after which a training ends with its best weights so far."""
LEAST_MOVE = 0.005
"""The end moves only by a larger part of the steps than this: a plan that holds is left alone."""
CHUNK = 10
"""Steps in one call into the graph: Python, progress and the check for NaN cost nothing."""


class _Loop:
    """Runs a training step by step until it is done, has diverged or is out of time."""

    def __init__(
        self,
        descent: Descent,
        steps: int,
        on_progress: Callable[[Progress], None] | None,
        folder: Path | None,
        seconds: float | None,
        began: float,
        *,
        longer: bool,
    ) -> None:
        self.descent = descent
        self.steps = steps
        self.tell = on_progress or (lambda _progress: None)
        self.folder = folder
        self.budget = math.inf if seconds is None else seconds
        self.began = began
        self.before = 0.0  # seconds of former processes
        self.most_steps = math.inf if longer else steps  # however much time is left
        self.reported: tuple[int, float] | None = None  # step and seconds of the last report
        self.state = checkpoints.State()

    def run(self, *, resume: bool) -> Outcome:
        """Train to the end."""
        every = max(1, self.steps // self.descent.recipe.evaluations)
        self.fingerprint = self.descent.fingerprint(self.steps) if self.folder else ""
        if self.folder and resume:
            self.state = checkpoints.read(self.folder, self.fingerprint, self.descent.variables)
        self.before = self.state.seconds
        self.steps = int(self.descent.end)
        stream = self.descent.stream(self.state.step)
        while self.state.step < self.steps:
            loss = self._until(min(self._next(every), self.steps), stream)
            weights = self.descent.average_weights()
            if not math.isfinite(loss):
                return self._outcome("diverged", f"the loss became {loss} {self._where()}")
            if not all(np.isfinite(weight).all() for weight in weights):
                return self._outcome("diverged", f"a weight became nan {self._where()}")
            self._keep_best(loss, weights)
            if self._seconds() > OVERRUN * self.budget:
                return self._outcome("trained", f"out of time {self._where()}")
            self._move_end()
        return self._outcome("trained")

    def _next(self, every: int) -> int:
        return (self.state.step // every + 1) * every

    def _until(self, step: int, stream: Any) -> float:
        """The mean loss of the steps up to `step`."""
        total, began = 0.0, self.state.step
        held = self.state.curve[-1][2] if self.state.curve else math.nan
        while self.state.step < step:
            count = min(CHUNK, step - self.state.step)
            loss = float(self.descent.run(stream, tf.constant(count)))
            self.state.step += count
            total += loss * count
            self.tell(Progress(self.state.step, self.steps, self._seconds(), loss, held))
            if not math.isfinite(loss) or self._seconds() > OVERRUN * self.budget:
                break
        return total / (self.state.step - began)

    def _move_end(self) -> None:
        """End when the budget does, at the speed since the last report.

        The first stretch of a process says nothing of its speed: compiling is in it.
        """
        before, self.reported = self.reported, (self.state.step, self._seconds())
        if before is None or math.isinf(self.budget) or self.state.step >= self.steps:
            return
        step_seconds = (self.reported[1] - before[1]) / (self.reported[0] - before[0])
        end = self.state.step + max(1, int((self.budget - self.reported[1]) / step_seconds))
        end = int(min(end, self.most_steps))
        if abs(end - self.steps) > LEAST_MOVE * self.steps:
            self.steps = end
            self.descent.end.assign(end)

    def _keep_best(self, loss: float, weights: list[AnyArray]) -> None:
        held = self.descent.evaluate(weights)
        state = self.state
        state.curve.append((state.step, loss, held))
        if not held >= state.best_loss:  # NaN, without a calibration part: the last are the best
            state.best, state.best_loss, state.best_step = weights, held, state.step
        if self.folder:
            variables = self.descent.variables
            state.seconds = self._seconds()
            checkpoints.write(self.folder, self.fingerprint, state, variables)
        hit("train.epoch_end")

    def _outcome(self, status: Literal["trained", "diverged"], reason: str = "") -> Outcome:
        state = self.state
        if state.best:
            give(self.descent.model, state.best)
        known = bool(state.best) and math.isfinite(state.best_loss)
        return Outcome(
            status=status,
            model=self.descent.model,
            steps=state.step,
            seconds=self._seconds(),
            validation_loss=state.best_loss if known else None,
            best_step=state.best_step,
            curve=tuple(state.curve),
            reason=reason,
        )

    def _where(self) -> str:
        return f"at step {self.state.step} of {self.steps}"

    def _seconds(self) -> float:
        return self.before + perf_counter() - self.began


MEASURED = 30
"""Steps that are timed."""


def measure_step_seconds(
    config: NetworkConfig, windowset: WindowSet, *, recipe: Recipe | None = None
) -> float:
    """Seconds that a step takes here, a share of the evaluations included; compiling is not.

    Trains a network of its own for a moment, and throws it away.
    """
    recipe = recipe or recipe_for(config)
    descent = Descent(config, windowset, 0, recipe, None)
    stream = descent.stream(0)
    descent.run(stream, tf.constant(2))
    weights = descent.average_weights()
    descent.evaluate(weights)
    began = perf_counter()
    descent.run(stream, tf.constant(MEASURED))
    middle = perf_counter()
    descent.evaluate(weights)
    evaluation = perf_counter() - middle
    return (middle - began) / MEASURED + evaluation / LEAST_BETWEEN


LEAST_BETWEEN = 100
"""Steps between evaluations in trainings long enough for a budget to matter."""
