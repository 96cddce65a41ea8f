import json
import zipfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest

from rnnts.config import LEVELS, Architecture
from rnnts.networks import lambdas
from rnnts.networks.build import build, scaled_copies_of
from rnnts.networks.config import NetworkConfig

Config = Callable[..., NetworkConfig]
Inputs = dict[str, np.ndarray]
InputsFor = Callable[..., Inputs]
ARCHITECTURES = get_args(Architecture)
pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 turns TensorFlow's variables into arrays the old way when it saves them
    "ignore:__array__ implementation:DeprecationWarning"
)


def with_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """The model with weights that nothing cancels out of."""
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_raw_numbers_go_in_and_rising_quantiles_in_the_same_unit_come_out(
    architecture: str, small: Config, inputs_for: InputsFor
) -> None:
    config = small(architecture=architecture)
    inputs = inputs_for(config)
    model = with_weights(build(config))
    forecast = model(inputs).numpy()
    assert forecast.shape == (3, 5, 3)
    assert forecast.dtype == np.float64
    assert (np.diff(forecast, axis=2) >= 0).all()
    ten_times = {name: inputs[name] * 10 for name in ("values", "before", "bases")}
    np.testing.assert_allclose(model(inputs | ten_times), forecast * 10, rtol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_another_unit_and_another_level_give_the_same_forecast_in_them(
    architecture: str, small: Config, inputs_for: InputsFor
) -> None:
    config = small(architecture=architecture)
    whole = inputs_for(config)
    gappy = {name: array.copy() for name, array in whole.items()}
    gappy["values"][:, ::5] = np.nan
    gappy["bases"][:, 1, 0] = np.nan
    model = with_weights(build(config))
    for inputs in (whole, gappy):
        forecast = model(inputs).numpy()
        assert np.isfinite(forecast).all()
        for unit, level in product([1e-6, 1e12], [-100.0, 1e5]):  # the first changes the sign
            changed = {
                name: (inputs[name] + level) * unit for name in ("values", "before", "bases")
            }
            found = model(inputs | changed).numpy() / unit - level
            assert found == pytest.approx(forecast, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_saved_network_loads_in_safe_mode_and_gives_the_same_bits(
    architecture: str, small: Config, inputs_for: InputsFor, tmp_path: Path
) -> None:
    config = small(architecture=architecture, members=2, known_future=6, static=2, past=1)
    inputs = inputs_for(config)
    model = with_weights(build(config))
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_saved_network_holds_names_of_functions_and_no_code(
    architecture: str, small: Config, tmp_path: Path
) -> None:
    build(small(architecture=architecture)).save(tmp_path / "network.keras")
    with zipfile.ZipFile(tmp_path / "network.keras") as file:
        config = json.loads(file.read("config.json"))
    lambdas = [
        layer["config"]["function"]
        for layer in config["config"]["layers"]
        if layer["class_name"] == "Lambda"
    ]
    assert lambdas
    assert {function["class_name"] for function in lambdas} == {"function"}
    assert "__lambda__" not in json.dumps(config)


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a != "patched_lstm"])
def test_a_courses_stack_takes_any_window_length(
    architecture: str, small: Config, inputs_for: InputsFor
) -> None:
    config = small(architecture=architecture, scale="constant")
    model = build(config)
    assert model.get_layer("recurrent_0" if architecture != "bidirectional_lstm" else "both_ways_0")
    assert model.get_layer("expand_dims").output.shape == (None, None, 1)
    for window in (4, 30):
        assert model(inputs_for(config, window=window)).shape == (3, 5, 3)


def test_the_course_scales_its_output_by_100(small: Config, inputs_for: InputsFor) -> None:
    config = small(architecture="simple_rnn", scale="constant", levels=(0.5,), loss="huber")
    model = with_weights(build(config))
    before = keras.Model(model.input, model.get_layer("quantiles").output)
    inputs = inputs_for(config)
    np.testing.assert_allclose(
        model(inputs)[..., 0], 100 * before(inputs)[:, 0, :, 0].numpy().astype(float), rtol=1e-6
    )


def test_a_series_can_bring_its_own_scale(small: Config, inputs_for: InputsFor) -> None:
    config = small(architecture="lstm", scale="series", static=2)
    model = with_weights(build(config))
    inputs = inputs_for(config)
    inputs["static"] = np.array([[0.0, 1.0], [1000.0, 1.0], [0.0, 2.0]])
    inputs["values"] = np.stack([np.ones(12), np.ones(12) + 1000, 2 * np.ones(12)])
    first, shifted, doubled = model(inputs).numpy()
    np.testing.assert_allclose(shifted, first + 1000)
    np.testing.assert_allclose(doubled, first * 2, rtol=1e-6)


def test_every_step_of_a_sequence_gives_a_forecast_and_the_last_one_counts(
    small: Config, inputs_for: InputsFor
) -> None:
    config = small(architecture="sequence_to_sequence")
    model = with_weights(build(config))
    copies = np.asarray(lambdas.unscale(scaled_copies_of(model)(inputs_for(config))))
    assert copies.shape == (3, 12, 5, 3)
    np.testing.assert_array_equal(model(inputs_for(config)), copies[:, -1])


