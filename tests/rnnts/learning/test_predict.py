import threading

import keras
import numpy as np
import pytest

from rnnts.learning.predict import compiled, predict_blocks, side_by_side
from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig

CONFIG = NetworkConfig(window=12, horizon=5, seasons=((3, 2, 0),), units=8)
Inputs = dict[str, np.ndarray]


def inputs_of(rows: int) -> Inputs:
    random = np.random.default_rng(0)
    return {
        "values": random.normal(100, 10, (rows, 12)),
        "before": random.normal(100, 10, (rows, 6)),
        "bases": random.normal(100, 10, (rows, 5, CONFIG.bases)),
        "known_future": np.zeros((rows, 5, 0)),
        "past": np.zeros((rows, 12, 0)),
        "static": np.zeros((rows, 0)),
    }


@pytest.fixture(scope="module")
def model() -> keras.Model:
    network = build(CONFIG)
    random = np.random.default_rng(0)
    network.set_weights([random.normal(0, 0.1, w.shape) for w in network.get_weights()])
    return network


def test_every_row_gets_its_forecast_in_order(model: keras.Model) -> None:
    inputs = inputs_of(11)
    forecast = predict_blocks(model, inputs, block=4)
    assert forecast.shape == (11, 5, 13)
    np.testing.assert_allclose(forecast, model(inputs).numpy(), rtol=1e-5)
    for row in range(11):
        alone = {name: array[row : row + 1] for name, array in inputs.items()}
        np.testing.assert_array_equal(predict_blocks(model, alone, block=4)[0], forecast[row])


def test_a_row_has_the_same_bits_whatever_stands_in_the_others(model: keras.Model) -> None:
    inputs = inputs_of(700)
    expected = predict_blocks(model, inputs)
    changed = {name: array.copy() for name, array in inputs.items()}
    changed["values"][::7] = np.nan
    changed["bases"][::7] = 1e300
    rows = np.arange(700) % 7 != 0
    np.testing.assert_array_equal(predict_blocks(model, changed)[rows], expected[rows])


def test_fewer_rows_have_the_same_bits_as_the_first_of_many(model: keras.Model) -> None:
    inputs = inputs_of(700)
    few = {name: array[:3] for name, array in inputs.items()}
    np.testing.assert_array_equal(predict_blocks(model, few), predict_blocks(model, inputs)[:3])


def test_no_row_gives_no_forecast(model: keras.Model) -> None:
    assert predict_blocks(model, inputs_of(0)).shape == (0, 5, 13)


def test_work_goes_side_by_side_in_order() -> None:
    ended = [threading.Event() for _ in range(5)]

    def work(number: int) -> int:
        if number in (0, 2):
            assert ended[number + 1].wait(60)  # on another thread; its own result still comes first
        ended[number].set()
        return number * 10

    assert [*side_by_side(work, range(5))] == [0, 10, 20, 30, 40]


def test_a_network_is_compiled_once_however_many_threads_begin_with_it() -> None:
    network = build(CONFIG)
    inputs = inputs_of(8)
    together = threading.Barrier(2)

    def work(_number: int) -> np.ndarray:
        together.wait(60)
        return predict_blocks(network, inputs, block=4)

    first, other = side_by_side(work, range(2))
    assert compiled(network).experimental_get_tracing_count() == 1
    np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("bad", [0, 3])
def test_what_goes_wrong_in_one_block_is_told(bad: int) -> None:
    def work(number: int) -> int:
        if number == bad:
            raise ValueError(f"block {number}")
        return number

    with pytest.raises(ValueError, match=f"block {bad}"):
        list(side_by_side(work, range(5)))
    assert [*side_by_side(work, [])] == []
