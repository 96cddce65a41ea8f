"""Records say how far off each past season was over the window, whatever the unit."""

from collections.abc import Callable

import numpy as np
import pytest

from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.networks.records import LEAST, record_of_bases
from rnnts.panels.arrays import FloatArray
from tests.rnnts.networks.test_build import with_weights

DAY, WEEK = (4, 2), (8, 1)


def records(series: FloatArray, window: int, unit: float = 1.0) -> FloatArray:
    """Of the last `window` steps of one series: errors in `unit`, NaN where not known.

    Returns:
        Over the window and over its newest days, [2, records].
    """
    row = np.asarray(series, np.float32)[None]
    tensors = [row[:, :-window], row[:, -window:], np.full((1, 1), unit, np.float32)]
    logs, known = np.split(np.asarray(record_of_bases(tensors, seasons=[DAY, WEEK], first=4))[0], 2)
    told: FloatArray = np.where(known > 0, np.exp(logs), np.nan).reshape(2, -1)
    return told


def test_what_repeats_exactly_has_no_error_and_what_does_not_has_its_own() -> None:
    """Every other day is 2 higher: the day before is off by 2, two days and a week before by 0."""
    series = np.tile([1.0, 5, 3, 4, 3, 7, 5, 6], 4)
    for day, two_days, mean, week, shifted, _ in records(series, 16, unit=2.0):
        assert day == pytest.approx(1.0)
        assert mean == pytest.approx(0.5)
        assert [two_days, week, shifted] == pytest.approx([LEAST] * 3)


def test_a_week_that_is_shifted_to_the_level_before_knows_what_rose() -> None:
    """A rise of 1 a week: a week before is off by 1, shifted by nothing."""
    series = np.repeat([0.0, 0, 1, 1, 2, 2, 3, 3], 4)
    for *_, week, shifted, _ in records(series, 16):
        assert week == pytest.approx(1.0)
        assert shifted == pytest.approx(LEAST)


def test_the_newest_days_have_records_of_their_own() -> None:
    series = np.concatenate([np.tile([1.0, 2, 3, 4], 6), [5.0, 6, 7, 8, 9, 10, 11, 12]])
    (day, *_), (newest, *_) = records(series, 16)
    assert day == pytest.approx(2.0)
    assert newest == pytest.approx(4.0)


def test_what_cannot_be_told_is_not_known() -> None:
    series = np.full(24, np.nan)
    series[-8:] = 1.0
    day, two_days, _, week, shifted, level = records(series, 16)[0]
    assert day == pytest.approx(LEAST)
    assert level == pytest.approx(LEAST)
    assert np.isnan([two_days, week, shifted]).all()


def test_the_level_of_a_day_is_held_against_the_day_after() -> None:
    series = np.tile([1.0, 2, 3, 100], 6)
    for *_, level in records(series, 16):
        assert level == pytest.approx((1.5 + 0.5 + 0.5 + 97.5) / 4)


def test_a_network_goes_by_what_lies_before_its_window(
    small: Callable[..., NetworkConfig], inputs_for: Callable[..., dict[str, FloatArray]]
) -> None:
    config = small()
    model = with_weights(build(config))
    inputs = inputs_for(config)
    other = inputs | {"before": inputs["before"] * 3}
    one, two = (np.asarray(model(each, training=False)) for each in (inputs, other))
    assert not np.allclose(one, two)