def test_the_forecast_is_the_mean_of_the_members(small: Config, inputs_for: InputsFor) -> None:
    config = small(members=3)
    model = with_weights(build(config))
    copies = np.asarray(lambdas.unscale(scaled_copies_of(model)(inputs_for(config))))
    assert copies.shape == (3, 3, 5, 3)
    assert not np.allclose(copies[:, 0], copies[:, 1])
    np.testing.assert_allclose(model(inputs_for(config)), copies.mean(axis=1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_missing_values_leave_the_forecast_finite(
    architecture: str, small: Config, inputs_for: InputsFor
) -> None:
    config = small(architecture=architecture)
    inputs = inputs_for(config)
    inputs["values"][0, ::2] = np.nan
    inputs["values"][1] = np.nan
    inputs["bases"][0, :, 0] = np.nan
    inputs["bases"][1] = np.nan
    assert np.isfinite(with_weights(build(config))(inputs).numpy()).all()


def test_what_was_constant_is_forecast_as_constant(small: Config, inputs_for: InputsFor) -> None:
    config = small()
    inputs = {name: np.full_like(array, 7.0) for name, array in inputs_for(config).items()}
    np.testing.assert_array_equal(with_weights(build(config))(inputs), np.full((3, 5, 3), 7.0))


def test_a_small_change_on_a_large_number_is_seen(small: Config, inputs_for: InputsFor) -> None:
    config = small()
    inputs = inputs_for(config)
    inputs |= {name: inputs[name] + 1e9 for name in ("values", "before", "bases")}
    model = with_weights(build(config))
    np.testing.assert_allclose(model(inputs).numpy() - 1e9, model(inputs_for(config)), rtol=1e-3)


def test_counts_that_are_mostly_zero_are_forecast(small: Config, inputs_for: InputsFor) -> None:
    config = small()
    inputs = inputs_for(config)
    inputs["values"] = np.zeros((3, 12))
    inputs["bases"] = np.zeros((3, 5, 6))
    inputs["values"][0, 4] = 1.0
    forecast = with_weights(build(config))(inputs).numpy()
    assert np.isfinite(forecast).all()
    assert (forecast[1:] == 0).all()


@pytest.mark.parametrize(
    ("window", "horizon", "seasons"),
    [
        (336, 1, ((24, 3, 0), (168, 2, 0))),
        (336, 10_000, ((24, 3, 0), (168, 2, 0))),
        (30, 2, ((24, 3, 0), (168, 3, 0))),
        (56, 30, ((7, 3, 0), (365, 3, 10))),
        (104, 13, ((52, 1, 0),)),
        (39, 13, ((13, 3, 0),)),
        (1344, 96, ((96, 3, 0), (672, 2, 0))),
        (5, 2, ()),
        (1, 1, ((7, 3, 0),)),
    ],
)
def test_the_default_network_fits_every_frequency_and_horizon(
    window: int, horizon: int, seasons: tuple[tuple[int, int, int], ...], inputs_for: InputsFor
) -> None:
    config = NetworkConfig(window=window, horizon=horizon, seasons=seasons, units=4)
    forecast = build(config)(inputs_for(config)).numpy()
    assert forecast.shape == (3, horizon, len(LEVELS))
    assert np.isfinite(forecast).all()


def test_a_fresh_default_network_forecasts_the_mean_of_its_bases(
    small: Config, inputs_for: InputsFor
) -> None:
    config = small(horizon=2, seasons=((3, 1, 0),), window=4)
    inputs = inputs_for(config, rows=1)
    inputs["values"] = np.array([[1.0, 2.0, 3.0, 8.0]])
    inputs["bases"] = np.array([[[2.0, 6.0], [3.0, 7.0]]])
    medians = build(config)(inputs).numpy()[0, :, 1]
    expected = [(8 + 3 + 2 + (2 + 7) + 6) / 5, (8 + 3 + 3 + (3 + 7) + 7) / 5]
    np.testing.assert_allclose(medians, expected, rtol=1e-6)


def test_of_several_layers_the_first_reads_each_patch_by_itself(
    small: Config, inputs_for: InputsFor
) -> None:
    config = small(patch=3, seasons=())
    model = build(config)
    reader = keras.Model(model.input, model.get_layer("member_0_patches").output)
    inputs = inputs_for(config, rows=1)
    inputs["values"][:] = [[1.0, 2.0, 3.0] * 4]  # four equal patches
    read = np.asarray(reader(inputs))
    assert read.shape == (1, 4, config.units)
    np.testing.assert_allclose(read, np.repeat(read[:, :1], 4, axis=1), rtol=1e-6)
    assert read.std() > 0


def test_a_single_layer_is_recurrent(small: Config) -> None:
    names = {layer.name for layer in build(small(layers=1)).layers}
    assert "member_0_lstm_0" in names
    assert "member_0_patches" not in names


def test_a_patched_network_with_constant_weights_gives_the_recorded_output(
    small: Config, inputs_for: InputsFor
) -> None:
    config = small(horizon=2)
    model = build(config)
    model.set_weights([np.full(weight.shape, 0.1) for weight in model.get_weights()])
    inputs = inputs_for(config, rows=1)
    inputs["values"] = np.array([[1.0, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6]])
    inputs["before"] = np.array([[0.0, 1, 2, 1, 2, 3]])
    inputs["bases"] = np.array([[[4.0, 3, 1, 5, 5, 4], [5, 4, 2, 6, 6, 5]]])
    np.testing.assert_allclose(model(inputs).numpy()[0], RECORDED, rtol=1e-5)


RECORDED = [[4.227267, 21.413568, 38.599870], [5.045451, 22.494356, 39.943259]]
