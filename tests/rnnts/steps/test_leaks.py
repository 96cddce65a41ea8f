"""No feature that a network gets, and no forecast, sees what was not known at its instant.

Everything from an origin on is poisoned: made missing, made huge, turned around. Inputs of serving
and of training, and forecasts of every method of the gate, have to stay as they were, bit for bit;
a leak that is planted is found.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnts.config import Frequency
from rnnts.learning.bounds import Bounds
from rnnts.learning.rolling import HeldOut
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import seasons_of
from rnnts.windows import pipeline
from rnnts.windows.gather import inputs_at
from rnnts.windows.pipeline import Flat
from rnnts.windows.windowset import WindowSet

LEVELS = (0.1, 0.5, 0.9)
WORLDS: dict[str, tuple[Frequency, str, int, int, int]] = {
    "hours over a change of clocks": ("1h", "America/New_York", 1_500, 336, 48),
    "quarters of an hour": ("15min", "UTC", 1_600, 192, 96),
    "days of five years": ("1D", "Europe/Berlin", 1_825, 56, 28),
    "months": ("1MS", "UTC", 240, 24, 12),
}
"""Frequency, zone, steps, window and horizon."""
NEW_YORK_SPRING = 378_300  # some weeks before clocks went forward on 10 March 2013, in hours
Poison = Callable[[FloatArray], FloatArray]
POISONS: dict[str, Poison] = {
    "missing": lambda values: np.full_like(values, np.nan),
    "huge": lambda values: values * 1e9 + 1e9,
    "turned around": lambda values: -values[:, ::-1],
}


def world(name: str) -> tuple[Panel, WindowSet]:
    """Three series, one of them with a gap and one that begins late, and their windows."""
    frequency, zone, steps, window, horizon = WORLDS[name]
    first = NEW_YORK_SPRING if frequency == "1h" else 5_000
    seasons = seasons_of(frequency, steps)
    place = np.arange(steps)
    random = np.random.default_rng(0)
    values = np.stack(
        [
            size
            * (2 + np.sin(2 * np.pi * place / seasons[-1].steps) + random.normal(0, 0.2, steps))
            for size in (1.0, 50.0, 1e6)
        ]
    )
    values[1, steps // 2 : steps // 2 + 5] = np.nan
    values[2, : steps // 5] = np.nan
    begins = (first, first, first + steps // 5)
    infos = tuple(
        SeriesInfo(f"s{row}", (), one, first + steps - 1) for row, one in enumerate(begins)
    )
    panel = Panel("p", Grid(frequency, zone), infos, first, values, first + steps - 1)
    return panel, windows_of(panel, window, horizon, with_calendar=frequency != "1MS")


def windows_of(panel: Panel, window: int, horizon: int, **more: Any) -> WindowSet:  # noqa: ANN401 - options of WindowSet.of
    seasons = seasons_of(panel.grid.frequency, panel.values.shape[1])
    return WindowSet.of(panel, window=window, horizon=horizon, seasons=seasons, **more)


def poisoned(panel: Panel, origin: int, poison: Poison) -> Panel:
    """The panel with everything from an origin on made something else."""
    values = panel.values.copy()
    values[:, origin - panel.first_step :] = poison(values[:, origin - panel.first_step :])
    return replace(panel, values=values)


def fed(panel: Panel, windowset: WindowSet, origin: int) -> dict[str, FloatArray]:
    """All that a network is given at an origin, by serving and by the pipeline of training."""
    served = inputs_at(panel, windowset, origin)
    every = windows_of(
        panel, windowset.window, windowset.horizon, parts=windowset.parts,
        with_calendar=windowset.known_future > 0,
    )  # fmt: skip
    series = np.flatnonzero(windowset.usable(np.array([origin]))[:, 0])
    gathered, _, _ = Flat.of(every, "gate").gather(series, np.full(len(series), origin))
    return {f"served {name}": values for name, values in served.items()} | {
        f"trained {name}": np.asarray(values) for name, values in gathered.items()
    }


def forecasts(panel: Panel, windowset: WindowSet, origin: int) -> dict[str, FloatArray]:
    """What every method of the gate forecasts at an origin."""
    held_out = HeldOut(panel, windowset, Bounds())
    config = NetworkConfig(
        window=windowset.window, horizon=windowset.horizon, levels=LEVELS,
        seasons=windowset.seasons, known_future=windowset.known_future,
    )  # fmt: skip
    methods = {"network": held_out.network(None, config, LEVELS)}
    for season in seasons_of(panel.grid.frequency, panel.values.shape[1]):
        methods[season.name] = held_out.seasonal_naive(season, LEVELS)
    return {name: method(origin) for name, method in methods.items()}


def sees_everything(_model: None, inputs: dict[str, FloatArray]) -> FloatArray:
    """Stands for a network: every number that it is given moves each of its forecasts."""
    total = np.zeros(len(inputs["values"]))
    for values in inputs.values():
        flat = np.nan_to_num(values.reshape(len(values), -1), nan=0.123)
        total += flat @ np.sin(1.0 + np.arange(flat.shape[1]))
    horizon = inputs["bases"].shape[1]
    return np.broadcast_to(total[:, None, None], (len(total), horizon, len(LEVELS))).copy()


def origins_of(windowset: WindowSet) -> list[int]:
    """One of each part: to train on, to calibrate by, to judge by."""
    parts = windowset.parts
    in_training = parts.training_until - 2 * windowset.horizon
    return [in_training, int(parts.calibration_origins[0]), int(parts.gate_origins[-1])]


def differing(name: str, poison: Poison) -> list[str]:
    """Features and forecasts that changed where only what comes later did."""
    panel, windowset = world(name)
    found: list[str] = []
    for origin in origins_of(windowset):
        changed = poisoned(panel, origin, poison)
        for look in (fed, forecasts):
            before, after = (look(one, windowset, origin) for one in (panel, changed))
            assert set(before) == set(after)
            found += [
                f"{feature} at {origin}"
                for feature, values in before.items()
                if not np.array_equal(values, after[feature], equal_nan=True)
            ]
    return found


@pytest.fixture(autouse=True)
def _network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnts.learning.rolling.predict_blocks", sees_everything)


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
@pytest.mark.parametrize("name", WORLDS)
def test_no_feature_and_no_forecast_sees_what_comes_later(name: str, poison: Poison) -> None:
    assert differing(name, poison) == []


def test_a_window_that_reaches_a_step_too_far_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "upto", lambda panel, step: replace(panel, watermark=step))
    monkeypatch.setattr(
        "rnnts.learning.rolling.inputs_at",
        lambda panel, spec, origin, **_: inputs_at(panel, spec, origin + 1),
    )
    found = differing("hours over a change of clocks", POISONS["huge"])
    assert found
    assert all(one.startswith("network at") for one in found)


def test_values_of_the_pipeline_shifted_by_a_step_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = pipeline.Flat.gather
    monkeypatch.setattr(
        pipeline.Flat, "gather", lambda flat, series, origin: honest(flat, series, origin + 1)
    )
    found = differing("days of five years", POISONS["huge"])
    assert any(one.startswith("trained values") for one in found)
    assert any(one.startswith("trained bases") for one in found)
    assert not any(one.startswith(("served", "network")) for one in found)
