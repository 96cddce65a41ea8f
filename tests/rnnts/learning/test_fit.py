import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rnnts import failpoints
from rnnts.learning import descent
from rnnts.learning.descent import MOST_HELD_OUT, Descent, held_out
from rnnts.learning.fit import (
    LEAST_BETWEEN,
    MEASURED,
    Outcome,
    Progress,
    fit,
    measure_step_seconds,
)
from rnnts.learning.losses import LOSSES
from rnnts.learning.recipe import FUSED_FROM, Recipe, recipe_for
from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.pipeline import batches
from rnnts.windows.windowset import WindowSet

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 turns TensorFlow's variables into arrays the old way
    "ignore:__array__ implementation:DeprecationWarning"
)
QUICK = Recipe(batch=32, rate=0.01, evaluations=2)
SEASON = (Season("day", 6, 1),)


@pytest.fixture(scope="module")
def windowset() -> WindowSet:
    """Three noisy series with a season of 6 steps whose shape drifts."""
    random = np.random.default_rng(0)
    steps = np.arange(240)
    season = np.sin(2 * np.pi * steps / 6) + steps / 100
    values = np.stack([season * size + random.normal(0, size / 10, 240) for size in (1, 50, 9)])
    values[1, 100:110] = np.nan
    infos = tuple(SeriesInfo(f"s{place}", (), 0, 239) for place in range(3))
    panel = Panel("p", Grid("1h"), infos, 0, values, 239)
    return WindowSet.of(panel, window=24, horizon=6, seasons=SEASON)


@pytest.fixture(scope="module")
def config(windowset: WindowSet) -> NetworkConfig:
    return NetworkConfig(
        window=24, horizon=6, seasons=windowset.seasons, units=4, layers=1, levels=(0.1, 0.5, 0.9)
    )


def weights_of(outcome: Outcome) -> list[np.ndarray]:
    weights: list[np.ndarray] = outcome.model.get_weights()
    return weights


def assert_equal_bits(one: Outcome, other: Outcome) -> None:
    for left, right in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(left, right)
    assert one.curve == other.curve


@pytest.fixture(scope="module")
def undisturbed(config: NetworkConfig, windowset: WindowSet) -> tuple[Outcome, list[Progress]]:
    """20 steps with seed 1, and what was told meanwhile."""
    told: list[Progress] = []
    return fit(config, windowset, steps=20, seed=1, recipe=QUICK, on_progress=told.append), told


def test_training_lowers_the_loss_and_keeps_the_best_weights(
    undisturbed: tuple[Outcome, list[Progress]],
) -> None:
    outcome, told = undisturbed
    assert (outcome.status, outcome.steps, len(outcome.curve)) == ("trained", 20, 2)
    assert outcome.validation_loss == min(held for _, _, held in outcome.curve)
    assert outcome.curve[-1][1] < outcome.curve[0][1]
    assert [(progress.step, progress.steps) for progress in told] == [(10, 20), (20, 20)]


def test_equal_arguments_give_equal_bits(
    config: NetworkConfig, windowset: WindowSet, undisturbed: tuple[Outcome, list[Progress]]
) -> None:
    assert_equal_bits(fit(config, windowset, steps=20, seed=1, recipe=QUICK), undisturbed[0])


class InterruptedTrainingError(Exception):
    """What a test raises in the middle of a training."""


def test_what_else_draws_in_the_process_changes_no_network(
    config: NetworkConfig, windowset: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(batch=8, fused=False)
    alone = Descent(config, windowset, 3, recipe, 10)

    def disturbed(config: NetworkConfig) -> object:
        random.seed(51)  # as another thread would, were it to draw between seeding and building
        return build(config)

    monkeypatch.setattr(descent, "build", disturbed)
    other = Descent(config, windowset, 3, recipe, 10)
    for one, same in zip(alone.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), same.numpy())


def interrupt_at(step: int) -> Callable[[Progress], None]:
    def told(progress: Progress) -> None:
        if progress.step >= step:
            raise InterruptedTrainingError

    return told


