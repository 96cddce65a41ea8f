"""What was held out is trained on at last, and what that made worse does not serve."""

from dataclasses import replace

import numpy as np
import pytest

from rnnts.learning.fit import Outcome, fit
from rnnts.learning.recipe import Recipe, recipe_for
from rnnts.learning.refit import FEWEST_STEPS, Refit, gate_loss, refit, refit_steps
from rnnts.networks.config import NetworkConfig
from rnnts.networks.weights import weights_of
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.windowset import WindowSet

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 turns TensorFlow's variables into arrays the old way
    "ignore:__array__ implementation:DeprecationWarning"
)
RECIPE = Recipe(batch=32, rate=0.01, evaluations=2, fused=False)
CHANGE = 165


@pytest.fixture(scope="module")
def windowset() -> WindowSet:
    """Series that turn over, season by season, once training has ended."""
    random = np.random.default_rng(0)
    steps = np.arange(240)
    season = np.sin(2 * np.pi * steps / 6) * np.where((steps < CHANGE) | (steps // 6 % 2), 1, -1)
    values = np.stack([season * size + random.normal(0, size / 20, 240) for size in (1, 50, 9)])
    infos = tuple(SeriesInfo(f"s{place}", (), 0, 239) for place in range(3))
    panel = Panel("p", Grid("1h"), infos, 0, values, 239)
    laid_out = WindowSet.of(panel, window=24, horizon=6, seasons=(Season("day", 6, 1),))
    assert laid_out.parts.training_until <= CHANGE < laid_out.parts.calibration_until
    return laid_out


@pytest.fixture(scope="module")
def config(windowset: WindowSet) -> NetworkConfig:
    return NetworkConfig(
        window=24, horizon=6, seasons=windowset.seasons, units=4, layers=1, levels=(0.1, 0.5, 0.9)
    )


@pytest.fixture(scope="module")
def first(config: NetworkConfig, windowset: WindowSet) -> Outcome:
    """As if its weights had been best at step 30."""
    return replace(fit(config, windowset, steps=80, recipe=RECIPE), best_step=30)


@pytest.fixture(scope="module")
def second(config: NetworkConfig, windowset: WindowSet, first: Outcome) -> Refit:
    done = refit(config, windowset, first, recipe=RECIPE, seed=0)
    assert done is not None
    return done


def test_it_learns_what_was_held_out_and_leaves_the_first_network_as_it_was(
    config: NetworkConfig, windowset: WindowSet, first: Outcome, second: Refit
) -> None:
    assert (second.steps, second.planned, second.reason) == (60, 60, "")
    assert second.model is not first.model
    assert gate_loss(first.model, config, windowset) == pytest.approx(second.before)
    assert gate_loss(second.model, config, windowset) == pytest.approx(second.after)
    assert second.after < 0.9 * second.before


def test_equal_arguments_give_equal_weights(
    config: NetworkConfig, windowset: WindowSet, first: Outcome, second: Refit
) -> None:
    again = refit(config, windowset, first, recipe=RECIPE, seed=0)
    assert again is not None
    for one, other in zip(weights_of(second.model), weights_of(again.model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_serves_lies_between_both_trainings(
    config: NetworkConfig, windowset: WindowSet, first: Outcome
) -> None:
    begun = weights_of(first.model)
    whole, half = (
        refit(config, windowset, first, recipe=replace(RECIPE, newest=share), seed=0)
        for share in (1.0, 0.5)
    )
    assert whole is not None
    assert half is not None
    assert half.before == whole.before
    assert half.after > whole.after  # of days that the second training alone has seen
    ended = weights_of(whole.model)
    assert any(not np.array_equal(one, other) for one, other in zip(begun, ended, strict=True))
    for weight, one, other in zip(weights_of(half.model), begun, ended, strict=True):
        np.testing.assert_allclose(weight, (one + other) / 2, atol=1e-6)
    for weight, one in zip(weights_of(first.model), begun, strict=True):
        np.testing.assert_array_equal(weight, one)


@pytest.mark.parametrize(("rate", "reason"), [(6000.0, "rose from"), (float("nan"), "became nan")])
def test_what_went_astray_is_not_given_back(
    config: NetworkConfig, windowset: WindowSet, first: Outcome, rate: float, reason: str
) -> None:
    wild = replace(RECIPE, rate=rate * RECIPE.rate, clip=1e9)
    done = refit(config, windowset, first, recipe=wild, seed=0)
    assert done is not None
    assert done.model is None
    assert reason in done.reason


def test_a_short_training_and_one_out_of_time_have_no_second_one(
    config: NetworkConfig, windowset: WindowSet, first: Outcome
) -> None:
    assert refit_steps(RECIPE, FEWEST_STEPS, FEWEST_STEPS) == FEWEST_STEPS
    assert refit_steps(RECIPE, FEWEST_STEPS - 1, FEWEST_STEPS - 1) == 0
    course = recipe_for(NetworkConfig(architecture="lstm", window=8, horizon=2))
    assert refit_steps(course, 999, 999) == 0
    assert refit(config, windowset, first, recipe=RECIPE, seed=0, seconds=0.0) is None


def test_a_training_that_was_best_early_is_followed_by_a_short_one() -> None:
    assert refit_steps(RECIPE, 1_000, 800) == 1_000
    assert refit_steps(RECIPE, 1_000, 100) == 200


def test_time_makes_it_shorter_and_never_longer(
    config: NetworkConfig, windowset: WindowSet, first: Outcome
) -> None:
    long = refit(config, windowset, first, recipe=RECIPE, seed=0, seconds=1e6)
    assert long is not None
    assert long.steps == long.planned == 60
    best = replace(first, steps=10**6, best_step=10**6)
    short = refit(config, windowset, best, recipe=RECIPE, seed=0, seconds=1.5)
    assert short is not None
    assert 0 < short.steps < short.planned


def test_with_nothing_held_out_every_window_is_one_of_training(windowset: WindowSet) -> None:
    whole = replace(windowset, parts=windowset.parts.whole())
    assert not whole.counts("calibration").any()
    assert not whole.counts("gate").any()
    assert (whole.counts() > windowset.counts()).all()
    assert (whole.counts() == 240 - whole.partial - whole.minimum + 1).all()
