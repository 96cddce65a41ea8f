"""What the labels of rows say of their time line: its frequency and its phase."""

from typing import get_args

import numpy as np

from rnnts.config import Frequency, Label
from rnnts.panels.arrays import IntArray
from rnnts.panels.grid import DAY, LONGEST, MONDAY, SECONDS, Grid, month_phase, zone_offsets

ON_ONE_PHASE = 0.9
"""Share of a series' labels that must lie on one phase of a frequency."""
SPARSE = 4
"""Labels that are typically more steps apart than this are of no frequency that we know."""
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)


def infer_frequency(
    series: IntArray, seconds: IntArray, timezone: str, as_of: int, *, complete: bool = True
) -> Frequency | None:
    """The coarsest frequency on which nearly all labels of each series lie.

    Needs no order and no neighbours, so a sample of rows does as well as all of them.

    Args:
        series: Which series each row belongs to, [n].
        seconds: Labels, epoch seconds, [n].
        timezone: Zone of days, weeks and months.
        as_of: Epoch seconds; a label counts for a frequency once its step has surely ended.
        complete: Whether these are all rows, so that their distances say something too.

    Returns:
        None where no frequency fits, or too few labels tell.
    """
    labels = np.unique(np.stack([series, seconds], axis=1), axis=0)  # [labels, 2], in order
    for frequency in reversed(FREQUENCIES):
        pairs = labels[labels[:, 1] <= as_of - _surely(frequency)]
        counts = np.bincount(pairs[:, 0])
        pairs = pairs[counts[pairs[:, 0]] > 1] if len(pairs) else pairs
        if len(pairs) and _share_on_phase(pairs, frequency, timezone) >= ON_ONE_PHASE:
            apart = np.diff(pairs[:, 1])[np.diff(pairs[:, 0]) == 0]
            sparse = complete and np.median(apart) >= SPARSE * SECONDS[frequency]
            return None if sparse else frequency
    return None


def _surely(frequency: Frequency) -> int:
    """Seconds after which a step has ended, even where clocks go back."""
    return LONGEST[frequency] + (0 if SECONDS[frequency] < DAY else 3_600)


def majority_phase(
    series: IntArray, seconds: IntArray, frequency: Frequency, timezone: str, as_of: int
) -> int:
    """The phase that most labels have; of equally many the smallest, 0 without labels.

    A label that comes again in the same series, revised or repeated, has one vote.
    """
    pairs = np.unique(np.stack([series, seconds], axis=1), axis=0)
    seconds = pairs[pairs[:, 1] <= as_of - _surely(frequency), 1]
    if not len(seconds):
        return 0
    phases, counts = np.unique(phase_of(seconds, frequency, timezone), return_counts=True)
    return int(phases[np.argmax(counts)])


def phase_of(seconds: IntArray, frequency: Frequency, timezone: str) -> IntArray:
    """Seconds of labels after the natural origin of their step, [n] -> [n]."""
    step = SECONDS[frequency]
    if step < DAY:
        phase: IntArray = seconds % step
        return phase
    civil = seconds + zone_offsets(seconds, timezone)
    if frequency == "1MS":
        return month_phase(civil)
    return (civil - (MONDAY if frequency == "1W" else 0)) % step


def grid_of(frequency: Frequency, timezone: str, phase: int, label: Label) -> Grid:
    """A grid whose phase lies within one step."""
    return Grid(frequency, timezone, phase % LONGEST[frequency], label)


def _share_on_phase(pairs: IntArray, frequency: Frequency, timezone: str) -> float:
    """Share of labels on the commonest phase of their own series."""
    phases = phase_of(pairs[:, 1], frequency, timezone)
    groups, counts = np.unique(np.stack([pairs[:, 0], phases], axis=1), axis=0, return_counts=True)
    best = np.zeros(int(pairs[:, 0].max()) + 1, np.int64)
    np.maximum.at(best, groups[:, 0], counts)
    return float(best.sum() / len(pairs))
