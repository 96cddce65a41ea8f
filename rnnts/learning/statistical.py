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
MOST_SERIES = 200
"""More tell no more: the standard error of a mean of 200 is 7 % of one series' spread."""
MEDIAN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Forecasts of the series that could be had in the time."""

    series: IntArray  # places in the panel, rising, [sampled]
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
    """Forecast series, one after the other, from every origin, until the time is up.

    Args:
        panel: Values; of each origin only those before it are looked at.
        origins: Grid steps of first targets, [origins].
        question: Horizon, seasons and levels.
        series: In which order.
        seconds: For all of it, the library's import too.
    """
    shape = (len(origins), 0, question.horizon, len(question.levels))
    nothing = Sample(np.empty(0, np.int64), np.empty(shape), 0.0)
    if importlib.util.find_spec(LIBRARY) is None:
        return Sample(nothing.series, nothing.quantiles, 0.0, f"{LIBRARY} is not installed")
    if seconds < LEAST_SECONDS:
        reason = f"{seconds:.1f} s are too few, {LEAST_SECONDS:.0f} s are needed"
        return Sample(nothing.series, nothing.quantiles, 0.0, reason)
    began = perf_counter()
    done: list[int] = []
    rows: list[FloatArray] = []
    for row in series:
        if perf_counter() - began > seconds:
            break
        past = [panel.values[row, : max(0, int(origin) - panel.first_step)] for origin in origins]
        rows.append(np.stack([_forecast(values, question) for values in past]))
        done.append(row)
    if not done:
        return Sample(nothing.series, nothing.quantiles, perf_counter() - began, "no series")
    order = np.argsort(done)
    quantiles = np.stack(rows, axis=1)[:, order]
    return Sample(np.array(done, np.int64)[order], quantiles, perf_counter() - began)


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
