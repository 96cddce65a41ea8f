"""One seed gives one network, whatever else draws random numbers in the process."""

import random
from collections.abc import Callable
from typing import get_args

import keras
import numpy as np
import pytest

from rnnts.config import Architecture
from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.networks.seeds import STATE, draw_from
from rnnts.panels.covariates import Category, Features, Number

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
Config = Callable[..., NetworkConfig]
FEATURES = Features(
    known_future=(Number("w.temp", 10.0, 2.0),),
    past=(Number("w.wind", 3.0, 1.0),),
    static=(Category("kinds.kind", ("x", "y")),),
    calendar=4,
)
CONFIGS = [
    *(pytest.param({"architecture": kind}, id=kind) for kind in get_args(Architecture)),
    pytest.param({"members": 2, "layers": 2, "covariates": FEATURES}, id="with all that there is"),
]


def drawn(config: NetworkConfig, seed: int, elsewhere: int) -> keras.Model:
    """A network of this seed in a process whose own generator stands somewhere."""
    random.seed(elsewhere)
    model = build(config)
    draw_from(model, seed)
    return model


@pytest.mark.parametrize("changes", CONFIGS)
def test_equal_seeds_give_equal_networks_wherever_pythons_generator_stands(
    changes: dict[str, object], small: Config
) -> None:
    config = small(**changes)
    one, other = drawn(config, 7, elsewhere=1), drawn(config, 7, elsewhere=2)
    for variable, same in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), same.numpy(), err_msg=variable.path)


@pytest.mark.parametrize("changes", CONFIGS)
def test_another_seed_changes_all_that_is_random_and_nothing_else(
    changes: dict[str, object], small: Config
) -> None:
    config = small(**changes)
    one, other = drawn(config, 7, elsewhere=1), drawn(config, 8, elsewhere=1)
    begun = build(config)
    for variable, another, first in zip(
        one.variables, other.variables, begun.variables, strict=True
    ):
        constant = variable.path.endswith("bias") or not first.numpy().any()
        assert np.array_equal(variable.numpy(), another.numpy()) == constant, variable.path
        if constant:
            np.testing.assert_array_equal(variable.numpy(), first.numpy(), variable.path)


def test_no_two_layers_draw_the_same(small: Config) -> None:
    model = drawn(small(members=2, layers=2, covariates=FEATURES), 7, elsewhere=1)
    states = [tuple(one.numpy()) for one in model.variables if one.path.endswith(STATE)]
    assert len(set(states)) == len(states) > 1
    kernels = [one.numpy() for one in model.trainable_variables if one.path.endswith("kernel")]
    begun = [kernel.tobytes() for kernel in kernels if kernel.any()]  # others begin as zeros
    assert len(set(begun)) == len(begun) > 1


def test_the_process_draws_what_it_would_have_drawn(small: Config) -> None:
    model = build(small())
    random.seed(1)
    before = random.getstate()
    draw_from(model, 7)
    assert random.getstate() == before
