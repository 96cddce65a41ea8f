"""Means over neighbouring steps that keep edges: what a season looked like, without its noise."""

import numpy as np

from rnnts.panels.arrays import FloatArray

PASSES = 3
"""Each pass measures neighbours against the mean of the one before; the third changes little."""
WIDTH = 2.0
"""Neighbours count by a bell curve this many mean one-step changes wide: jumps stay jumps."""


def smooth(values: FloatArray, reach: int) -> FloatArray:
    """Mean of each step's neighbours that are like it, NaN where the step is missing.

    A step's value depends on the `reach` steps to both sides and on nothing else.

    Args:
        values: NaN where missing, [series, steps].
        reach: Neighbours to each side.

    Returns:
        [series, steps].

    Source:
        Tomasi and Manduchi 1998, "Bilateral filtering", section 2, with a box as the spatial part.
    """
    width = np.maximum(WIDTH * _mean_change(values, reach), ROUNDING * np.abs(values) + TINY)
    centre = values
    for _ in range(PASSES):
        total, weight = np.zeros_like(values), np.zeros_like(values)
        for offset in range(-reach, reach + 1):
            neighbour = _shifted(values, offset)
            known = ~np.isnan(neighbour)
            away = np.where(known, neighbour - centre, 0.0) / width
            alike = np.where(known, np.exp(-0.5 * away * away), 0.0)
            total += alike * np.where(known, neighbour, 0.0)
            weight += alike
        centre = np.where(np.isnan(values), np.nan, total / np.maximum(weight, TINY))
    return centre


ROUNDING = 1e-9
"""Part of a value by which neighbours may differ and still be equal: a mean is rounded."""
TINY = 1e-100
"""Keeps a division and a square finite where a value is 0 and has no change beside it."""


def _mean_change(values: FloatArray, reach: int) -> FloatArray:
    """Mean absolute one-step change around each step, [series, steps]."""
    change = np.abs(values - _shifted(values, -1))
    total, count = np.zeros_like(values), np.zeros_like(values)
    for offset in range(1 - reach, reach + 1):
        near = _shifted(change, offset)
        known = ~np.isnan(near)
        total += np.where(known, near, 0.0)
        count += known
    return total / np.maximum(count, 1)


def _shifted(values: FloatArray, offset: int) -> FloatArray:
    """values[:, step + offset], NaN outside."""
    shifted = np.full_like(values, np.nan)
    if offset >= values.shape[1] or -offset >= values.shape[1]:
        return shifted
    if offset > 0:
        shifted[:, :-offset] = values[:, offset:]
    elif offset < 0:
        shifted[:, -offset:] = values[:, :offset]
    else:
        shifted[:] = values
    return shifted
