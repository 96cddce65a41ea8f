"""Training: a counted number of steps, the best weights kept, a divergence told, not raised."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from rnnts.failpoints import hit
from rnnts.learning import checkpoints
from rnnts.learning.losses import LOSSES
from rnnts.learning.mixing import mix
from rnnts.learning.recipe import Recipe, recipe_for
from rnnts.networks.build import build, copies_of
from rnnts.networks.config import NetworkConfig
from rnnts.windows.pipeline import Batch, batches, window_count
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
    seconds_limit: float | None = None,
) -> Outcome:
    """Train a network for `steps` steps and give back its best weights.

    Guarantees: equal arguments give equal weights on the same machine, interrupted or not, unless
    `seconds_limit` ended it.

    Args:
        config: What to train.
        windowset: What to train on; its calibration part chooses the best weights.
        steps: Optimiser steps; the learning rate falls to 0 over them.
        seed: Of weights, order of windows, dropout and mixing.
        recipe: Default: that of the architecture.
        on_progress: Told after every few steps.
        checkpoint_dir: Where checkpoints stand; none are written without it.
        resume: Whether a checkpoint found there is taken up.
        seconds_limit: When to stop early with the best weights so far.
    """
    recipe = recipe or recipe_for(config.architecture)
    training = _Training(config, windowset, steps, seed, recipe)
    return _Loop(training, on_progress, checkpoint_dir, seconds_limit).run(resume=resume)


CHUNK = 10
"""Steps in one call into the graph: Python, progress and the check for NaN cost nothing."""


class _Training:
    """A network, its optimiser and its compiled steps."""

    def __init__(
        self, config: NetworkConfig, windowset: WindowSet, steps: int, seed: int, recipe: Recipe
    ) -> None:
        keras.utils.set_random_seed(seed)
        batch = max(1, min(recipe.batch, window_count(windowset)))
        self.config, self.windowset, self.steps, self.seed = config, windowset, steps, seed
        self.recipe = replace(recipe, batch=batch)
        self.model = build(config)
        self.copies = copies_of(self.model)
        self.optimizer = keras.optimizers.Adam(
            rate_schedule(recipe, steps), global_clipnorm=recipe.clip
        )
        self.optimizer.build(self.model.trainable_variables)
        self.loss = LOSSES[config.loss]
        self.held_out = _held_out(windowset)
        self.fingerprint = self._fingerprint()

    @property
    def variables(self) -> list[Any]:
        """Everything that a step changes."""
        return [*self.model.variables, *self.optimizer.variables]

    def _fingerprint(self) -> str:
        """Tells one training from another."""
        told = (self.config.model_dump_json(), self.steps, self.seed, asdict(self.recipe))
        digest = hashlib.sha256(repr(told).encode())
        digest.update(self.windowset.values.tobytes())
        return digest.hexdigest()

    def stream(self, start: int) -> Any:
        """Batches from step `start` on."""
        return iter(batches(self.windowset, self.recipe.batch, self.seed, start=start))

    @tf.function(reduce_retracing=True)
    def run(self, stream: Any, count: Tensor) -> Tensor:
        """The mean loss of the next `count` steps."""
        total = tf.zeros([])
        for _ in tf.range(count):
            total += self._step(next(stream))
        return total / tf.cast(count, tf.float32)

    def _step(self, batch: Batch) -> Tensor:
        inputs, targets, weights = batch
        if self.recipe.mixing > 0 and self.config.scale == "window":
            seed = tf.stack(
                [tf.cast(self.seed, tf.int64), tf.cast(self.optimizer.iterations, tf.int64)]
            )
            inputs, targets, weights = mix(batch, self.recipe.mixing, seed)
        with tf.GradientTape() as tape:
            loss = self._loss(self.copies(inputs, training=True), inputs, targets, weights)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _loss(self, copies: Tensor, inputs: Any, targets: Tensor, weights: Tensor) -> Tensor:
        """The mean loss over the copies [batch, copies, horizon, quantiles]."""
        wanted = self._targets_of_copies(inputs, targets)  # [batch, copies, horizon]
        shape = tf.shape(copies)
        rows = tf.reshape(copies, [-1, shape[2], shape[3]])
        wanted = tf.reshape(wanted, [-1, shape[2]])
        return self.loss(wanted, rows, tf.repeat(weights, shape[1]), self.config.levels)

    def _targets_of_copies(self, inputs: Any, targets: Tensor) -> Tensor:
        """Members all forecast the targets; each step of a sequence what follows that step."""
        if self.config.architecture != "sequence_to_sequence":
            return tf.repeat(targets[:, None, :], self.config.members, axis=1)
        after = tf.concat([inputs["values"][:, 1:], targets], axis=1)
        return tf.signal.frame(after, self.config.horizon, 1)  # [batch, window, horizon]

    def evaluate(self) -> float:
        """The loss of the calibration part, of the forecast itself."""
        if not self.held_out:
            return math.nan
        losses = [self._evaluate(*batch).numpy() for batch in self.held_out]
        return float(np.mean(losses))

    @tf.function(reduce_retracing=True)
    def _evaluate(self, inputs: Any, targets: Tensor, weights: Tensor) -> Tensor:
        return self.loss(targets, self.model(inputs, training=False), weights, self.config.levels)


MOST_HELD_OUT = 4096
"""Windows of the calibration part that are looked at; more cost time and tell no more."""


def _held_out(windowset: WindowSet) -> list[Batch]:
    """A fixed even sample of the calibration part, in batches."""
    total = int(windowset.counts("calibration").sum())
    every = max(1, -(-total // MOST_HELD_OUT))
    rows = batches(windowset, 512, 0, "calibration")
    if every > 1:
        rows = rows.unbatch().shard(every, 0).batch(512)
    return list(rows)


def rate_schedule(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A linear rise, then a cosine fall to 0 at the last step."""
    warmup = max(1, round(recipe.warmup * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.rate / warmup,
        decay_steps=max(1, steps - warmup),
        warmup_target=recipe.rate,
        warmup_steps=warmup,
    )


class _Loop:
    """Runs a training step by step until it is done, has diverged or is out of time."""

    def __init__(
        self,
        training: _Training,
        on_progress: Callable[[Progress], None] | None,
        folder: Path | None,
        seconds_limit: float | None,
    ) -> None:
        self.training = training
        self.tell = on_progress or (lambda _progress: None)
        self.folder = folder
        self.limit = math.inf if seconds_limit is None else seconds_limit
        self.began = perf_counter()
        self.state = checkpoints.State()

    def run(self, *, resume: bool) -> Outcome:
        """Train to the end."""
        if self.folder and resume:
            fingerprint = self.training.fingerprint
            self.state = checkpoints.read(self.folder, fingerprint, self.training.variables)
        stream = self.training.stream(self.state.step)
        every = max(1, self.training.steps // self.training.recipe.evaluations)
        while self.state.step < self.training.steps:
            losses = self._until(min(self._next(every), self.training.steps), stream)
            if not math.isfinite(losses):
                return self._outcome("diverged", f"the loss became {losses} {self._where()}")
            self._keep_best(losses)
            if self._seconds() > self.limit:
                return self._outcome("trained", f"out of time {self._where()}")
        return self._outcome("trained")

    def _next(self, every: int) -> int:
        return (self.state.step // every + 1) * every

    def _until(self, step: int, stream: Any) -> float:
        """The mean loss of the steps up to `step`."""
        total, began = 0.0, self.state.step
        held = self.state.curve[-1][2] if self.state.curve else math.nan
        while self.state.step < step:
            count = min(CHUNK, step - self.state.step)
            loss = float(self.training.run(stream, tf.constant(count)))
            self.state.step += count
            total += loss * count
            self.tell(Progress(self.state.step, self.training.steps, self._seconds(), loss, held))
            if not math.isfinite(loss) or self._seconds() > self.limit:
                break
        return total / (self.state.step - began)

    def _keep_best(self, loss: float) -> None:
        held = self.training.evaluate()
        state = self.state
        state.curve.append((state.step, loss, held))
        if not state.best or not held >= state.best_loss:  # without a calibration part: the last
            state.best = self.training.model.get_weights()
            state.best_loss, state.best_step = held, state.step
        if self.folder:
            variables = self.training.variables
            checkpoints.write(self.folder, self.training.fingerprint, state, variables)
        hit("train.epoch_end")

    def _outcome(self, status: Literal["trained", "diverged"], reason: str = "") -> Outcome:
        state = self.state
        if state.best:
            self.training.model.set_weights(state.best)
        known = bool(state.best) and math.isfinite(state.best_loss)
        return Outcome(
            status=status,
            model=self.training.model,
            steps=state.step,
            seconds=self._seconds(),
            validation_loss=state.best_loss if known else None,
            best_step=state.best_step,
            curve=tuple(state.curve),
            reason=reason,
        )

    def _where(self) -> str:
        return f"at step {self.state.step} of {self.training.steps}"

    def _seconds(self) -> float:
        return perf_counter() - self.began


MEASURED = 30
"""Steps that are timed."""


def measure_step_seconds(
    config: NetworkConfig, windowset: WindowSet, *, recipe: Recipe | None = None
) -> float:
    """Seconds that a step takes here, a share of the evaluations included; compiling is not.

    Trains a network of its own for a moment, and throws it away.
    """
    recipe = recipe or recipe_for(config.architecture)
    training = _Training(config, windowset, 1000, 0, recipe)
    stream = training.stream(0)
    training.run(stream, tf.constant(2))
    training.evaluate()
    began = perf_counter()
    training.run(stream, tf.constant(MEASURED))
    middle = perf_counter()
    training.evaluate()
    evaluation = perf_counter() - middle
    return (middle - began) / MEASURED + evaluation / LEAST_BETWEEN


LEAST_BETWEEN = 100
"""Steps between evaluations in trainings long enough for a budget to matter."""
