from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.networks.dropout import Dropout
from rnnts.networks.seeds import STATE, draw_from


def test_it_drops_its_share_and_keeps_the_mean() -> None:
    dropped = Dropout(0.2, seed=1)(np.ones((200, 500), np.float32), training=True).numpy()
    share = 51 / 256
    assert sorted(set(dropped.ravel())) == pytest.approx([0.0, 1 / (1 - share)])
    assert (dropped == 0).mean() == pytest.approx(share, abs=0.005)  # 4 standard errors
    assert dropped.mean() == pytest.approx(1, abs=0.007)


def test_what_is_dropped_in_one_row_says_nothing_of_the_next() -> None:
    dropped = Dropout(0.5, seed=1)(np.ones((100, 1000), np.float32), training=True).numpy() == 0
    beside = np.corrcoef(dropped[:, :-1].ravel(), dropped[:, 1:].ravel())[0, 1]
    below = np.corrcoef(dropped[:-1].ravel(), dropped[1:].ravel())[0, 1]
    assert abs(beside) < 0.013  # 4 standard errors
    assert abs(below) < 0.013


def test_each_call_draws_anew_and_one_seed_the_same_again() -> None:
    ones = np.ones((10, 33), np.float32)
    layer, same = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
    first, second = layer(ones, training=True).numpy(), layer(ones, training=True).numpy()
    assert (first != second).any()
    np.testing.assert_array_equal(same(ones, training=True).numpy(), first)
    np.testing.assert_array_equal(same(ones, training=True).numpy(), second)


def test_what_shares_a_mask_is_dropped_together() -> None:
    layer = Dropout(0.5, (None, 1, 8), seed=0)
    dropped = layer(np.ones((30, 5, 8), np.float32), training=True).numpy()
    np.testing.assert_array_equal(dropped, np.repeat(dropped[:, :1], 5, axis=1))
    assert 0 < (dropped[:, 0] == 0).mean() < 1


def test_a_batch_of_any_size_is_dropped_in_a_graph() -> None:
    layer = Dropout(0.5, (None, 1, 3), seed=0)

    drop = tf.function(lambda values: layer(values, training=True), autograph=False)
    drop = drop.get_concrete_function(tf.TensorSpec([None, 2, 3]))
    for rows in (0, 1, 7):
        assert drop(tf.ones((rows, 2, 3))).shape == (rows, 2, 3)


def test_nothing_is_dropped_outside_training_or_where_there_is_no_share() -> None:
    ones = np.ones((50, 40), np.float32)
    np.testing.assert_array_equal(Dropout(0.2)(ones, training=False).numpy(), ones)
    np.testing.assert_array_equal(Dropout(0.0)(ones, training=True).numpy(), ones)


def test_a_network_drops_by_its_own_seed_alone(
    small: Callable[..., NetworkConfig], inputs_for: Callable[..., dict[str, np.ndarray]]
) -> None:
    config = small(dropout=0.5, horizon=48)
    weights = build(config).get_weights()
    begun = [weight + 0.1 for weight in weights]  # heads begin as zeros, and hide what is dropped

    def memory(seed: int) -> np.ndarray:
        model = build(config)
        draw_from(model, seed)
        states = [one.numpy() for one in model.variables if one.path.endswith(STATE)]
        model.set_weights(begun)
        kept = iter(states)
        for variable in model.variables:
            if variable.path.endswith(STATE):
                variable.assign(next(kept))
        return np.asarray(model(inputs_for(config), training=True))

    np.testing.assert_array_equal(memory(5), memory(5))
    assert (memory(5) != memory(6)).any()
