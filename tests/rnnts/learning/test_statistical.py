"""The statistical method keeps to its time, and one bad series does not stop the others."""

import numpy as np
import pytest

from rnnts.learning import statistical
from rnnts.learning.statistical import Question, forecast_sample, sampled
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

LEVELS = (0.1, 0.5, 0.9)
QUESTION = Question(horizon=6, seasons=(6, 12), levels=LEVELS)


def panel_of(values: np.ndarray) -> Panel:
    steps = values.shape[1]
    infos = tuple(SeriesInfo(f"s{row}", (), 0, steps - 1) for row in range(len(values)))
    return Panel("p", Grid("1h"), infos, 0, values, steps - 1)


def wave(noise: float = 0.1) -> np.ndarray:
    steps = np.arange(120)
    random = np.random.default_rng(0)
    return 10 + 5 * np.sin(2 * np.pi * steps / 6) + random.normal(0, noise, 120)


def test_it_forecasts_a_seasonal_series_and_leaves_out_what_it_cannot() -> None:
    pytest.importorskip("statsforecast")
    holes = np.where(np.arange(120) % 7 == 0, np.nan, wave())
    panel = panel_of(np.stack([wave(), np.full(120, 3.0), holes]))
    sample = forecast_sample(panel, np.array([96, 114]), QUESTION, [2, 1, 0], 60.0)
    assert sample.series.tolist() == [0, 1, 2]
    assert sample.origins.tolist() == [0, 1]
    assert sample.quantiles.shape == (2, 3, 6, 3)
    assert np.isnan(sample.quantiles[:, 1]).all()
    for row in (0, 2):
        np.testing.assert_allclose(sample.quantiles[1, row, :, 1], wave(0.0)[114:], atol=2.5)
        assert (np.diff(sample.quantiles[:, row], axis=2) >= 0).all()


def test_nothing_from_its_origin_on_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def look(past: np.ndarray, _question: Question) -> np.ndarray:
        seen.append(len(past))
        return np.zeros((6, 3))

    monkeypatch.setattr(statistical, "_forecast", look)
    forecast_sample(panel_of(wave()[None]), np.array([96, 114]), QUESTION, [0], 60.0)
    assert seen == [96, 114]


def test_it_stops_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(statistical, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(statistical, "_forecast", lambda *_: np.zeros((6, 3)))
    panel = panel_of(np.stack([wave()] * 9))
    sample = forecast_sample(panel, np.array([96]), QUESTION, list(range(9)), 40.0)
    assert sample.series.tolist() == [0, 1]


def test_too_little_time_is_said_and_nothing_imported() -> None:
    sample = forecast_sample(panel_of(wave()[None]), np.array([96]), QUESTION, [0], 1.0)
    assert len(sample.series) == 0
    assert sample.reason == "1.0 s are too few, 10 s are needed"


def test_without_the_library_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistical, "LIBRARY", "no_such_library")
    sample = forecast_sample(panel_of(wave()[None]), np.array([96]), QUESTION, [0], 60.0)
    assert sample.reason == "no_such_library is not installed"


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    panel = panel_of(np.zeros((500, 2)))
    assert sampled(panel, 1).tolist() == sampled(panel, 1).tolist()
    assert sampled(panel, 1).tolist() != sampled(panel, 2).tolist()
    assert len(sampled(panel, 1)) == statistical.MOST_SERIES
