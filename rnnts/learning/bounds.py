"""What no quantile of a panel may be."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnts.panels.arrays import AnyArray, FloatArray

NEARLY = 0.1
"""A count's quantile so near to a whole number is that number: 4.998 says 5, and is held against
5. Without it the 80 % ranges of flights held 73 % of the randomised truth, with it 80 %."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The smallest and largest value that a panel can have, and whether it counts.

    >>> Bounds(0.0, None, whole=True).keep(np.array([-0.4, 0.5, 1.97]))
    array([0. , 0.5, 2. ])
    """

    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    integer: bool = False  # published as whole numbers, because the user asks for it

    def keep(self, quantiles: FloatArray) -> FloatArray:
        """The same quantiles, rising as before, inside the bounds."""
        if self.whole:
            near = np.rint(quantiles)
            quantiles = np.where(np.abs(quantiles - near) < NEARLY, near, quantiles)
        if self.minimum is None and self.maximum is None:
            return quantiles
        kept: FloatArray = np.clip(quantiles, self.minimum, self.maximum)
        return kept

    def counted(self, quantiles: FloatArray) -> FloatArray:
        """The same as whole numbers inside the bounds, where they are asked for.

        A whole number stands for the half below and above it, as where a count is approximated by
        what is continuous; so a range holds every whole number that it held before.

        >>> Bounds(0.5, integer=True).counted(np.array([-0.4, 1.5, 1.97]))
        array([1., 1., 2.])
        """
        if not self.integer:
            return quantiles
        low = None if self.minimum is None else np.ceil(self.minimum)
        high = None if self.maximum is None else np.floor(self.maximum)
        counted = np.ceil(quantiles - 0.5) + 0.0  # no -0
        if low is None and high is None:
            return counted
        kept: FloatArray = np.clip(counted, low, high)
        return kept


def lowest_of(values: AnyArray) -> float:
    """The smallest known value; NaN where none is known."""
    known = values[np.isfinite(values)]
    return float(known.min()) if known.size else float("nan")


def only_whole(values: AnyArray) -> bool:
    """Whether everything known is a whole number, and something is known."""
    known: Any = values[np.isfinite(values)]
    return bool(known.size) and bool((known == np.rint(known)).all())
