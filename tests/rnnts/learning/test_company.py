"""Ranges of young series: as wide as the same method erred on the panel's older ones."""

from dataclasses import replace

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.learning.bounds import Bounds
from rnnts.learning.company import ranges_by_company
from rnnts.learning.ladder import plain_forecast
from rnnts.learning.standing import Rules, Standing
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

DAY = 24
DAYS = 60
HORIZON = 24
MIDDLE, LOW, HIGH = LEVELS.index(0.5), LEVELS.index(0.1), LEVELS.index(0.9)
RULES = Rules(
    window=7 * DAY,
    least=7 * DAY,
    horizon=HORIZON,
    season=DAY,
    days=1,
    max_delay=6,
    max_stale=60,
    retired_after=400,
)
ORIGIN = DAYS * DAY
RUNGS = {0: "profile", 1: "last_value", 6: "last_value", 30: "seasonal_naive"}


def loads(series: int, steps: int, seed: int = 0) -> FloatArray:
    """Days of one shape and many sizes, with noise in proportion, [series, steps]."""
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(3, 1, (series, 1)))
    shape = 2 + np.sin(np.arange(steps) * 2 * np.pi / DAY)
    return np.asarray(size * (shape + random.normal(0, 0.2, (series, steps))))


def cut(values: FloatArray, young: int, length: int) -> Panel:
    """The first `young` series begin `length` steps before the origin."""
    values = values[:, :ORIGIN].copy()
    values[:young, : ORIGIN - length] = np.nan
    infos = tuple(
        SeriesInfo(f"s{row:03}", (), ORIGIN - length if row < young else 0, ORIGIN - 1)
        for row in range(len(values))
    )
    return Panel("loads", Grid("1h"), infos, 0, values, ORIGIN - 1)


def forecasts(
    panel: Panel, young: int, rung: str, rules: Rules = RULES
) -> tuple[FloatArray, FloatArray]:
    """What the method alone says, and what it says with the company's ranges."""
    method = np.full(len(panel.series), "network", "<U16")
    method[:young] = rung
    days = np.ones(len(method), np.int64)
    alone, served = plain_forecast(panel, ORIGIN, method, rules, LEVELS, days=days)
    assert (served == method).all()
    length = Standing.of(panel, ORIGIN, rules).length
    asked = ranges_by_company(alone, panel, ORIGIN, method, length, rules, LEVELS)
    return alone[:young], asked[:young]


@pytest.mark.parametrize(("length", "rung"), RUNGS.items())
def test_at_least_as_many_truths_lie_in_ranges_of_new_series_as_these_say(
    length: int, rung: str
) -> None:
    values = loads(400, ORIGIN + HORIZON)
    _, forecast = forecasts(cut(values, 200, length), 200, rung)
    truth = values[:200, ORIGIN:]
    inside = (truth >= forecast[:, :, LOW]) & (truth <= forecast[:, :, HIGH])
    assert 0.75 < inside.mean() < 0.9  # more where all errors lie on one side of the median


@pytest.mark.parametrize("length", [1, 6, 30])
def test_the_method_still_says_the_median_and_nothing_crosses(length: int) -> None:
    alone, forecast = forecasts(cut(loads(40, ORIGIN), 4, length), 4, RUNGS[length])
    np.testing.assert_array_equal(forecast[:, :, MIDDLE], alone[:, :, MIDDLE])
    assert (np.diff(forecast, axis=2) >= 0).all()
    assert (forecast[:, :, -1] > forecast[:, :, 0]).all()


def test_a_series_with_a_whole_window_keeps_its_own_ranges() -> None:
    alone, forecast = forecasts(cut(loads(40, ORIGIN), 4, 10 * DAY), 4, "seasonal_naive")
    np.testing.assert_array_equal(forecast, alone)


def test_a_series_of_another_size_gets_ranges_of_that_size() -> None:
    values = loads(100, ORIGIN)
    panel = cut(values, 4, 30)
    _, plain = forecasts(panel, 4, "seasonal_naive")
    huge = panel.values.copy()
    huge[0] *= 1e6
    _, scaled = forecasts(replace(panel, values=huge), 4, "seasonal_naive")
    np.testing.assert_allclose(scaled[0], 1e6 * plain[0])
    np.testing.assert_array_equal(scaled[1:], plain[1:])


def test_what_has_only_been_nought_is_compared_with_others_that_just_were() -> None:
    random = np.random.default_rng(5)
    busy = (np.arange(ORIGIN) % DAY >= 6).astype(float)  # nothing from midnight to six
    values = busy * random.poisson(5, (60, ORIGIN))
    panel = cut(np.roll(values, -6, axis=1), 2, 6)  # its first hours are those of the night
    assert not np.nansum(panel.values[:2])
    _, forecast = forecasts(panel, 2, "last_value", replace(RULES, bounds=Bounds(0.0, None)))
    assert (forecast[:, :, 0] == 0).all()
    assert forecast[0, 12, HIGH] > 4
    assert forecast[0, HORIZON - 1, HIGH] == 0


def test_few_series_say_less_than_many() -> None:
    values = loads(100, ORIGIN)
    further = []
    for count in (5, 100):
        alone, asked = forecasts(cut(values[:count], 1, 0), 1, "profile")
        further.append(np.ptp(asked[0, 0, [LOW, HIGH]]) / np.ptp(alone[0, 0, [LOW, HIGH]]))
    assert further[0] > 1.2
    assert further[1] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("length", [1, 20])
def test_where_all_are_new_a_range_is_that_of_the_few_observations(length: int) -> None:
    alone, forecast = forecasts(cut(loads(3, ORIGIN), 3, length), 3, "last_value")
    assert (alone[:, :, 0] == alone[:, :, -1]).all()
    assert (forecast[:, :, LOW] < forecast[:, :, HIGH]).all()


def test_nothing_at_or_after_the_origin_is_looked_at() -> None:
    values = loads(30, ORIGIN + HORIZON)
    panel = cut(values, 3, 6)
    _, now = forecasts(panel, 3, "last_value")
    later = replace(
        panel,
        values=np.concatenate([panel.values, np.full((30, HORIZON), 1e9)], axis=1),
        watermark=ORIGIN + HORIZON - 1,
    )
    _, then = forecasts(later, 3, "last_value")
    np.testing.assert_array_equal(now, then)


def test_data_late_by_a_day_widen_what_the_last_value_may_be_off_by() -> None:
    walk = np.random.default_rng(6).normal(0, 1, (60, ORIGIN)).cumsum(axis=1) + 1_000
    width = []
    for late in (0, DAY):
        panel = cut(walk, 1, 2 * DAY)
        panel = panel.upto(ORIGIN - late - 1)
        _, forecast = forecasts(panel, 1, "last_value")
        width.append(float((forecast[0, :6, HIGH] - forecast[0, :6, LOW]).mean()))
    assert width[1] > 1.5 * width[0]
