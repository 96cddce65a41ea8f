from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.networks.covariates import beside_turns, hide_end, squash
from rnnts.networks.seeds import draw_from
from rnnts.panels.covariates import Category, Features, Number
from tests.rnnts.networks.test_build import with_weights

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
Small = Callable[..., NetworkConfig]
Inputs = dict[str, np.ndarray]
FEATURES = Features(
    known_future=(Number("w.temp", 10.0, 2.0), Number("holidays.today", 0.0, 1.0)),
    past=(Number("w.wind", 0.0, 0.0),),
    static=(Category("kinds.kind", ("x", "y")),),
    calendar=4,
)


def inputs_of(config: NetworkConfig, values: Inputs, rows: int = 3) -> Inputs:
    """Random covariates beside the values and bases of other inputs."""
    random = np.random.default_rng(1)
    assert config.covariates is not None
    return values | {
        "known_future": random.normal(10, 2, (rows, config.window + config.horizon, 6)),
        "past": random.normal(size=(rows, config.window, 1)),
        "static": np.array([[0.0], [1.0], [2.0]]),
    }


@pytest.fixture
def network(small: Small, inputs_for: Callable[..., Inputs]) -> tuple[NetworkConfig, Inputs]:
    config = small(covariates=FEATURES)
    return config, inputs_of(config, inputs_for(small()))


def test_a_fresh_network_forecasts_as_if_there_were_no_covariates(
    network: tuple[NetworkConfig, Inputs],
) -> None:
    config, inputs = network
    model = build(config)
    others = inputs | {"known_future": inputs["known_future"] * -3, "past": inputs["past"] + 5}
    np.testing.assert_array_equal(model(inputs), model(others))


@pytest.mark.parametrize("name", ["known_future", "past", "static"])
def test_a_trained_network_reads_each_of_its_covariates(
    network: tuple[NetworkConfig, Inputs], name: str
) -> None:
    config, inputs = network
    model = with_weights(build(config))
    changed = inputs | {name: np.roll(inputs[name], 1, axis=0)}
    assert not np.allclose(model(inputs), model(changed))


def test_missing_covariates_leave_the_forecast_finite(
    network: tuple[NetworkConfig, Inputs],
) -> None:
    config, inputs = network
    model = with_weights(build(config))
    for name, columns in (("known_future", 2), ("past", 1)):  # the calendar is never missing
        for spoilt in (np.nan, 1e18):
            changed = inputs[name].copy()
            changed[:, :, :columns] = spoilt
            assert np.isfinite(model(inputs | {name: changed})).all()


def test_a_network_learns_to_do_without_what_a_night_may_lack(
    network: tuple[NetworkConfig, Inputs],
) -> None:
    config, inputs = network
    rows = {name: np.repeat(array[:1], 400, axis=0) for name, array in inputs.items()}
    model = build(config)
    hidden = keras.Model(model.input, model.get_layer("ahead_hidden").output)
    draw_from(model, 0)
    known = hidden(rows, training=True).numpy()[:, :, 0]  # [rows, window + horizon]
    window, ahead = np.isnan(known[:, : config.window]), np.isnan(known[:, config.window :])
    whole = window.all(axis=1)
    assert 0.1 < whole.mean() < 0.3  # of columns, and of all at once
    assert (ahead[whole]).all()
    ends = ahead[~whole]
    assert 0.1 < ends[:, -1].mean() < 0.3
    assert (np.diff(ends.astype(int), axis=1) >= 0).all()  # what ended does not come again
    assert not np.isnan(hidden(rows, training=False)).any()


def test_a_saved_network_with_covariates_loads_in_safe_mode(
    network: tuple[NetworkConfig, Inputs], tmp_path: Path
) -> None:
    config, inputs = network
    model = with_weights(build(config))
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_a_configuration_with_covariates_comes_back_from_json(small: Small) -> None:
    config = small(covariates=FEATURES)
    assert NetworkConfig.model_validate_json(config.model_dump_json()) == config
    assert NetworkConfig.model_validate(config.model_dump(mode="json")) == config


def test_without_covariates_graph_and_configuration_know_nothing_of_them(small: Small) -> None:
    assert "covariates" not in small().model_dump(mode="json")
    assert "covariates" not in small().model_dump_json()
    names = {layer.name for layer in build(small()).layers}
    with_them = {layer.name for layer in build(small(covariates=FEATURES)).layers}
    assert names < with_them
    assert not [name for name in names if "covariate" in name or "calendar" in name]


def test_other_architectures_read_no_covariates(small: Small) -> None:
    with pytest.raises(ValidationError, match="lstm reads no covariates"):
        small(architecture="lstm", covariates=FEATURES)


def test_a_number_is_scaled_by_what_training_saw_and_a_far_one_by_its_logarithm() -> None:
    numbers = np.array([[[10.0, 5.0], [12.0, np.nan], [1e18, 0.0]]])
    found = np.asarray(squash(numbers, [10.0, 4.0], [2.0, 0.0]))
    assert found[0, :, 0].tolist() == pytest.approx([0.0, np.arcsinh(1.0), 10.0])
    assert found[0, 0, 1] == pytest.approx(np.arcsinh(1.0))
    assert np.isnan(found[0, 1, 1])


def test_targets_see_how_they_differ_from_each_turn_of_a_season_inside_the_window() -> None:
    known = np.arange(8.0)[None, :, None] ** 2  # a window of 5, a horizon of 3
    found: Any = np.asarray(beside_turns(known, 3, [[2, 1], [2, 2], [2, 3]], 5))
    assert found.shape == (1, 3, 4)
    assert found[0, :, 0].tolist() == [25.0, 36.0, 49.0]
    assert found[0, :, 1].tolist() == [1.0, 1.0, 1.0]
    assert found[0, :, 2].tolist() == [25 - 9, 36 - 16, 49 - 9]
    assert found[0, :, 3].tolist() == [25 - 1, 36 - 4, 49 - 1]


def test_what_is_hidden_of_a_horizon_is_its_end() -> None:
    known, kept = np.ones((1, 7, 1), np.float32), np.array([[[1.0], [0.0], [1.0]]], np.float32)
    found = np.asarray(hide_end([known, kept], 5))[0, :, 0]
    assert np.isnan(found).tolist() == [False] * 4 + [True] * 3
