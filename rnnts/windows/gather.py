"""The inputs of one origin for every series, in NumPy: what serves, and the pipeline's twin."""

import warnings

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.panel import Panel
from rnnts.windows.clock import CALENDAR, Cycles, Spec, bases_count, calendar, clock_shift


def inputs_at(
    panel: Panel, spec: Spec, origin: int, typical: FloatArray | None = None
) -> dict[str, FloatArray]:
    """The network's inputs as seen before the grid step `origin`, a row for each series.

    Guarantees: no value at or after `origin` is read; what lies outside the panel is NaN.

    Args:
        panel: Must reach `history_steps(spec)` back from the origin, or what lacks is missing.
        spec: A NetworkConfig or a WindowSet.
        origin: Grid step of the first target.
        typical: Level and spread of each series for scale = "series", [series, 2]; default: of
            its values before the origin.

    Returns:
        `values` [series, window], `bases` [series, horizon, bases], `known_future` [series,
        horizon, features], `past` [series, window, 0], `static` [series, 0 or 2].
    """
    past = panel.values[:, : max(0, origin - panel.first_step)]  # [series, steps before origin]
    rows = past.shape[0]
    window_steps = np.arange(origin - spec.window, origin, dtype=np.int64)
    aligned = _aligned_steps(panel, spec, origin)  # [horizon, bases]
    if spec.static and typical is None:
        typical = typical_levels(past)
    return {
        "values": _take(past, window_steps - panel.first_step),
        "bases": _take(past, aligned - panel.first_step),
        "known_future": _calendar_rows(panel, spec, origin),
        "past": np.zeros((rows, spec.window, 0)),
        "static": typical if spec.static and typical is not None else np.zeros((rows, 0)),
    }


def _take(values: FloatArray, places: IntArray) -> FloatArray:
    """values[:, places] with NaN for a place outside, [series, *places]."""
    if values.shape[1] == 0:
        return np.full((values.shape[0], *places.shape), np.nan)
    inside = (places >= 0) & (places < values.shape[1])
    taken: FloatArray = values[:, np.where(inside, places, 0)]
    return np.where(inside, taken, np.nan)


def _aligned_steps(panel: Panel, spec: Spec, origin: int) -> IntArray:
    """Grid steps of the bases of each target, [horizon, bases]."""
    if not spec.seasons:
        return np.zeros((spec.horizon, 0), np.int64)
    first = min(panel.first_step, origin - 1)
    shift = clock_shift(panel.grid, first, origin + spec.horizon - first)
    return aligned_steps(spec.horizon, spec.seasons, origin, first, shift)


def aligned_steps(
    horizon: int, cycles: Cycles, origin: int, first_step: int, shift: IntArray
) -> IntArray:
    """For each target the newest steps before `origin` at the same place of each season.

    Args:
        horizon: Targets, from `origin` on.
        cycles: (steps, repeats) of each season.
        origin: Grid step of the first target.
        first_step: Grid step of shift[0].
        shift: Lead of the wall clock, over every step up to the last target, [steps].

    Returns:
        Grid steps, newest first within a season, [horizon, bases].

    >>> aligned_steps(3, ((2, 2),), 10, 0, np.zeros(13, np.int64)).tolist()
    [[8, 6], [9, 7], [8, 6]]
    """
    lead = np.arange(horizon, dtype=np.int64)
    target = origin + lead  # [horizon]
    columns = []
    for steps, repeats in cycles:
        back = (lead // steps + 1) * steps
        newest = _back(target, back, first_step, shift)
        back = back + np.where(newest >= origin, steps, 0)  # a clock change made it the future
        columns += [
            _back(target, back + steps * turn, first_step, shift) for turn in range(repeats)
        ]
    return np.stack(columns, axis=1) if columns else np.zeros((horizon, 0), np.int64)


def _back(target: IntArray, back: IntArray, first_step: int, shift: IntArray) -> IntArray:
    before = np.maximum(target - back - first_step, 0)
    step: IntArray = target - back + shift[target - first_step] - shift[before]
    return step


def _calendar_rows(panel: Panel, spec: Spec, origin: int) -> FloatArray:
    rows = panel.values.shape[0]
    if spec.known_future != CALENDAR:
        return np.zeros((rows, spec.horizon, 0))
    features = calendar(panel.grid, origin, spec.horizon)  # [horizon, features]
    return np.broadcast_to(features, (rows, *features.shape)).copy()


def typical_levels(values: FloatArray) -> FloatArray:
    """Median of each row and mean absolute deviation from it; 0 where empty, [rows, 2]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row of nothing but NaN: below
        centre = np.nanmedian(values, axis=1, keepdims=True)
        spread = np.nanmean(np.abs(values - centre), axis=1, keepdims=True)
    typical: FloatArray = np.nan_to_num(np.concatenate([centre, spread], axis=1))
    return typical


__all__ = ["aligned_steps", "bases_count", "inputs_at", "typical_levels"]
