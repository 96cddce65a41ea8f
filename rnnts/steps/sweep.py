"""The learning-rate sweep of a panel: loss over the rate, and the rate that it picks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnts.learning.banners import load_tensorflow
from rnnts.steps.window import load_windows, windowset_of

if TYPE_CHECKING:
    from rnnts.project import Project


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a picture of it needs."""

    rates: list[float]  # rising, [steps]
    losses: list[float]  # smoothed, [steps]
    picked: float


def sweep(project: "Project", panel: str, windows_id: str) -> SweepResult:
    """Train once for a few hundred steps while the rate rises; keeps nothing.

    Raises:
        ConfigurationError: PANEL_UNKNOWN.
        IntegrityError: The windows are missing or corrupt.
    """
    load_tensorflow()
    from rnnts.learning.rate import sweep_rates

    config = project.panel(panel)
    windows = load_windows(project, windows_id)
    found = sweep_rates(windows.network, windowset_of(project, windows), seed=config.train.seed)
    return SweepResult(found.rates.tolist(), found.smooth.tolist(), found.rate)
