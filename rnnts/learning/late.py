"""What late inputs do to ranges: places by how old the newest observation is, and by step."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0)
"""Ages that are learnt, in first seasons; of hours: 3, 6, 12, 24 and 48."""


def ages_of(season: int) -> IntArray:
    """The ages at which held-out forecasts are made again, in steps, rising, [ages].

    >>> ages_of(24).tolist(), ages_of(7).tolist(), ages_of(1).tolist()
    ([3, 6, 12, 24, 48], [1, 2, 4, 7, 14], [1, 2])
    """
    ages: IntArray = np.unique(np.maximum(np.rint(np.array(SHARES) * season), 1).astype(np.int64))
    return ages


def nearest(age: IntArray, ages: IntArray) -> IntArray:
    """The learnt age, or 0, that each row teaches, [rows].

    >>> nearest(np.array([0, 1, 2, 300]), np.array([3, 6])).tolist()
    [0, 0, 3, 6]
    """
    known = np.concatenate([np.zeros(1, np.int64), ages])
    found: IntArray = known[np.abs(age[:, None] - known).argmin(axis=1)]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """Where to read each level when the newest observation is so old."""

    ages: IntArray  # steps, rising, above 0, [ages]
    places: FloatArray  # [ages, horizon, levels]

    def __post_init__(self) -> None:
        if self.places.ndim != 3 or len(self.places) != len(self.ages):  # noqa: PLR2004 - a block
            raise ValueError(
                f"expected places [{len(self.ages)}, horizon, levels], got {self.places.shape}"
            )
        if not (np.diff(self.places, axis=2) >= 0).all():  # so written, NaN fails too
            raise ValueError("a place is missing, or above that of a higher level")

    @classmethod
    def none(cls, horizon: int, levels: int) -> Self:
        """Nothing is known of late inputs."""
        return cls(np.zeros(0, np.int64), np.zeros((0, horizon, levels)))

    @property
    def oldest(self) -> int:
        """The highest age of which something is known; 0: none."""
        return int(self.ages[-1]) if len(self.ages) else 0

    def at(self, age: IntArray, fresh: FloatArray) -> FloatArray:
        """Places for rows of some age: on the line between the ages that are known.

        Args:
            age: Steps, [rows]; beyond the oldest the oldest's places.
            fresh: Places at age 0, [horizon, levels].

        Returns:
            [rows, horizon, levels].
        """
        if not len(self.ages):
            return np.broadcast_to(fresh, (len(age), *fresh.shape))
        known = np.concatenate([np.zeros(1, np.int64), self.ages])
        places = np.concatenate([fresh[None], self.places])
        above = np.clip(np.searchsorted(known, age), 1, len(self.ages))
        low, high = known[above - 1], known[above]
        share = np.clip((age - low) / (high - low), 0.0, 1.0)[:, None, None]
        between: FloatArray = (1 - share) * places[above - 1] + share * places[above]
        return between
