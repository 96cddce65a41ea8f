"""Past stretches of a series that are most like its newest one, and so what came after them."""

from dataclasses import dataclass

import numpy as np

from rnnts.learning.metrics import seasonal_error
from rnnts.panels.arrays import FloatArray, IntArray

LEAST_KNOWN = 0.5
"""Share of the steps that two stretches must both know, to be compared at all."""


@dataclass(frozen=True, slots=True)
class Alike:
    """A past stretch."""

    end: int  # place of the first step after it
    distance: float  # mean difference, in units of how much a season differs from the one before


def most_alike(
    values: FloatArray, ends: IntArray, window: int, horizon: int, *, season: int, count: int
) -> list[Alike]:
    """The stretches whose level and shape come nearest to the newest one, the nearest first.

    The distance is the mean absolute difference over the steps that both know, divided by the
    series' own seasonal error, so that 1 is as far as one season usually is from the next.

    Guarantees: what came after a stretch had come before the end of `values`; no two stretches
    overlap.

    Args:
        values: Of one series, NaN where missing; its newest stretch ends where they do, [steps].
        ends: Places at which a stretch may end, such as the same hour of every day.
        window: Steps of a stretch.
        horizon: Steps after it that matter.
        season: Steps of the season in whose differences distances are counted.
        count: At most so many.
    """
    newest = values[len(values) - window :]
    if len(values) < window or not np.isfinite(newest).any():
        return []
    places = ends[(ends >= window) & (ends + horizon <= len(values))]
    unit = float(np.nan_to_num(seasonal_error(values[None], season))[0])
    if unit <= 0 or not places.size:
        return []
    past = values[places[:, None] + np.arange(-window, 0)]  # [places, window]
    known = np.isfinite(past) & np.isfinite(newest)
    after = np.isfinite(values[places[:, None] + np.arange(horizon)])  # [places, horizon]
    enough = (known.mean(axis=1) >= LEAST_KNOWN) & (after.mean(axis=1) >= LEAST_KNOWN)
    away = np.where(known, np.abs(past - newest), 0.0).sum(axis=1)
    distance = away / np.maximum(known.sum(axis=1), 1) / unit
    chosen: list[Alike] = []
    for place in np.argsort(distance, kind="stable").tolist():
        end = int(places[place])
        if enough[place] and all(abs(end - one.end) >= window for one in chosen):
            chosen.append(Alike(end, float(distance[place])))
        if len(chosen) == count:
            break
    return chosen
