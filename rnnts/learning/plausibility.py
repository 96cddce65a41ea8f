"""Gates: what a network's forecast must pass before it may be published.

Each gate looks at the forecasts of many series and returns a finding for every series that fails
it. Nothing is mended here: a series that fails gets the next rung of the ladder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rnnts.findings import Finding
from rnnts.panels.arrays import FloatArray

RANGE_FACTOR = 3.0
"""Width of the band that a forecast must lie in, in widths of the history's own range, centred on
it: a level that doubles over night still passes, an exploding network does not."""
TAIL_FACTOR = 9.0
"""The same for the levels outside the central 80 %, which may be far out without being wrong: on
flights, calibrated tails left the band of 3 in a third of the series, their medians never."""
CENTRAL = (0.1, 0.9)
FLAT_SHARE = 1e-3
"""Movement of a forecast below which it is flat, as a share of how much the series moves in a
stretch as long. Random walks pass: their ranges widen with the lead."""
FLAT_STEPS = 4
"""Shorter forecasts are not called flat: one step always is."""
PANEL_SHARE = 0.2
"""Share of gated series beyond which the whole network is mistrusted (RELIABILITY D79)."""
ROUNDING = 1e-9
"""Slack of a bound, as a share of the largest value: calibration and clipping round."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Forecasts of a network beside what history says of each series."""

    panel: str
    series: Sequence[str]  # ids, [rows]
    levels: Sequence[float]  # rising, [levels]
    quantiles: FloatArray  # as they would be published, [rows, horizon, levels]
    low: FloatArray  # smallest and largest observation, [rows]
    high: FloatArray
    movement: FloatArray  # median of largest less smallest in stretches of a horizon, [rows]


Gate = Callable[[Candidate], list[Finding]]


def gate_range(candidate: Candidate) -> list[Finding]:
    """GATE_RANGE where a value is not finite, or outside three times the history's range."""
    levels = np.asarray(candidate.levels)
    central = (levels >= CENTRAL[0]) & (levels <= CENTRAL[1])
    factor = np.where(central, RANGE_FACTOR, TAIL_FACTOR)  # [levels]
    slack = ROUNDING * np.maximum(np.abs(candidate.low), np.abs(candidate.high))
    spread = (candidate.high - candidate.low)[:, None]
    margin = (factor - 1) / 2 * spread + slack[:, None]  # [rows, levels]
    lower, upper = candidate.low[:, None] - margin, candidate.high[:, None] + margin
    values = candidate.quantiles
    inside = (values >= lower[:, None]) & (values <= upper[:, None])  # NaN is not
    found = []
    for row in np.flatnonzero(~inside.all(axis=(1, 2))).tolist():
        step, level = np.argwhere(~inside[row])[0].tolist()
        value = values[row, step, level]
        found.append(
            _finding(
                candidate,
                row,
                "GATE_RANGE",
                f"expected {_wanted(value, lower[row, level], upper[row, level])} "
                f"({factor[level]:g} x the range of its history), the network gave {value:g} at "
                f"level {levels[level]:g}",
            )
        )
    return found


def _wanted(value: float, lower: float, upper: float) -> str:
    """The bound that a value broke: the other may lie where the series has no values at all.

    >>> _wanted(50.0, -36.0, 45.0)
    'at most 45'
    """
    if not np.isfinite(value):
        return f"a number between {lower:g} and {upper:g}"
    return f"at most {upper:g}" if value > upper else f"at least {lower:g}"


def gate_crossing(candidate: Candidate) -> list[Finding]:
    """GATE_CROSSING where a higher level lies below a lower one; never sorted silently."""
    falls = np.diff(candidate.quantiles, axis=2) < 0  # [rows, horizon, levels - 1]
    return [
        _finding(
            candidate,
            row,
            "GATE_CROSSING",
            f"expected quantiles that do not cross, they do at {int(falls[row].any(1).sum())} of "
            f"{falls.shape[1]} steps",
        )
        for row in np.flatnonzero(falls.any(axis=(1, 2))).tolist()
    ]


def gate_flat(candidate: Candidate) -> list[Finding]:
    """GATE_FLAT where every level stands still though the series itself is lively."""
    if candidate.quantiles.shape[1] < FLAT_STEPS:
        return []
    moves = np.ptp(candidate.quantiles, axis=1).max(axis=1)  # [rows], NaN where not finite
    flat = (candidate.movement > 0) & (moves < FLAT_SHARE * candidate.movement)
    return [
        _finding(
            candidate,
            row,
            "GATE_FLAT",
            f"expected movement, as its history has ({candidate.movement[row]:g} in as many "
            f"steps), the forecast moves by {moves[row]:g}",
        )
        for row in np.flatnonzero(flat).tolist()
    ]


GATES: tuple[Gate, ...] = (gate_range, gate_crossing, gate_flat)


def implausible(candidate: Candidate) -> list[Finding]:
    """What the gates say, at most one finding a series: the first gate's that it fails."""
    first: dict[str | None, Finding] = {}
    with np.errstate(invalid="ignore"):  # infinity less infinity: gate_range has named it
        for gate in GATES:
            for finding in gate(candidate):
                first.setdefault(finding.series, finding)
    return list(first.values())


def gate_panel(panel: str, failed: int, forecast: int) -> Finding | None:
    """GATE_PANEL where so many series fail that the network itself is in doubt.

    Args:
        panel: Its name.
        failed: Series that failed a gate.
        forecast: Series that the network forecast.
    """
    if failed <= PANEL_SHARE * forecast:
        return None
    return Finding(
        "GATE_PANEL",
        "error",
        panel,
        f"expected at most {PANEL_SHARE:.0%} of series to fail a gate, {failed} of {forecast} did; "
        "the whole panel is forecast by seasonal_naive",
        "look at the findings of single series, then roll the model back or retrain it",
    )


def movement_of(values: FloatArray, horizon: int) -> FloatArray:
    """How much each series moves in as many steps as a forecast has.

    Args:
        values: NaN where missing, [rows, steps].
        horizon: Steps of a stretch.

    Returns:
        Median over stretches of largest less smallest; 0 where there is none to measure, [rows].
    """
    stretches = values.shape[1] // horizon
    if not stretches:
        return np.zeros(len(values))
    newest = values[:, values.shape[1] - stretches * horizon :]
    cut = newest.reshape(len(values), stretches, horizon)
    high = np.where(np.isnan(cut), -np.inf, cut).max(axis=2)  # [rows, stretches]
    low = np.where(np.isnan(cut), np.inf, cut).min(axis=2)
    ranges = np.where(high >= low, high - low, 0.0)
    return np.asarray(np.median(ranges, axis=1))


def _finding(candidate: Candidate, row: int, code: str, evidence: str) -> Finding:
    return Finding(
        code,
        "warning",
        candidate.panel,
        evidence,
        "published by seasonal_naive instead; if it stays, retrain or look at the series",
        candidate.series[row],
    )
