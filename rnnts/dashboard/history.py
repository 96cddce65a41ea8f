"""What was observed: out of the newest snapshot, never out of the user's own tables."""

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from rnnts.dashboard.fan import NOTHING_OBSERVED, Observed
from rnnts.steps.snapshots import load_panel, manifest

if TYPE_CHECKING:
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

_STRIDE = 512
"""A snapshot is loaded from a multiple of so many steps, so that neighbours share one load."""
_KEPT = 2


class Histories:
    """Observations of one series at a time; the last snapshots looked at are kept in memory.

    Args:
        project: Where the snapshots are.
    """

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._lock = Lock()
        self._panels: dict[tuple[str, int], Panel] = {}

    def of(self, snapshot_id: str, series_id: str, first: int, last: int) -> Observed:
        """What was observed of a series from `first` to `last`, epoch seconds, both included.

        Raises:
            IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT.
        """
        panel = self._load(snapshot_id, first)
        row = next((i for i, info in enumerate(panel.series) if info.series_id == series_id), None)
        if row is None:
            return NOTHING_OBSERVED
        steps = np.arange(panel.first_step, panel.last_step + 1)
        times = panel.grid.label_of(steps)
        inside = (first <= times) & (times <= last)
        return Observed(times[inside], panel.values[row, inside])

    def _load(self, snapshot_id: str, first: int) -> "Panel":
        """The snapshot from a step on; whoever comes second waits for the first one's load."""
        grid = manifest(self._project, snapshot_id).grid
        step = int(grid.step_of(np.array([first]))[0])
        key = (snapshot_id, step // _STRIDE * _STRIDE)
        with self._lock:
            if key not in self._panels:
                while len(self._panels) >= _KEPT:
                    del self._panels[next(iter(self._panels))]
                self._panels[key] = load_panel(self._project, snapshot_id, key[1])
            return self._panels[key]
