"""Frequency and phase out of labels."""

import numpy as np
import pytest

from rnnts.config import Frequency
from rnnts.panels.arrays import IntArray
from rnnts.panels.grid import SECONDS, Grid
from rnnts.panels.labels import infer_frequency, majority_phase

LATE = 10**10


def labels(step: int, count: int, series: int = 3, phase: int = 0) -> tuple[IntArray, IntArray]:
    codes = np.repeat(np.arange(series), count)
    return codes, np.tile(np.arange(count) * step + phase, series)


@pytest.mark.parametrize("frequency", list(SECONDS))
def test_regular_labels_tell_their_frequency(frequency: Frequency) -> None:
    series, count = 3, 20
    grid = Grid(frequency, phase=120)
    codes = np.repeat(np.arange(series), count)
    seconds = np.tile(grid.label_of(np.arange(7, 7 + count)), series)
    assert infer_frequency(codes, seconds, "UTC", LATE) == frequency
    assert majority_phase(codes, seconds, frequency, "UTC", LATE) % 300 == 120


def test_order_and_gaps_do_not_matter() -> None:
    codes, seconds = labels(3600, 200)
    kept = np.random.default_rng(0).permutation(len(codes))[:150]
    assert infer_frequency(codes[kept], seconds[kept], "UTC", LATE, complete=False) == "1h"


def test_days_follow_the_clock_of_their_zone() -> None:
    days = np.arange("2024-03-01", "2024-04-01", dtype="datetime64[D]").astype("datetime64[s]")
    offset = np.where(np.arange(31) < 10, 5, 4) * 3600  # New York, clocks changed on the 10th
    seconds = days.astype(np.int64) + offset
    codes = np.zeros(31, np.int64)
    assert infer_frequency(codes, seconds, "America/New_York", LATE) == "1D"
    assert majority_phase(codes, seconds, "1D", "America/New_York", LATE) == 0
    assert infer_frequency(codes, seconds, "UTC", LATE) is None  # too far apart for hours


@pytest.mark.parametrize(
    "step", [pytest.param(100, id="finer than any"), pytest.param(30 * 86_400, id="every 30 days")]
)
def test_labels_of_no_known_frequency_are_not_guessed(step: int) -> None:
    assert infer_frequency(*labels(step, 40), "UTC", LATE) is None


def test_a_label_each_tells_nothing() -> None:
    codes = np.arange(5)
    assert infer_frequency(codes, codes * 3600, "UTC", LATE) is None
    assert infer_frequency(codes[:0], codes[:0], "UTC", LATE) is None


def test_labels_of_unfinished_steps_have_no_say() -> None:
    codes, seconds = labels(3600, 50, series=1)
    extra = np.arange(49 * 3600 + 1, 50 * 3600)
    every = np.concatenate([seconds, extra]), np.zeros(len(seconds) + len(extra), np.int64)
    assert infer_frequency(every[1], every[0], "UTC", 50 * 3600 - 1) == infer_frequency(
        codes, seconds, "UTC", 50 * 3600 - 1
    )
    assert majority_phase(every[1], every[0], "1h", "UTC", 50 * 3600 - 1) == 0


def test_the_phase_is_that_of_the_majority_and_0_without_labels() -> None:
    seconds = np.array([1800, 5400, 9000, 3600, 3600, 3600, 3600])
    codes = np.zeros(len(seconds), np.int64)
    assert majority_phase(codes, seconds, "1h", "UTC", LATE) == 1800  # repeated rows have one vote
    assert majority_phase(codes[:0], seconds[:0], "1h", "UTC", LATE) == 0
