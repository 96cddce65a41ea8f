"""Stamps of a source on the grid of its panel; each distinct stamp is read once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnts.panels.arrays import AnyArray, BoolArray, IntArray
from rnnts.panels.grid import Grid
from rnnts.panels.plain_texts import read_plain
from rnnts.panels.stamps import Code, parse_stamps
from rnnts.panels.zones import instants_of

MAX_KEPT = 200_000
"""Distinct stamps that are remembered; beyond, all are forgotten, so that memory stays level."""
_FIRST_ROOM = 1_024
_SECONDS, _SECOND, _CODES, _NAIVE, _LATEST, _STEPS, _AFTER, _BEFORE = range(8)


class Clock:
    """Reads stamps and remembers what they mean, a place for each distinct one.

    Its properties hold a value for each place, [places].

    Args:
        timezone: Zone of naive stamps; None: they have no instant.
        grid: What their steps are counted on; None: steps are not asked for.
    """

    def __init__(self, timezone: str | None, grid: Grid | None = None) -> None:
        self._timezone = timezone
        self._grid = grid
        self._places: dict[Any, int] = {}
        self._kept: IntArray = np.zeros((8, _FIRST_ROOM), np.int64)

    def places(self, raw: Sequence[Any]) -> IntArray:
        """The place of each stamp of a page, [n]."""
        if len(self._places) > MAX_KEPT:
            self._places.clear()
        try:
            return np.fromiter(map(self._places.__getitem__, raw), np.int64, len(raw))
        except KeyError:
            self._read([stamp for stamp in dict.fromkeys(raw) if stamp not in self._places])
        return np.fromiter(map(self._places.__getitem__, raw), np.int64, len(raw))

    @property
    def seconds(self) -> IntArray:
        """Instants, epoch seconds; the first of two."""
        return self._row(_SECONDS)

    @property
    def second(self) -> IntArray:
        """The later of two instants, else the same."""
        return self._row(_SECOND)

    @property
    def codes(self) -> IntArray:
        """What became of each stamp, a `stamps.Code`."""
        return self._row(_CODES)

    @property
    def naive(self) -> BoolArray:
        """Whether it leaves its zone open."""
        return self._row(_NAIVE).astype(bool)

    @property
    def latest(self) -> IntArray:
        """A second that is not before the instant meant, whichever it is."""
        return self._row(_LATEST)

    @property
    def steps(self) -> IntArray:
        """Steps of the grid."""
        return self._row(_STEPS)

    @property
    def after(self) -> IntArray:
        """Seconds from the label of the step."""
        return self._row(_AFTER)

    @property
    def before(self) -> IntArray:
        """Seconds to the label of the next step."""
        return self._row(_BEFORE)

    @property
    def usable(self) -> BoolArray:
        """Whether it is an instant."""
        codes = self.codes
        found: BoolArray = (codes == Code.OK) | (codes == Code.AMBIGUOUS)
        return found

    def _row(self, which: int) -> IntArray:
        return self._kept[which, : len(self._places)]

    def _read(self, new: list[Any]) -> None:
        known, size = len(self._places), len(self._places) + len(new)
        if size > self._kept.shape[1]:
            room = np.zeros((8, max(size, 2 * self._kept.shape[1])), np.int64)
            room[:, :known] = self._kept[:, :known]
            self._kept = room
        self._places.update(zip(new, range(known, size), strict=True))
        rows = self._kept[:, known:size]
        seconds, utc, plain = read_plain(new)
        if plain.any():
            rows[:_STEPS, plain] = self._of_clocks(seconds[plain], utc[plain])
        if not plain.all():
            rest = np.flatnonzero(~plain)
            rows[:_STEPS, rest] = self._one_by_one([new[place] for place in rest])
        if self._grid is not None:
            rows[_STEPS:] = place_on(self._grid, rows[_SECONDS])

    def _one_by_one(self, new: list[Any]) -> AnyArray:
        stamps = parse_stamps(new, self._timezone)
        latest = stamps.second + stamps.inexact
        return np.stack([stamps.first, stamps.second, stamps.codes, stamps.naive, latest])

    def _of_clocks(self, seconds: IntArray, utc: BoolArray) -> AnyArray:
        """What `parse_stamps` says of stamps without fractions or offsets."""
        first, second, codes = seconds.copy(), seconds.copy(), np.full(len(seconds), int(Code.OK))
        if self._timezone is None:
            codes[~utc] = Code.WITHOUT_ZONE
        elif not utc.all():
            local = instants_of(seconds[~utc], self._timezone)
            first[~utc], second[~utc] = local.first, local.second
            codes[~utc] = np.select(
                [local.missing, local.twice], [Code.NONEXISTENT, Code.AMBIGUOUS]
            )
        return np.stack([first, second, codes, ~utc, second])


def place_on(grid: Grid, seconds: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Steps of instants, the seconds from their labels, and to the next ones, each [n]."""
    steps = grid.step_of(seconds)
    return steps, np.abs(seconds - grid.label_of(steps)), grid.label_of(steps + 1) - seconds
