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
    rows = max(1, CELLS // max(values.shape[1], 1))
    smoothed = np.empty_like(values)
    for row in range(0, len(values), rows):
        smoothed[row : row + rows] = _smooth(values[row : row + rows], reach)
    return smoothed


CELLS = 16_384
"""Values that are smoothed at once: what is computed of them stays in a core's own cache."""


def _smooth(values: FloatArray, reach: int) -> FloatArray:
    steps = values.shape[1]
    width = np.maximum(WIDTH * _mean_change(values, reach), ROUNDING * np.abs(values) + TINY)
    # Infinitely far is what is missing: it is like nothing, and counts for nothing
    missing = np.isnan(values)
    far = _framed(np.where(missing, np.inf, values), reach, np.inf)
    filled = _framed(np.where(missing, 0.0, values), reach, 0.0)
    centre, total, weight = values, np.empty_like(values), np.empty_like(values)
    for _ in range(PASSES):
        total[:], weight[:] = 0.0, 0.0
        for begin in range(2 * reach + 1):
            away = far[:, begin : begin + steps] - centre
            away /= width
            alike = -0.5 * away
            alike *= away
            np.exp(alike, out=alike)
            weight += alike
            alike *= filled[:, begin : begin + steps]
            total += alike
        centre = np.where(missing, np.nan, total / np.maximum(weight, TINY))
    return centre


def _framed(values: FloatArray, reach: int, outside: float) -> FloatArray:
    """With `reach` steps more on both sides, [series, steps + 2 reach]."""
    return np.pad(values, ((0, 0), (reach, reach)), constant_values=outside)


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
