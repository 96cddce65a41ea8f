"""Ranges hold in every quarter of the horizon, and within a week of a shift of level again."""

from functools import cache

import numpy as np
import pytest

from rnnts.learning.calibration import Calibration
from rnnts.learning.fit import fit
from rnnts.learning.metrics import covered, mean_observed, seasonal_error
from rnnts.learning.predict import predict_blocks
from rnnts.learning.residuals import Residuals
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.gather import inputs_at
from rnnts.windows.windowset import WindowSet

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 turns TensorFlow's variables into arrays the old way
    "ignore:__array__ implementation:DeprecationWarning"
)
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
SERIES, DAYS, HORIZON, DAY = 40, 110, 24, 24
TRAINED, SHIFT, NIGHTS = 70, 80, 30
QUARTER = HORIZON // 4


def panel_with(shift: float) -> Panel:
    """Hours with a shape of the day and errors that go on; from SHIFT on all are higher."""
    random = np.random.default_rng(0)
    hours = np.arange(DAY * DAYS)
    phase = random.uniform(0, 2 * np.pi, (SERIES, 1))
    shape = 20 + 5 * np.sin(2 * np.pi * hours / DAY + phase)
    noise = random.normal(0, 1, (SERIES, DAY * DAYS))
    for hour in hours[1:]:
        noise[:, hour] += 0.7 * noise[:, hour - 1]
    values = shape + noise + shift * (hours >= DAY * SHIFT)
    infos = tuple(SeriesInfo(f"s{row:02}", (), 0, len(hours) - 1) for row in range(SERIES))
    return Panel("p", Grid("1h"), infos, 0, values, len(hours) - 1)


@cache
def nights(shift: float) -> tuple[FloatArray, FloatArray]:
    """What was published each night, calibrated by the nights before it, and what happened.

    Returns:
        Quantiles [nights, series, horizon, levels] and truth [nights, series, horizon].
    """
    panel = panel_with(shift)
    past = panel.upto(DAY * TRAINED - 1)
    windowset = WindowSet.of(past, window=72, horizon=HORIZON, seasons=(Season("day", DAY, 1),))
    config = NetworkConfig(
        window=72, horizon=HORIZON, seasons=windowset.seasons, units=8, layers=1, levels=LEVELS
    )
    model = fit(config, windowset, steps=250).model
    origins = [*windowset.parts.calibration_origins, *windowset.parts.gate_origins]
    origins = [int(origin) for origin in origins]
    origins += [DAY * day for day in range(TRAINED, DAYS - 1)]
    ids = np.array([info.series_id for info in panel.series])
    scale = seasonal_error(past.values, DAY)
    raw = {at: predict_blocks(model, inputs_at(panel.upto(at - 1), config, at)) for at in origins}

    def known(at: int, until: int) -> Residuals:
        truth = np.full((SERIES, HORIZON), np.nan)
        there = panel.values[:, at : min(at + HORIZON, until)]
        truth[:, : there.shape[1]] = there
        steps = np.full(SERIES, at, np.int64)
        return Residuals(raw[at], truth, scale, ids, steps, np.zeros(SERIES, np.int64))

    published, happened = [], []
    for at in origins[-NIGHTS - 1 : -1]:
        lessons = Residuals.joined([known(before, at) for before in origins if before < at])
        calibration = Calibration.fit(LEVELS, lessons, DAY)
        published.append(calibration.apply(raw[at], ids))
        happened.append(panel.values[:, at : at + HORIZON])
    return np.stack(published), np.stack(happened)


def by_quarter(shift: float, share: float, first: int) -> FloatArray:
    """Coverage from a night after SHIFT on, by quarter of the horizon, in per cent."""
    quantiles, truth = nights(shift)
    begin = len(truth) - (DAYS - 2 - SHIFT) + first
    inside = covered(truth[begin:], quantiles[begin:], LEVELS, share)  # [nights, series, horizon]
    return 100 * mean_observed(inside.reshape(-1, 4, QUARTER), axis=(0, 2))


@pytest.mark.parametrize("share", [0.8, 0.95])
@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_ranges_hold_in_every_quarter_a_week_after_a_shift(shift: float, share: float) -> None:
    np.testing.assert_allclose(by_quarter(shift, share, first=7), 100 * share, atol=4.0)


def test_the_shift_is_felt_on_its_first_night() -> None:
    quantiles, truth = nights(4.0)
    first = len(truth) - (DAYS - 2 - SHIFT)
    assert covered(truth[first], quantiles[first], LEVELS, 0.8).mean() < 0.6
