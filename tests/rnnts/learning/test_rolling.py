"""What errors of held-out days are counted in."""

import numpy as np
import pytest

from rnnts.learning.bounds import Bounds
from rnnts.learning.rolling import LEAST_OF_JUDGED, HeldOut
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import seasons_of
from rnnts.windows.windowset import WindowSet

STEPS = 24 * 60


def held_out(values: FloatArray) -> HeldOut:
    infos = tuple(SeriesInfo(f"s{row}", (), 0, STEPS - 1) for row in range(len(values)))
    panel = Panel("flights", Grid("1h"), infos, 0, values, STEPS - 1)
    seasons = seasons_of("1h", STEPS)
    windowset = WindowSet.of(panel, window=48, horizon=24, seasons=seasons)
    return HeldOut(panel, windowset, Bounds())


def test_a_series_that_hardly_ever_moved_before_is_counted_in_how_it_moves_now() -> None:
    noisy = np.random.default_rng(0).normal(size=STEPS)
    rare = np.zeros(STEPS)
    rare[24 * 10 + 9] = 1.0  # one flight in all of training
    gate = int(held_out(np.stack([noisy])).windowset.parts.gate_origins[0])
    rare[gate + 9 :: 48] = 40.0  # every other day now, and full
    never = np.zeros(STEPS)
    found = held_out(np.stack([noisy, rare, never]))
    scale = found.windowset.scale
    assert found.unit[0] == scale[0]
    assert found.unit[1] == pytest.approx(LEAST_OF_JUDGED * 40 / 24)
    assert found.unit[1] > 10 * scale[1] > 0
    assert found.unit[2] == 0.0  # nothing to learn is still nothing to judge


def test_all_methods_are_scored_in_that_unit() -> None:
    calm = np.random.default_rng(1).normal(size=STEPS)
    gate = int(held_out(np.stack([calm])).windowset.parts.gate_origins[0])
    calm[gate:] *= 100.0
    found = held_out(np.stack([calm]))
    levels = (0.1, 0.5, 0.9)
    naive = found.seasonal_naive(seasons_of("1h", STEPS)[0], levels)
    nothing = {"nothing": lambda _origin: np.zeros((1, 24, 3)), "naive": naive}
    tallies = found.score(nothing, levels, np.array([0]), lambda: None).tallies
    origins = found.windowset.parts.gate_origins.tolist()
    errors = np.array([np.abs(found.actual(origin)[0]).mean() for origin in origins])
    assert tallies["nothing"].windows()[:, 0] == pytest.approx(errors / found.unit[0])
    # A naive forecast of days like these is wrong by about the change of a season: 2 halves.
    assert tallies["naive"].windows().mean() == pytest.approx(1 / LEAST_OF_JUDGED, rel=0.2)
