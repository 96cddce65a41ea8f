from collections.abc import Callable

import pytest
from pydantic import ValidationError

from rnnts.config import ModelConfig
from rnnts.networks.config import NetworkConfig


def test_the_defaults_are_pinned() -> None:
    config = NetworkConfig(window=336, horizon=48, seasons=((24, 3, 0), (168, 2, 0)))
    assert (config.architecture, config.units, config.layers) == ("patched_lstm", 128, 2)
    assert (config.folded, config.bases, config.middle) == (48, 10, 6)


def test_networks_that_read_step_by_step_are_narrower() -> None:
    assert NetworkConfig(architecture="lstm", window=336, horizon=48).units == 64
    assert ModelConfig(architecture="simple_rnn").units == 64
    assert ModelConfig().units == 128


def test_a_change_raises(small: Callable[..., NetworkConfig]) -> None:
    with pytest.raises(ValidationError):
        setattr(small(), "units", 8)  # noqa: B010 - mypy knows that it is read-only


def test_an_unknown_key_is_refused(small: Callable[..., NetworkConfig]) -> None:
    with pytest.raises(ValidationError, match="unit"):
        small(unit=8)


@pytest.mark.parametrize("levels", [(0.1, 0.9), (0.9, 0.5), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5)])
def test_levels_rise_inside_0_and_1_and_hold_the_median(
    small: Callable[..., NetworkConfig], levels: tuple[float, ...]
) -> None:
    with pytest.raises(ValidationError, match="levels"):
        small(levels=levels)


def test_scaling_by_series_needs_its_two_features(small: Callable[..., NetworkConfig]) -> None:
    with pytest.raises(ValidationError, match="static"):
        small(scale="series")


def test_a_config_survives_its_json(small: Callable[..., NetworkConfig]) -> None:
    config = small()
    assert NetworkConfig.model_validate_json(config.model_dump_json()) == config
