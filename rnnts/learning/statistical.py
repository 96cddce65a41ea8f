"""One statistical method on a sample of series, as many as fit into a given time.

MSTL with exponential smoothing (Bandara et al. 2021; statsforecast's), the strongest of the
classical methods that need no care: it is there to say what a network is worth, not to serve.
"""

import importlib.util
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.panel import Panel

NAME = "mstl_ets"
LIBRARY = "statsforecast"
LEAST_SECONDS = 10.0
"""Below, the import alone takes half of it, and what is left scores no series worth the name."""
CYCLES = 4
"""Times the longest season that it looks back: 28 days of hours take 0.4 s, 56 days 0.7 s."""
MOST_ORIGINS = 2
"""Origins of each series: twice as many series tell more than twice as many origins."""
MOST_SERIES = 200
"""More tell no more: the standard error of a mean of 200 is 7 % of one series' spread."""
MEDIAN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Forecasts of the series that could be had in the time."""

    series: IntArray  # places in the panel, rising, [sampled]
    origins: IntArray  # places among the origins, rising, [at most MOST_ORIGINS]
    quantiles: FloatArray  # [origins, sampled, horizon, levels]; NaN where it failed
    seconds: float
    reason: str = ""  # why there is none


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be forecast."""

    horizon: int
    seasons: tuple[int, ...]  # steps, rising
    levels: tuple[float, ...]  # rising


def sampled(panel: Panel, seed: int) -> IntArray:
    """Series in a seeded random order, at most MOST_SERIES, [sampled]."""
    order = np.random.default_rng(seed).permutation(len(panel.series))
    return order[:MOST_SERIES].astype(np.int64)


def forecast_sample(
    panel: Panel, origins: IntArray, question: Question, series: Sequence[int], seconds: float
) -> Sample:
    """Forecast series, one after the other, from a few origins each, until the time is up.

    Args:
        panel: Values; of each origin only those before it are looked at.
        origins: Grid steps of first targets, [origins].
        question: Horizon, seasons and levels.
        series: In which order.
        seconds: For all of it, the library's import too.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        return _nothing(question, f"{LIBRARY} is not installed")
    if seconds < LEAST_SECONDS:
        return _nothing(question, f"{seconds:.1f} s are too few, {LEAST_SECONDS:.0f} s are needed")
    began = perf_counter()
    places = spread(len(origins))
    done: dict[int, FloatArray] = {}
    for row in series:
        if perf_counter() - began > seconds:
            break
        ends = np.maximum(origins[places] - panel.first_step, 0)
        done[row] = np.stack([_forecast(panel.values[row, :end], question) for end in ends])
    if not done:
        return _nothing(question, "there is no series to forecast")
    quantiles = np.stack([done[row] for row in sorted(done)], axis=1)
    return Sample(np.array(sorted(done), np.int64), places, quantiles, perf_counter() - began)


def spread(count: int) -> IntArray:
    """Places of at most MOST_ORIGINS among so many, evenly.

    >>> spread(8).tolist(), spread(1).tolist()
    ([2, 6], [0])
    """
    chosen = min(count, MOST_ORIGINS)
    return (np.arange(chosen) * 2 + 1) * count // (2 * max(chosen, 1))


def _nothing(question: Question, reason: str) -> Sample:
    empty = np.empty(0, np.int64)
    quantiles = np.empty((0, 0, question.horizon, len(question.levels)))
    return Sample(empty, empty, quantiles, 0.0, reason)


def _forecast(past: FloatArray, question: Question) -> FloatArray:
    """Quantiles of one series, [horizon, levels]; NaN where the method fails."""
    failed = np.full((question.horizon, len(question.levels)), np.nan)
    values = _filled(past[-CYCLES * max(question.seasons) :])
    seasons = [season for season in question.seasons if 2 * season <= len(values)]
    if not seasons or np.ptp(values) == 0:
        return failed
    wanted = {level: round(100 * abs(1 - 2 * level), 6) for level in question.levels}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of series that it finds hard
            told = _model(seasons).forecast(
                y=values, h=question.horizon, level=sorted({*wanted.values()} - {0.0})
            )
    except Exception:  # noqa: BLE001 - whatever a library says of one series, others go on
        return failed
    columns = [told[_column(level, wanted[level])] for level in question.levels]
    return np.sort(np.stack(columns, axis=1).astype(np.float64), axis=1)


def _column(level: float, interval: float) -> str:
    """The library's name of a quantile.

    >>> _column(0.1, 80.0), _column(0.975, 95.0), _column(0.5, 0.0)
    ('lo-80.0', 'hi-95.0', 'mean')
    """
    if interval == 0.0:
        return "mean"
    return f"{'lo' if level < MEDIAN else 'hi'}-{interval}"


def _model(seasons: list[int]) -> Any:
    from statsforecast.models import MSTL, AutoETS

    return MSTL(season_length=seasons, trend_forecaster=AutoETS(model="ZZN"))


def _filled(values: FloatArray) -> FloatArray:
    """Missing values on the line between their neighbours, those before the first left out."""
    known = np.flatnonzero(~np.isnan(values))
    if known.size == 0:
        return values[:0]
    steps = np.arange(known[0], len(values))
    return np.interp(steps, known, values[known])
