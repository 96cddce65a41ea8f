"""Parts of time: what may be trained on, what calibrates, and what the gate looks at."""

from dataclasses import dataclass

import numpy as np

from rnnts.panels.arrays import IntArray

GATE_ORIGINS = 8
"""Origins of the gate."""
CALIBRATION_ORIGINS = 40
"""The same of calibration. One week is an accident: weights that were best on the flights of eight
days in a row before Thanksgiving lost to yesterday's values after it, those best on forty days won.
And it takes 39 residuals a step to bound the level 0.975 of a single series.
"""
GATE_SHARE = 0.25
"""Most of the history that the targets of the gate may cover."""
CALIBRATION_SHARE = 0.125
"""The same for calibration: what it takes is not trained on."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Three parts of time, as grid steps; an origin is the step of its first target.

    Guarantees: no target lies in two parts; a target of training is before `training_until`, one
    of calibration before `calibration_until`, one of the gate before `gate_until`.
    """

    training_until: int
    calibration_until: int
    gate_until: int
    calibration_origins: IntArray  # rising, [origins]
    gate_origins: IntArray  # rising, [origins]

    def whole(self) -> "Parts":
        """The same time with nothing held out: every target may be trained on."""
        none = self.gate_origins[:0]
        return Parts(self.gate_until, self.gate_until, self.gate_until, none, none)

    @property
    def ends(self) -> dict[str, int]:
        """The step before which the targets of each part lie, as JSON has it."""
        return {part: self.until(part) for part in ("training", "calibration", "gate")}

    @property
    def gate_apart(self) -> int:
        """Steps from one origin of the gate to the next; 1 where there is a single one."""
        return int(np.diff(self.gate_origins[-2:]).max(initial=1))

    def until(self, part: str) -> int:
        """The step before which the targets of a part lie."""
        return int(getattr(self, f"{part}_until"))

    def origins(self, part: str) -> IntArray:
        """The origins of "calibration" or "gate"."""
        origins: IntArray = getattr(self, f"{part}_origins")
        return origins


def split_time(
    first_step: int, until: int, horizon: int, season: int, life: int | None = None
) -> Parts:
    """Cut the history [first_step, until) into training, then calibration, then the gate.

    The gate has 8 origins one season apart; a quarter of a season apart where the targets of those
    would cover more than a quarter of the history, and fewer where these do. Calibration has 40, a
    season apart, or what fits an eighth, closer too where that is less than 4. Each keeps at least
    one.

    Args:
        first_step: Grid step of the oldest observation.
        until: Grid step after the newest.
        horizon: Targets of an origin.
        season: Steps of the first season.
        life: Steps that a typical series has, which is what the shares are of: in a panel of weeks
            beside which two series have years, these weeks have to be trained on too. Default: all.

    >>> parts = split_time(0, 960, 48, 24)
    >>> parts.gate_origins.tolist(), parts.calibration_origins.tolist(), parts.training_until
    ([744, 768, 792, 816, 840, 864, 888, 912], [624, 648, 672, 696], 624)
    """
    life = until - first_step if life is None else min(life, until - first_step)
    gate = _origins(until, life * GATE_SHARE, horizon, season, (GATE_ORIGINS, GATE_ORIGINS))
    wanted = (FEWEST_CALIBRATION, CALIBRATION_ORIGINS)
    calibration = _origins(int(gate[0]), life * CALIBRATION_SHARE, horizon, season, wanted)
    return Parts(int(calibration[0]), int(gate[0]), until, calibration, gate)


def _origins(
    until: int, span: float, horizon: int, season: int, wanted: tuple[int, int]
) -> IntArray:
    """Origins whose last target is the step before `until`, [origins].

    Args:
        until: Grid step after the last target.
        span: Steps that all targets together may cover.
        horizon: Targets of an origin.
        season: Steps from one origin to the next.
        wanted: Origins below which they come closer, and origins at most.
    """
    apart = season
    if (span - horizon) // season + 1 < wanted[0]:
        apart = max(1, season // CLOSER)
    count = int(min(max(1, (span - horizon) // apart + 1), wanted[1]))
    back = np.arange(count - 1, -1, -1, dtype=np.int64)  # [origins]
    origins: IntArray = until - horizon - back * apart
    return origins


CLOSER = 4
"""So many origins a season where whole seasons leave too few."""
FEWEST_CALIBRATION = 4
"""Origins of calibration below which they come closer."""
