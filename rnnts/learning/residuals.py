"""Held-out or realised forecasts beside what happened: what a calibration learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray

FLOOR = 0.02
"""The narrowest range that teaches, in units of the series' seasonal error: one that is nearly
nothing cannot be mended by places in it."""

_FIELDS = ("quantiles", "actual", "scale", "series", "origin", "age")


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Forecasts beside what then happened; a row is one series at one origin."""

    quantiles: FloatArray  # [rows, horizon, levels], uncalibrated, in the source's unit
    actual: FloatArray  # [rows, horizon], NaN where not known
    scale: FloatArray  # [rows], the series' seasonal error, in the source's unit
    series: AnyArray  # [rows], ids
    origin: IntArray  # [rows], grid step of the first target
    age: IntArray  # [rows], steps between the newest observation and the first target, less one

    def __post_init__(self) -> None:
        rows, horizon = self.actual.shape
        each = {len(self.scale), len(self.series), len(self.origin), len(self.age)}
        if self.quantiles.shape[:2] != (rows, horizon) or each != {rows}:
            raise ValueError(
                f"expected quantiles [{rows}, {horizon}, levels] and {rows} scales, series, "
                f"origins and ages, got {self.quantiles.shape} and {sorted(each)}"
            )

    @classmethod
    def none(cls, horizon: int, levels: int) -> Self:
        """No row."""
        empty = np.zeros((0, horizon, levels))
        steps = np.zeros(0, np.int64)
        return cls(empty, empty[:, :, 0], np.zeros(0), np.zeros(0, "<U1"), steps, steps)

    @classmethod
    def joined(cls, parts: "Sequence[Residuals]") -> Self:
        """All rows of several, in order; they share horizon and levels."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))

    def to_arrays(self) -> dict[str, AnyArray]:
        """What `from_arrays` takes."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The residuals that gave these arrays; those without ages are of fresh inputs."""
        fresh = {"age": np.zeros(len(arrays["origin"]), np.int64)}
        return cls(*({**fresh, **arrays}[name] for name in _FIELDS))

    def teaching(self) -> BoolArray:
        """Targets that are known, of ranges wide enough to learn from, [rows, horizon]."""
        floor = np.maximum(FLOOR * self.scale, np.finfo(np.float64).tiny)[:, None]
        width = self.quantiles[:, :, -1] - self.quantiles[:, :, 0]
        return np.asarray(np.isfinite(self.actual) & (width >= floor))
