"""Small panels that are read at a glance."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

PanelOf = Callable[..., Panel]


@pytest.fixture
def panel_of() -> PanelOf:
    def make(rows: Sequence[Sequence[float]], grid: Grid | None = None, last: int = 999) -> Panel:
        """A panel whose series all end at the step `last`."""
        steps = max(len(row) for row in rows)
        values = np.full((len(rows), steps), np.nan)
        for place, row in enumerate(rows):
            values[place, steps - len(row) :] = row
        infos = tuple(
            SeriesInfo(f"s{place:02}", (), last - len(row) + 1, last)
            for place, row in enumerate(rows)
        )
        return Panel("p", grid or Grid("1h"), infos, last - steps + 1, values, last)

    return make
