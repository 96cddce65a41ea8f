import numpy as np
import pytest

from rnnts.learning.rate import pick_rate, sweep_rates
from rnnts.learning.recipe import Recipe
from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.windows.windowset import WindowSet


def test_the_rate_picked_is_a_tenth_of_the_one_with_the_lowest_loss() -> None:
    assert pick_rate(np.geomspace(1e-4, 1.0, 5), np.array([5, 4, 1, 3, np.nan])) == pytest.approx(
        1e-3
    )


def test_a_sweep_rises_until_the_loss_diverges() -> None:
    values = 100 + 10 * np.sin(np.arange(300.0))[None]
    panel = Panel("p", Grid("1h"), (SeriesInfo("s", (), 0, 299),), 0, values, 299)
    windowset = WindowSet.of(panel, window=12, horizon=3, seasons=())
    config = NetworkConfig(
        architecture="simple_rnn", window=12, horizon=3, units=8, levels=(0.5,), dropout=0.0
    )
    sweep = sweep_rates(
        config, windowset, steps=60, highest=1e4, recipe=Recipe(batch=16, mixing=0.0, clip=1e9)
    )
    assert len(sweep.rates) == len(sweep.losses) == len(sweep.smooth) < 60
    assert (np.diff(sweep.rates) > 0).all()
    assert sweep.rates[0] == pytest.approx(1e-5)
    assert 1e-5 <= sweep.rate < sweep.rates[-1]