def test_an_interrupted_training_goes_on_to_the_same_result(
    config: NetworkConfig,
    windowset: WindowSet,
    undisturbed: tuple[Outcome, list[Progress]],
    tmp_path: Path,
) -> None:
    train = partial(fit, config, windowset, steps=20, seed=1, recipe=QUICK, checkpoint_dir=tmp_path)
    with pytest.raises(InterruptedTrainingError):
        train(on_progress=interrupt_at(20))
    told: list[Progress] = []
    resumed = train(on_progress=told.append)
    assert [progress.step for progress in told] == [20]  # 10 were done and written
    assert_equal_bits(resumed, undisturbed[0])


def test_a_checkpoint_of_another_training_is_not_taken_up(
    config: NetworkConfig,
    windowset: WindowSet,
    undisturbed: tuple[Outcome, list[Progress]],
    tmp_path: Path,
) -> None:
    train = partial(fit, config, windowset, steps=20, recipe=QUICK, checkpoint_dir=tmp_path)
    other = train(seed=2)
    assert not np.array_equal(weights_of(other)[0], weights_of(undisturbed[0])[0])
    assert_equal_bits(train(seed=1), undisturbed[0])


def test_a_checkpoint_is_whole_or_not_there(
    config: NetworkConfig, windowset: WindowSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        if name == "train.checkpoint_half":
            raise InterruptedTrainingError

    monkeypatch.setattr(failpoints, "_armed", die)
    with pytest.raises(InterruptedTrainingError):
        fit(config, windowset, steps=20, seed=1, recipe=QUICK, checkpoint_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz.half"]


def test_a_divergence_is_an_outcome_with_a_reason_and_the_best_weights_so_far(
    config: NetworkConfig, windowset: WindowSet
) -> None:
    wild = replace(QUICK, rate=float("inf"))
    outcome = fit(config, windowset, steps=200, recipe=wild)
    assert outcome.status == "diverged"
    assert "nan" in outcome.reason
    assert f"step {outcome.steps} of 200" in outcome.reason


def test_training_ends_early_where_its_time_is_up(
    config: NetworkConfig, windowset: WindowSet
) -> None:
    outcome = fit(config, windowset, steps=100_000, recipe=QUICK, seconds=0.0)
    assert (outcome.status, outcome.steps) == ("trained", 10)
    assert "out of time" in outcome.reason
    assert outcome.validation_loss is not None


class Clock:
    """A clock that moves by what each step costs."""

    def __init__(self, step_seconds: Callable[[int], float]) -> None:
        self.step_seconds, self.now, self.done = step_seconds, 0.0, 0

    def __call__(self) -> float:
        return self.now

    def told(self, progress: Progress) -> None:
        self.now += sum(self.step_seconds(step) for step in range(self.done, progress.step))
        self.done = progress.step


@pytest.mark.parametrize(
    ("step_seconds", "least", "most"),
    [
        (lambda step: 5.0 if step < 10 else 0.1, 500, 515),  # compiling says nothing of speed
        (lambda _: 0.2, 490, 510),
        (lambda _: 0.05, 1_900, 2_010),
        (lambda step: 0.1 if step < 500 else 0.15, 820, 845),
    ],
)
def test_the_end_moves_to_where_the_time_is_up(
    config: NetworkConfig,
    windowset: WindowSet,
    monkeypatch: pytest.MonkeyPatch,
    step_seconds: Callable[[int], float],
    least: int,
    most: int,
) -> None:
    clock = Clock(step_seconds)
    monkeypatch.setattr("rnnts.learning.fit.perf_counter", clock)
    recipe = replace(QUICK, batch=4, evaluations=20)
    outcome = fit(
        config, windowset, steps=1_000, recipe=recipe, on_progress=clock.told, seconds=100.0
    )
    assert (outcome.status, outcome.reason) == ("trained", "")
    assert least <= outcome.steps <= most
    assert 95.0 <= clock.now <= 105.0


def test_the_rate_rises_and_falls_to_nothing_wherever_the_end_moves(
    config: NetworkConfig, windowset: WindowSet
) -> None:
    descent = Descent(config, windowset, 0, replace(QUICK, warmup=0.2), 20)
    stream, rates = descent.stream(0), []
    for step in range(30):
        if step == 10:
            descent.end.assign(30)
        descent.run(stream, tf.constant(1))
        rates.append(float(descent.optimizer.learning_rate))
    top = rates.index(max(rates))
    assert top == 4
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] == pytest.approx(QUICK.rate / 8)
    assert rates[9] == pytest.approx(rates[10], rel=0.12)  # no jump where the end moved
    assert 0 < rates[-1] < QUICK.rate / 500


@pytest.mark.parametrize(
    ("architecture", "loss", "scale"),
    [
        ("simple_rnn", "huber", "constant"),
        ("bidirectional_lstm", "pinball", "series"),
        ("sequence_to_sequence", "pinball", "window"),
        ("sequence_to_vector", "pinball", "window"),
    ],
)
def test_every_architecture_trains(
    architecture: str, loss: str, scale: str, windowset: WindowSet, config: NetworkConfig
) -> None:
    by_series = replace(windowset, static=2 if scale == "series" else 0)
    changed = NetworkConfig.model_validate(
        config.model_dump()
        | {"architecture": architecture, "loss": loss, "scale": scale, "static": by_series.static}
    )
    outcome = fit(changed, by_series, steps=8, recipe=replace(QUICK, mixing=0.0))
    assert outcome.status == "trained"
    assert all(np.isfinite(weights).all() for weights in weights_of(outcome))


def test_members_train_side_by_side(windowset: WindowSet, config: NetworkConfig) -> None:
    outcome = fit(config.model_copy(update={"members": 2}), windowset, steps=8, recipe=QUICK)
    inputs, _, _ = next(iter(batches(windowset, 4, 0, "gate")))
    assert outcome.model(inputs).shape == (4, 6, 3)


def test_a_panel_of_many_series_is_held_against_a_sample_of_its_windows(
    config: NetworkConfig,
) -> None:
    values = np.random.default_rng(0).normal(size=(900, 240))
    infos = tuple(SeriesInfo(f"s{place:03}", (), 0, 239) for place in range(900))
    panel = Panel("p", Grid("1h"), infos, 0, values, 239)
    windowset = WindowSet.of(panel, window=24, horizon=6, seasons=SEASON)
    assert windowset.counts("calibration").sum() > MOST_HELD_OUT
    looked_at = held_out(windowset, "calibration")
    assert sum(len(targets) for _, targets, _ in looked_at) == MOST_HELD_OUT
    outcome = fit(config, windowset, steps=4, recipe=QUICK)
    assert outcome.status == "trained"
    assert outcome.validation_loss is not None
    assert np.isfinite(outcome.validation_loss)


def test_a_step_is_timed_without_compiling(
    config: NetworkConfig, windowset: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, compiled, read = LOSSES[config.loss], [0], []

    def counted(*arguments: Any) -> Any:  # noqa: ANN401 - as the loss
        compiled[0] += 1  # Python runs it only while TensorFlow compiles
        return loss(*arguments)

    def clock() -> float:
        read.append(compiled[0])
        return 100.0 * len(read)

    monkeypatch.setitem(LOSSES, config.loss, counted)
    monkeypatch.setattr("rnnts.learning.fit.perf_counter", clock)
    seconds = measure_step_seconds(config, windowset, recipe=QUICK)
    assert seconds == 100.0 / MEASURED + 100.0 / LEAST_BETWEEN
    assert read[0] > 0
    assert read == [read[0]] * 3


def test_each_architecture_has_a_recipe_at_the_rate_that_was_asked_for(
    config: NetworkConfig,
) -> None:
    plain = config.model_copy(update={"architecture": "lstm"})
    assert recipe_for(config) != recipe_for(plain)
    assert recipe_for(config.model_copy(update={"rate": 0.5})).rate == 0.5


def test_kernels_are_compiled_only_for_trainings_that_repay_it(config: NetworkConfig) -> None:
    assert recipe_for(config).fused
    assert recipe_for(config, FUSED_FROM).fused
    assert not recipe_for(config, FUSED_FROM - 1).fused
