"""Frequency and phase of a source, by what most of its labels say."""

import numpy as np

from rnnts.config import Frequency
from rnnts.errors import ConfigurationError
from rnnts.panels.arrays import IntArray
from rnnts.panels.grid import DAY, MONDAY, SECONDS
from rnnts.panels.zones import zone_offsets

CLOCK_CHANGE = 3_600
"""A local day or week may be longer or shorter by this."""


def infer_frequency(
    seconds: IntArray, series: IntArray | None = None, *, panel: str = ""
) -> Frequency:
    """The frequency whose step is the most common distance between neighbouring labels.

    Args:
        seconds: Labels in any order, epoch seconds, [n].
        series: The series of each, [n]; None: all are one.
        panel: For messages.

    Raises:
        ConfigurationError: FREQUENCY_UNCLEAR.
    """
    seconds = np.asarray(seconds, np.int64)
    group = np.zeros_like(seconds) if series is None else np.asarray(series, np.int64)
    order = np.lexsort((seconds, group))
    distance = np.diff(seconds[order])
    distance = distance[(np.diff(group[order]) == 0) & (distance > 0)]
    common = _mode(distance) if len(distance) else 0
    for frequency, length in SECONDS.items():
        slack = CLOCK_CHANGE if length >= DAY else 0
        if abs(common - length) <= slack:
            return frequency
    raise ConfigurationError(
        "FREQUENCY_UNCLEAR",
        panel=panel,
        expected=f"labels that are mostly one of {', '.join(SECONDS)} apart",
        got=f"{common} s apart most often" if common else "fewer than two labels of one series",
        do=f"set frequency in [panels.{panel or 'NAME'}]; for events, aggregate too",
    )


def infer_phase(seconds: IntArray, frequency: Frequency, timezone: str) -> int:
    """Seconds after the natural origin at which most labels lie; the smallest of equals.

    Args:
        seconds: Labels, epoch seconds, [n]; none: 0.
        frequency: Of the panel.
        timezone: The panel's: midnights and Mondays are its own, minutes are UTC's.
    """
    seconds = np.asarray(seconds, np.int64)
    if not len(seconds):
        return 0
    length = SECONDS[frequency]
    civil = seconds + zone_offsets(seconds, timezone) if length >= DAY else seconds
    origin = MONDAY if frequency == "1W" else 0
    return _mode((civil - origin) % length)


def _mode(values: IntArray) -> int:
    """The most common value, the smallest of equals."""
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[counts.argmax()])
