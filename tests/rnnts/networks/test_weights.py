from collections.abc import Callable

import numpy as np
import pytest

from rnnts.learning.predict import predict_blocks
from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.networks.weights import between, lent, weights_of
from tests.rnnts.networks.test_build import with_weights

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
Config = Callable[..., NetworkConfig]
InputsFor = Callable[..., dict[str, np.ndarray]]


def test_with_lent_weights_a_network_gives_the_others_bits_and_then_its_own_again(
    small: Config, inputs_for: InputsFor
) -> None:
    config = small()
    inputs = inputs_for(config)
    one, other = with_weights(build(config), 1), with_weights(build(config), 2)
    before, wanted = predict_blocks(one, inputs), predict_blocks(other, inputs)
    assert not np.array_equal(before, wanted)
    with lent(one, weights_of(other)):
        np.testing.assert_array_equal(predict_blocks(one, inputs), wanted)
    np.testing.assert_array_equal(predict_blocks(one, inputs), before)


def test_lent_weights_are_given_back_after_an_error(small: Config) -> None:
    model = with_weights(build(small()), 1)
    before = weights_of(model)
    with pytest.raises(RuntimeError), lent(model, [weight + 1 for weight in before]):
        raise RuntimeError
    for weight, own in zip(weights_of(model), before, strict=True):
        np.testing.assert_array_equal(weight, own)


def test_between_two_networks_each_weight_goes_its_share_of_the_way() -> None:
    first = [np.array([[0.0, 4.0]], np.float32), np.array([-1.0], np.float32)]
    second = [np.array([[1.0, 0.0]], np.float32), np.array([1.0], np.float32)]
    some = between(first, second, 0.75)
    assert [weight.dtype for weight in some] == [np.float32, np.float32]
    assert [weight.tolist() for weight in some] == [[[0.75, 1.0]], [0.5]]
    for share, wanted in ((0.0, first), (1.0, second)):
        for weight, same in zip(between(first, second, share), wanted, strict=True):
            np.testing.assert_array_equal(weight, same)
