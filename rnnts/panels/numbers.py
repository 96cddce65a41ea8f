"""Values of a source as float64; what is no number is told from what is missing."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnts.panels.arrays import BoolArray, FloatArray

LARGEST = 1e18
"""Beyond, squares overflow in float32 (from 1.85e19 on), and with them a training."""
NOT_NUMERIC, OUT_OF_RANGE = "VALUE_NOT_NUMERIC", "VALUE_OUT_OF_RANGE"


def numbers_of(raw: Sequence[Any]) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Values of a page.

    Args:
        raw: As the driver gave them; text that spells a number is one, as in imported CSV files.

    Returns:
        Values with NaN where missing or unusable; which were not numeric; which were infinite or
        beyond `LARGEST`; each [n].
    """
    not_numeric = np.zeros(len(raw), dtype=bool)
    try:
        values = np.array(raw, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        values = np.full(len(raw), np.nan)
        for place, value in enumerate(raw):
            number = _number(value)
            not_numeric[place] = number is None
            values[place] = np.nan if number is None else number
    too_large: BoolArray = np.abs(values) > LARGEST
    values[too_large] = np.nan
    return values + 0.0, not_numeric, too_large  # -0.0 becomes 0.0: equal values, equal bits


def _number(value: Any) -> float | None:  # noqa: ANN401 - any driver's value
    if value is None:
        return float("nan")
    try:
        return float(value)
    except (ValueError, TypeError):
        return None
    except OverflowError:
        return float("inf")
