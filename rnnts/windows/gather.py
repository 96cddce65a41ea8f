"""The inputs of one origin for every series, in NumPy: what serves, and the pipeline's twin."""

import warnings

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.panel import Panel
from rnnts.windows.clock import CALENDAR, Spec, calendar, clock_shift, first_season, record_steps
from rnnts.windows.covariates import Shape, codes_of, numbers_at
from rnnts.windows.smooth import smooth


def inputs_at(
    panel: Panel,
    spec: Spec,
    origin: int,
    typical: FloatArray | None = None,
    *,
    instant: int | None = None,
) -> dict[str, FloatArray]:
    """The network's inputs as seen before the grid step `origin`, a row for each series.

    Guarantees: no value at or after `origin` is read; what lies outside the panel is NaN.

    Args:
        panel: Must reach `history_steps(spec)` back from the origin, or what lacks is missing.
        spec: A NetworkConfig or a WindowSet.
        origin: Grid step of the first target.
        typical: Level and spread of each series for scale = "series", [series, 2]; default: of
            its values before the origin.
        instant: Epoch seconds by which a covariate must have been known; None: all that the
            panel has may be used.

    Returns:
        `values` [series, window], `before` [series, steps], `bases` [series, horizon, bases],
        `known_future` [series, horizon, features], `past` [series, window, 0], `static` [series, 0
        or 2]; with covariates as the pipeline has them.
    """
    past = panel.values[:, : max(0, origin - panel.first_step)]  # [series, steps before origin]
    rows = past.shape[0]
    end = origin - panel.first_step  # place of the first target
    begin = end - spec.window
    if spec.static and typical is None:
        typical = typical_levels(past)
    inputs = {
        "values": _between(past, begin, end),
        "before": _between(past, begin - record_steps(spec.seasons), begin),
        "bases": _bases(panel, past, spec, origin),
        "known_future": _calendar_rows(panel, spec, origin),
        "past": np.zeros((rows, spec.window, 0)),
        "static": typical if spec.static and typical is not None else np.zeros((rows, 0)),
    }
    features = spec.covariates
    if features is not None:
        shape = Shape(spec.window, spec.horizon)
        known, before = numbers_at(panel, features, shape, origin, instant)
        static = np.concatenate([inputs["static"], codes_of(panel, features)], axis=1)
        inputs |= {"known_future": known, "past": before, "static": static}
    return inputs


def _take(values: FloatArray, places: IntArray) -> FloatArray:
    """values[:, places] with NaN for a place outside, [series, *places]."""
    if values.shape[1] == 0:
        return np.full((values.shape[0], *places.shape), np.nan)
    inside = (places >= 0) & (places < values.shape[1])
    taken: FloatArray = np.take(values, np.where(inside, places, 0), axis=1)
    taken[:, ~inside] = np.nan
    return taken


def _between(values: FloatArray, start: int, end: int) -> FloatArray:
    """values[:, start:end] with NaN for a place outside, [series, end - start]."""
    first, last = max(start, 0), min(end, values.shape[1])
    if (first, last) == (start, end):
        return values[:, start:end].copy()
    between = np.full((len(values), end - start), np.nan)
    if first < last:
        between[:, first - start : last - start] = values[:, first:last]
    return between


def _bases(panel: Panel, past: FloatArray, spec: Spec, origin: int) -> FloatArray:
    """Past seasons beside each target, [series, horizon, bases]."""
    # Targets side by side in memory until all is there: rows of a few bases take twice as long.
    pieces = [np.zeros((len(past), 0, spec.horizon))]
    first = min(panel.first_step, origin - 1)
    shift = clock_shift(panel.grid, first, origin + spec.horizon - first)
    for steps, columns, reach in spec.seasons:
        if reach:
            pieces.append(_smooth_columns(past, spec, origin - panel.first_step, steps, reach))
        else:
            aligned = aligned_steps(spec.horizon, (steps, columns), origin, first, shift)
            own = _take(past, aligned.T - panel.first_step)
            change = _change(panel, past, spec, origin, (steps, columns), shift)
            pieces += [own, own + change[:, :, None]]
    bases: FloatArray = np.concatenate(pieces, axis=1)
    return np.ascontiguousarray(bases.transpose(0, 2, 1))


