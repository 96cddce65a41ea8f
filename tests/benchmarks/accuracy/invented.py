"""Weekly series as one finds them in statistics' yearbooks, invented: walks, drifts and seasons.

No real weekly table comes with the project. Of a walk one knows what can be known: nothing beats
its last value, so that what a network loses to it is what it takes for a pattern and is none.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from rnnts.panels.arrays import FloatArray
from tests.benchmarks.accuracy.case import Case
from tests.benchmarks.accuracy.data import KEYED, write_matrix

KINDS = ("walk", "drift", "season", "noisy_season")
SERIES = 300
HORIZON = 13
LONG, SHORT = (900, 2_200), (93, 600)
"""Weeks of history, from and to, of three series in five, and of the others."""
LONG_SHARE = 0.6
YEAR = 365.25 / 7
HARMONICS = (1.0, 0.5, 0.3)
ENDS = np.datetime64("2016-01-04T00", "s")
WEEK = np.timedelta64(7 * 86_400, "s")


def weekly() -> Iterator[Case]:
    """300 weekly series, usual values from 55 to 22,000, 13 weeks ahead, once."""
    random = np.random.default_rng(5)
    long = random.random(SERIES) < LONG_SHARE
    lengths = np.where(long, random.integers(*LONG, SERIES), random.integers(*SHORT, SERIES))
    steps = int(lengths.max()) + HORIZON
    values = np.full((SERIES, steps), np.nan)
    kinds = random.integers(0, len(KINDS), SERIES).tolist()
    for row, (length, kind) in enumerate(zip(lengths.tolist(), kinds, strict=True)):
        values[row, steps - length - HORIZON :] = _series(random, length + HORIZON, KINDS[kind])
    ids = tuple(f"{KINDS[kind]}-{row:03}" for row, kind in enumerate(kinds))
    labels = ENDS + (np.arange(steps) - (steps - HORIZON)) * WEEK
    yield Case(
        panel="weekly",
        ids=ids,
        labels=labels,
        values=values,
        origins=np.array([steps - HORIZON]),
        horizon=HORIZON,
        seasons=(1, 52),
        read=104,
        section=KEYED,
        write=partial(write_matrix, ids=ids, labels=labels, values=values),
        minutes=5.0,
    )


def kind_of(series_id: str) -> str:
    """Which kind a series is of.

    >>> kind_of("noisy_season-007")
    'noisy_season'
    """
    return series_id.rpartition("-")[0]


def _series(random: np.random.Generator, steps: int, kind: str) -> FloatArray:
    """One series of a kind, above 0, [steps]."""
    pace = np.exp(random.normal(-4.2, 0.8))  # usual change from week to week, of the value
    log = 0.8 * pace * random.standard_t(5, steps).cumsum()
    if kind == "drift":
        log += 0.005 * pace * random.normal(size=steps).cumsum().cumsum()
    if "season" in kind:
        turns = np.arange(1, len(HARMONICS) + 1)[:, None] * np.arange(steps) / YEAR
        phase = random.uniform(0, 1, (len(HARMONICS), 1))
        height = np.exp(random.normal(-2.5, 0.6)) * np.array(HARMONICS)
        log = 0.5 * log + height @ np.sin(2 * np.pi * (turns + phase))
    if kind == "noisy_season":
        log += 2 * pace * random.normal(size=steps)
    values: FloatArray = np.exp(random.uniform(4, 10) + log - log.mean())
    return values
