"""A panel's observations: dense, read-only, and seen as of an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.grid import Grid

if TYPE_CHECKING:
    from rnnts.panels.covariates import Covariates

Key = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """One series: its identity and the steps of its first and last observation."""

    series_id: str
    keys: tuple[tuple[str, Key], ...]  # (column, value), as the source has them
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """All series of a panel on one grid.

    Args:
        name: The panel's name.
        grid: Its time line.
        series: Sorted by the bytes of their ids, [series].
        first_step: Step of the first column of `values`.
        values: In the source's unit, NaN where missing, [series, steps].
        watermark: Newest step for which data can be complete.
        covariates: What is known besides; whoever reads it keeps to what was known when.
    """

    name: str
    grid: Grid
    series: tuple[SeriesInfo, ...]
    first_step: int
    values: FloatArray
    watermark: int
    covariates: "Covariates | None" = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float64)
        if values.ndim != 2 or values.shape[0] != len(self.series):  # noqa: PLR2004 - a matrix
            raise ValueError(
                f"expected values of [{len(self.series)} series, steps], got {values.shape}"
            )
        if values.flags.writeable:
            values = values.view()
            values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def last_step(self) -> int:
        """Step of the last column of `values`."""
        return self.first_step + int(self.values.shape[1]) - 1

    def of(self, rows: IntArray) -> "Panel":
        """Some of its series, in the order of `rows`."""
        series = tuple(self.series[row] for row in rows)
        return replace(self, series=series, values=self.values[rows])

    def upto(self, step: int) -> "Panel":
        """What was there up to and with `step`."""
        count = int(np.clip(step - self.first_step + 1, 0, self.values.shape[1]))
        return replace(self, values=self.values[:, :count], watermark=min(self.watermark, step))

    def since(self, step: int) -> "Panel":
        """What came from `step` on."""
        skipped = int(np.clip(step - self.first_step, 0, self.values.shape[1]))
        return replace(self, first_step=self.first_step + skipped, values=self.values[:, skipped:])


def series_id_of(keys: Sequence[object]) -> str:
    r"""The id of a series: one key is its text unchanged, several are joined by "/".

    >>> series_id_of(["EWR", "UA"]), series_id_of(["a/b"]), series_id_of(["a/b", "c"])
    ('EWR/UA', 'a/b', 'a\\/b/c')
    >>> series_id_of([])
    'all'
    """
    if not keys:
        return "all"
    texts = [str(key) for key in keys]
    if len(texts) == 1:
        return texts[0]
    return "/".join(text.replace("\\", "\\\\").replace("/", "\\/") for text in texts)