def _change(
    panel: Panel,
    past: FloatArray,
    spec: Spec,
    origin: int,
    cycle: tuple[int, int],
    shift: IntArray,
) -> FloatArray:
    """By how much the newest first season lies above each turn of another, [series, columns]."""
    season = first_season(spec)
    first = min(panel.first_step, origin - 1)
    end = origin - panel.first_step
    aligned = aligned_steps(season, cycle, origin - season, first, shift)
    turns = _take(past, aligned.T - panel.first_step)  # [series, columns, season]
    return mean_known(_between(past, end - season, end)[:, None, :] - turns)


def aligned_steps(
    horizon: int, cycle: tuple[int, int], origin: int, first_step: int, shift: IntArray
) -> IntArray:
    """For each target the newest steps before `origin` at the same place of a season.

    Args:
        horizon: Targets, from `origin` on.
        cycle: (steps, columns) of the season.
        origin: Grid step of the first target.
        first_step: Grid step of shift[0].
        shift: Lead of the wall clock, over every step up to the last target, [steps].

    Returns:
        Grid steps, newest first, [horizon, columns].

    >>> aligned_steps(3, (2, 2), 10, 0, np.zeros(13, np.int64)).tolist()
    [[8, 6], [9, 7], [8, 6]]
    """
    steps, columns = cycle
    lead = np.arange(horizon, dtype=np.int64)
    target = origin + lead  # [horizon]
    back = (lead // steps + 1) * steps
    newest = _back(target, back, first_step, shift)
    back = back + np.where(newest >= origin, steps, 0)  # a clock change made it the future
    turns = [_back(target, back + steps * turn, first_step, shift) for turn in range(columns)]
    return np.stack(turns, axis=1)


def _back(target: IntArray, back: IntArray, first_step: int, shift: IntArray) -> IntArray:
    before = np.maximum(target - back - first_step, 0)
    ahead = np.maximum(target - first_step, 0)
    step: IntArray = target - back + shift[ahead] - shift[before]
    return step


def _smooth_columns(
    past: FloatArray, spec: Spec, origin: int, steps: int, reach: int
) -> FloatArray:
    """A smoothed season: newest, newest shifted, one before shifted, [series, 3, horizon].

    Args:
        past: Values before the origin, [series, steps].
        spec: Window and horizon.
        origin: Place of the first target.
        steps: Of the season.
        reach: Of the smoothing.
    """
    lead = np.arange(spec.horizon, dtype=np.int64)
    turns = (lead + reach) // steps + 1  # seasons back; no neighbour is a target, [horizon]
    window = _between(past, origin - spec.window, origin)
    before, after = max(spec.window, reach), min(spec.horizon, steps - reach)
    columns = []
    for turn in SHIFTED_TURNS:
        begin = origin - turn * steps - before
        band = _between(past, begin - reach, begin + before + after + reach)
        band = smooth(band, reach)[:, reach : reach + before + after]  # [series, band]
        level = mean_known(window - band[:, before - spec.window : before])  # [series]
        there = band[:, before + lead - (turns - 1) * steps]  # [series, horizon]
        columns.append(there)
        columns.append(there + level[:, None] * ((turns + turn - 1) / turn))
    return np.stack([columns[0], columns[1], columns[3]], axis=1)


SHIFTED_TURNS = (1, 2)
"""A smoothed season stands beside a target as it was one and two seasons ago."""


def mean_known(values: FloatArray) -> FloatArray:
    """Mean along the last axis without NaN; NaN where there is nothing else."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


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
