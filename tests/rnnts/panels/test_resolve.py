from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.config import Frequency, PanelConfig
from rnnts.errors import ConfigurationError
from rnnts.panels.grid import SECONDS, Grid
from rnnts.panels.resolve import check_window, resolve

HOUR = 3_600


def config(**settings: Any) -> PanelConfig:  # noqa: ANN401 - any setting
    source = {"table": "readings", "time": "at", "value": "load"}
    return PanelConfig.model_validate({"source": source, "horizon": 48} | settings)


@pytest.mark.parametrize(
    ("frequency", "history", "window"),
    [
        ("5min", 100_000, 2_016),
        ("10min", 100_000, 2_016),
        ("1MS", 1_000, 60),
        ("15min", 100_000, 1_344),
        ("30min", 100_000, 672),
        ("1h", 1_008, 336),
        ("1h", 1_007, 288),
        ("1h", 300, 96),
        ("1h", 20, 48),
        ("1D", 1_000, 56),
        ("1D", 100, 28),
        ("1D", 10, 14),
        ("1W", 400, 104),
        ("1W", 140, 104),
        ("1W", 120, 39),
        ("1W", 20, 26),
    ],
)
def test_the_window_follows_from_frequency_and_history(
    frequency: Frequency, history: int, window: int
) -> None:
    assert resolve("loads", config(), Grid(frequency), history).window == window


@settings(deadline=None)
@given(st.sampled_from(list(SECONDS)), st.integers(0, 5_000))
def test_a_window_is_whole_patches_and_at_least_two_seasons(
    frequency: Frequency, history: int
) -> None:
    found = resolve("loads", config(), Grid(frequency), history)
    assert found.window % found.patch == 0
    assert found.window >= 2 * found.seasons[0].steps


def test_what_the_user_wrote_holds_and_says_so() -> None:
    found = resolve(
        "loads",
        config(
            frequency="1h",
            timezone="Europe/Berlin",
            quantiles=[0.1, 0.5, 0.9],
            minimum=0,
            maximum=9,
            max_delay="3h",
            max_stale="1d",
            model={"window": 100, "architecture": "lstm"},
            train={"steps": 500, "memory_gb": 2, "seed": 7},
        ),
        Grid("1h", "Europe/Berlin"),
        5_000,
    )
    assert (found.window, found.architecture, found.levels) == (100, "lstm", (0.1, 0.5, 0.9))
    assert (found.minutes, found.steps, found.memory_gb, found.seed) == (None, 500, 2.0, 7)
    assert (found.minimum, found.maximum) == (0.0, 9.0)
    assert (found.max_delay, found.max_stale) == (3 * HOUR, 24 * HOUR)
    written = {row.name for row in found.explain() if row.origin == "rnnts.toml"}
    assert written == {
        "frequency", "timezone", "horizon", "window", "quantiles", "minimum", "maximum",
        "max_delay", "max_stale", "architecture", "budget", "memory_gb", "seed",
    }  # fmt: skip


def test_every_value_is_explained_with_its_origin() -> None:
    rows = resolve("loads", config(), Grid("1h"), 5_000).explain()
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.value and row.origin for row in rows)
    origins = {row.name: row.origin for row in rows}
    assert origins["window"] == "frequency 1h"
    assert origins["frequency"] == "the labels of the data"
    assert origins["budget"] == "default"


def test_what_was_written_about_network_and_training_is_explained() -> None:
    model = {"units": 8, "scale": "constant", "constant": 10.0, "loss": "huber"}
    found = resolve("loads", config(model=model, train={"rate": 0.01}), Grid("1h"), 5_000)
    rows = {row.name: (row.value, row.origin) for row in found.explain()}
    written = {"units": "8", "scale": "constant", "constant": "10", "loss": "huber", "rate": "0.01"}
    assert {name: rows[name] for name in written} == {
        name: (value, "rnnts.toml") for name, value in written.items()
    }
    assert rows["revision_span"] == ("35d", "default")


@pytest.mark.parametrize(
    ("frequency", "horizon", "delay", "stale"),
    [
        ("15min", 4, 6 * HOUR, 2 * 672 * HOUR // 4),
        ("1h", 48, 6 * HOUR, 2 * 168 * HOUR),
        ("1h", 1_000, 6 * HOUR, 1_000 * HOUR),
        ("1D", 7, 48 * HOUR, 14 * 24 * HOUR),
    ],
)
def test_delays_that_are_borne_follow_from_step_horizon_and_season(
    frequency: Frequency, horizon: int, delay: int, stale: int
) -> None:
    found = resolve("loads", config(horizon=horizon), Grid(frequency), 500)
    assert (found.max_delay, found.max_stale) == (delay, stale)


def test_events_need_no_labels_to_know_their_phase() -> None:
    source = {"table": "flights", "time": "at", "aggregate": "count"}
    found = resolve("loads", config(source=source), Grid("1h"), 5_000)
    assert {row.name: row.origin for row in found.explain()}["phase"] == "default of events"


def test_a_window_longer_than_the_history_is_refused_with_one_that_fits() -> None:
    written = config(model={"window": 5_000})
    found = resolve("loads", written, Grid("1h"), 2_000)
    with pytest.raises(ConfigurationError, match=r"model\.window = 336") as caught:
        check_window(written, found, 2_000)
    assert caught.value.code == "WINDOW_TOO_LONG"
    with pytest.raises(ConfigurationError, match="wait for more history"):
        check_window(written, found, 30)
    check_window(written, found, 5_001)


def test_a_window_that_nobody_wrote_is_never_too_long() -> None:
    check_window(config(), resolve("loads", config(), Grid("1h"), 10), 10)
