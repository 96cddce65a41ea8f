"""Errors of two forecasters as real ones differ: figures measured on held-out days of real panels.

Three networks that differ in nothing but their seed were trained on each panel, and their errors of
every held-out day compared in pairs, in units of the mean error (48 hours ahead, once a day).
"""

from dataclasses import dataclass

import numpy as np

from rnnts.panels.arrays import FloatArray


@dataclass(frozen=True)
class Measured:
    """How two equal networks differ on a panel."""

    series: int
    spread: float  # standard deviation of the difference of one window
    shared: float  # correlation of the differences of two series at one origin
    lasting: float  # standard deviation of what a series' mean difference is
    by_day: tuple[float, ...]  # autocorrelation of the mean difference of an origin, lag 1, 2, …
    by_series: tuple[float, ...]  # the same of one series, beside that of its origin
    freedom: float  # of Student's t with tails like theirs


ETT_H1 = Measured(7, 0.062, 0.13, 0.005, (0.26, 0.18, 0.14, 0.08), (0.19, 0.10, 0.10), 6.0)
"""325 days; excess kurtosis of an origin's difference 1 to 7."""
M4_HOURLY = Measured(414, 0.143, 0.009, 0.06, (0.36, 0.03), (0.13,), 12.0)
"""15 days of shorter series."""
FLIGHTS = Measured(32, 0.363, 0.005, 0.014, (0.25, 0.06, 0.15), (0.20, 0.07), 4.5)
"""163 days; excess kurtosis 13 to 28: on some days a series flies that hardly ever does."""


def equal_pair(
    panel: Measured, origins: int, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Errors of two networks that are equally good in the long run, [origins, series] each."""
    together = np.sqrt(panel.shared) * _moving(origins, 1, panel.by_day, panel.freedom, random)
    alone = np.sqrt(1 - panel.shared) * _moving(
        origins, panel.series, panel.by_series, panel.freedom, random
    )
    lasting = random.normal(0, panel.lasting, panel.series)
    difference = panel.spread * (together + alone) + lasting - lasting.mean()
    level = random.gamma(4.0, 0.25, (origins, panel.series))  # hard days, hard series
    level = np.maximum(level, np.abs(difference))
    return level + difference / 2, level - difference / 2


def _moving(
    origins: int,
    series: int,
    correlation: tuple[float, ...],
    freedom: float,
    random: np.random.Generator,
) -> FloatArray:
    """Unit variance, this autocorrelation and Student's tails, [origins, series]."""
    lags = np.abs(np.subtract.outer(np.arange(origins), np.arange(origins)))
    known = np.array([1.0, *correlation, *[0.0] * origins])
    values, vectors = np.linalg.eigh(known[lags])
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    shocks = random.standard_t(freedom, (origins, series)) / np.sqrt(freedom / (freedom - 2))
    moved: FloatArray = root @ shocks
    return moved


def typical_baseline(
    panel: Measured, one: FloatArray, other: FloatArray, random: np.random.Generator
) -> FloatArray:
    """Errors of a baseline a tenth larger on a typical series, and smaller on four in ten.

    Factors of series as flights and M4 Hourly have them; those of a window are its own luck.
    """
    series = 1.1 * np.exp(random.normal(0, 0.3, panel.series))
    luck = np.exp(random.normal(0, 0.15, one.shape))
    return np.asarray(series * luck * (one + other) / 2)
