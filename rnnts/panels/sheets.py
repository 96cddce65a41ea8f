"""Sheets in files or in memory: arrays that grow by rows, of which only some are held open."""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np

from rnnts.panels.arrays import AnyArray

ROWS = 512
"""Sheets grow by so many series."""
OPEN_BYTES = 256 * 2**20
"""Together, the sheets that are held open; the others wait to be opened again."""

Open = Callable[[str, int, int, str], AnyArray]
"""(name, rows, columns, dtype) -> the array of that name, of so many rows; new ones hold zeros."""


class GrowingSheets:
    """Sheets of one width.

    Args:
        open_array: Opens an array, enlarging what is there.
        columns: Steps of a span.
        parts: Type and fill of each part.
    """

    def __init__(
        self, open_array: Open, columns: int, parts: Mapping[str, tuple[str, float]]
    ) -> None:
        self._open_array = open_array
        self._columns = columns
        self._parts = parts
        self._rows: dict[tuple[int, str], int] = {}
        self._open: OrderedDict[tuple[int, str], AnyArray] = OrderedDict()

    def spans(self) -> list[int]:
        """Spans that have a sheet, in order of time."""
        return sorted({span for span, _ in self._rows})

    def has(self, span: int, part: str) -> bool:
        """Whether that sheet has been made."""
        return (span, part) in self._rows

    def sheet(self, span: int, part: str, rows: int) -> AnyArray:
        """The array [at least `rows`, steps of a span]; made, and filled, when first asked for."""
        key = (span, part)
        there = self._rows.get(key, 0)
        if rows <= there and key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        dtype, fill = self._parts[part]
        wanted = max(there, -(-rows // ROWS) * ROWS)
        array = self._open_array(f"{part}{span}", wanted, self._columns, dtype)
        if fill != 0 and wanted > there:  # NaN too is not 0
            array[there:] = fill
        self._rows[key] = wanted
        self._open[key] = array
        self._open.move_to_end(key)
        self._close_some()
        return array

    def _close_some(self) -> None:
        size = sum(array.nbytes for array in self._open.values())
        while size > OPEN_BYTES and len(self._open) > len(self._parts):
            _, array = self._open.popitem(last=False)
            size -= array.nbytes


def in_memory() -> Open:
    """Arrays that live in memory: for small tables and tests."""
    kept: dict[str, AnyArray] = {}

    def open_array(name: str, rows: int, columns: int, dtype: str) -> AnyArray:
        array = np.zeros((rows, columns), dtype)
        if name in kept:
            array[: len(kept[name])] = kept[name]
        kept[name] = array
        return array

    return open_array
