"""A network, its optimiser, and many of their steps in one call into the graph."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnts.learning.invented import invented_windows
from rnnts.learning.losses import LOSSES
from rnnts.learning.mixing import mix
from rnnts.learning.recipe import Recipe, invented_rows
from rnnts.networks import lambdas
from rnnts.networks.build import build, scaled_copies_of
from rnnts.networks.config import NetworkConfig
from rnnts.networks.seeds import draw_from
from rnnts.networks.weights import give, lent
from rnnts.panels.arrays import AnyArray
from rnnts.windows.pipeline import Batch, Beside, batches, window_count
from rnnts.windows.windowset import WindowSet

Tensor = Any


class Descent:
    """A network, its optimiser and its compiled steps."""

    def __init__(
        self,
        config: NetworkConfig,
        windowset: WindowSet,
        seed: int,
        recipe: Recipe,
        steps: int | None,
    ) -> None:
        """Build a network and its optimiser.

        Args:
            config: The network.
            windowset: What it is trained on.
            seed: Of weights, order of windows, dropout and mixing.
            recipe: How it is trained.
            steps: After which the learning rate has risen and fallen; None: it stays as it is set.
        """
        batch = max(1, min(recipe.batch, window_count(windowset)))
        self.config, self.windowset, self.seed = config, windowset, seed
        self.recipe = replace(recipe, batch=batch)
        self.model = build(config)
        draw_from(self.model, seed)
        self.copies = scaled_copies_of(self.model)
        self.optimizer = keras.optimizers.Adam(recipe.rate, global_clipnorm=recipe.clip)
        self.optimizer.build(self.model.trainable_variables)
        self.average = [tf.Variable(variable.value) for variable in self.model.trainable_variables]
        self.span = tf.Variable(1.0)  # steps over which weights are averaged; 1: the newest
        self.scheduled = steps is not None
        self.end = tf.Variable(steps or 0, dtype=tf.int64)  # step at which the rate is 0
        self.progress = tf.Variable(0.0, dtype=tf.float64)  # how much of the schedule is done
        self.loss = LOSSES[config.loss]
        self._loss_of_copies = lambdas.fused(self._loss)
        self.beside = self._practice(steps)
        self.held_out = held_out(windowset, "calibration")
        self.begun_with = ""  # digest of the weights that were given, if any were

    def _practice(self, steps: int | None) -> Beside | None:
        """Windows of invented series, where there is time for them and the network can read them.

        One that scales by series or reads a calendar cannot be told that neither is known.
        """
        if not steps or self.config.scale != "window" or self.windowset.known_future:
            return None
        windowset = self.windowset
        rows = invented_rows(self.recipe, steps, window_count(windowset), windowset.season)
        if not rows:
            return None
        return Beside(invented_windows(windowset, self.seed, rows * steps), rows)

    def begin_with(self, weights: Sequence[AnyArray]) -> None:
        """Begin with these trainable weights, and not with random ones."""
        give(self.model, weights)
        digest = hashlib.sha256()
        for average, weight in zip(self.average, weights, strict=True):
            average.assign(weight)
            digest.update(np.ascontiguousarray(weight).tobytes())
        self.begun_with = digest.hexdigest()

    @property
    def variables(self) -> list[Any]:
        """Everything that a step changes."""
        schedule = [self.end, self.progress]
        return [*self.model.variables, *self.optimizer.variables, *self.average, *schedule]

    def fingerprint(self, steps: int) -> str:
        """Tells one training of `steps` steps from another."""
        told = (self.config.model_dump_json(), steps, self.seed, asdict(self.recipe))
        digest = hashlib.sha256(repr(told).encode())
        digest.update(self.begun_with.encode())
        digest.update(self.windowset.values.tobytes())
        digest.update(str(self.windowset.parts.training_until).encode())
        return digest.hexdigest()

    def stream(self, start: int) -> Any:
        """Batches from step `start` on."""
        return iter(
            batches(
                self.windowset,
                self.recipe.batch,
                self.seed,
                start=start,
                beside=self.beside,
                fused=self.recipe.fused,
            )
        )

    @tf.function(autograph=False, reduce_retracing=True)
    def run(self, stream: Any, count: Tensor) -> Tensor:
        """The mean loss of the next `count` steps."""

        def step(done: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
            return done + 1, total + self._step(stream.get_next())

        start = tf.zeros_like(count), tf.zeros([])
        _, total = tf.while_loop(lambda done, _: done < count, step, start, parallel_iterations=1)
        return total / tf.cast(count, tf.float32)

    def _step(self, batch: Batch) -> Tensor:
        inputs, targets, weights = batch
        with lambdas.fusing(on=self.recipe.fused), tf.GradientTape() as tape:
            if self.recipe.mixing > 0 and self.config.scale == "window":
                seed = tf.stack(
                    [tf.cast(self.seed, tf.int64), tf.cast(self.optimizer.iterations, tf.int64)]
                )
                inputs, targets, weights = mix(
                    batch, self.recipe.mixing, seed, covariates=self.config.covariates is not None
                )
            copies, state = self.copies(inputs, training=True)
            wanted = self._targets_of_copies(inputs, targets)
            loss = self._loss_of_copies(copies, state, wanted, weights)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self._set_rate()
        self.optimizer.apply(gradients, self.model.trainable_variables)
        self._average()
        return loss

    def _set_rate(self) -> None:
        """The rate of this step: what is left of the schedule, spread evenly over what is left.

        So the end may be moved while training runs, and the rate still falls to 0 there.
        """
        if not self.scheduled:
            return
        left = tf.maximum(self.end - tf.cast(self.optimizer.iterations, tf.int64), 1)
        share = (1 - self.progress) / tf.cast(left, tf.float64)
        rate = self.recipe.rate * rate_share(self.progress + share / 2, self.recipe.warmup)
        self.optimizer.learning_rate.assign(tf.cast(rate, tf.float32))
        self.progress.assign_add(share)

    def _average(self) -> None:
        """Move the averages towards the weights: over few steps at first, then over the span.

        Source:
            Polyak and Juditsky 1992; exponential, as in Adam's own paper, section 7.2.
        """
        done = tf.cast(self.optimizer.iterations, tf.float32)
        share = 1 / tf.minimum(self.span, 1 + done / 10)
        for average, variable in zip(self.average, self.model.trainable_variables, strict=True):
            average.assign_add(share * (variable.value - average))

    def average_weights(self) -> list[AnyArray]:
        """The averaged weights."""
        return [average.numpy() for average in self.average]

    def _loss(self, copies: Tensor, state: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The mean loss over the copies, measured where they are scaled: in float32.

        Args:
            copies: Scaled, [batch, copies, horizon, quantiles].
            state: Centre and spread, [batch, 2].
            targets: Of each copy, in the unit of the series, [batch, copies, horizon].
            weights: 1 / `error_scale` of the series, [batch].
        """
        shape = tf.shape(copies)
        rows = tf.reshape(copies, [-1, shape[2], shape[3]])
        wanted = tf.reshape(lambdas.scale([targets, state]), [-1, shape[2]])
        size = tf.cast(tf.repeat(weights * state[:, 1], shape[1]), tf.float32)
        return self.loss(wanted, rows, size, self.config.levels)

    def _targets_of_copies(self, inputs: Any, targets: Tensor) -> Tensor:
        """Members all forecast the targets; each step of a sequence what follows that step."""
        if self.config.architecture != "sequence_to_sequence":
            return tf.repeat(targets[:, None, :], self.config.members, axis=1)
        after = tf.concat([inputs["values"][:, 1:], targets], axis=1)
        return tf.signal.frame(after, self.config.horizon, 1)  # [batch, window, horizon]

    def evaluate(self, weights: Sequence[AnyArray]) -> float:
        """The loss of the calibration part, of the forecast that these weights give.

        The network has its own weights again afterwards.
        """
        if not self.held_out:
            return math.nan
        with lent(self.model, weights):
            losses = [self._evaluate(*batch).numpy() for batch in self.held_out]
        return float(np.mean(losses))

    @tf.function(autograph=False, reduce_retracing=True)
    def _evaluate(self, inputs: Any, targets: Tensor, weights: Tensor) -> Tensor:
        return self.loss(targets, self.model(inputs, training=False), weights, self.config.levels)


MOST_HELD_OUT = 4096
"""Windows of a held-out part that are looked at; more cost time and tell no more."""


def rate_share(progress: Tensor, warmup: float) -> Tensor:
    """Share of the highest learning rate: a linear rise, then a cosine fall to 0, float64.

    Args:
        progress: How much of the schedule is done, in [0, 1].
        warmup: How much of it is the rise, below 1.

    Source:
        Loshchilov and Hutter 2017, "SGDR", equation 5, without restarts.
    """
    rise = progress / max(warmup, 1e-9)
    fall = (1 + tf.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2
    return tf.where(progress < warmup, rise, fall)


def held_out(windowset: WindowSet, part: str) -> list[Batch]:
    """A held-out part in batches, or a fixed sample of it."""
    return list(batches(windowset, 512, 0, part, most=MOST_HELD_OUT))
