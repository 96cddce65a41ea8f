"""Whether ranges held what they promised: levels, places and steps, as one PNG."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.errors import ConfigurationError
from rnnts.pictures.fans import ACTUAL, EARLIER, HUE
from rnnts.pictures.files import check_output, writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnnts.panels.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Published ranges of some nights beside what then happened."""

    panel: str
    nights: int
    truths: int
    levels: tuple[float, ...]
    reached: "FloatArray"  # share of the truths at or below each level's quantile, [levels]
    places: "FloatArray"  # share of the truths in each tenth of the levels, [10]
    coverage: "dict[float, FloatArray]"  # nominal share of a range -> share held, [horizon]

    def told(self) -> str:
        """In one line; of each range the mean over the steps."""
        held = ", ".join(
            f"the {100 * share:g} % range held {100 * float(np.nanmean(values)):.1f} %"
            for share, values in self.coverage.items()
        )
        return f"{held} of {self.truths:,} truths of {self.nights} nights"


def draw_reliability(found: Reliability, output: Path) -> None:
    """Draw what was promised against what was held.

    Raises:
        ConfigurationError: PICTURE_KIND, PICTURE_PATH; PICTURE_EMPTY without a truth.
    """
    check_output(output, ".png")
    if not found.truths:
        raise ConfigurationError(
            "PICTURE_EMPTY",
            panel=found.panel,
            got="no published forecast whose truth is known",
            do="wait for the truth of a night, then ingest it: rnnts ingest PANEL",
        )
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _draw_levels(left, found)
    _draw_places(middle, found)
    _draw_steps(right, found)
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{found.panel}: {found.told()}", fontsize=11)
    with writing(output):
        figure.savefig(output, dpi=110)


def _draw_levels(axes: "Axes", found: Reliability) -> None:
    axes.plot([0, 1], [0, 1], color=ACTUAL, linewidth=0.8, linestyle="--", label="as promised")
    axes.plot(found.levels, found.reached, color=HUE, marker="o", label="held")
    axes.set(xlabel="level", ylabel="share of truths at or below", xlim=(0, 1), ylim=(0, 1))
    axes.set_title("Quantiles", fontsize=10)
    axes.legend(frameon=False)


def _draw_places(axes: "Axes", found: Reliability) -> None:
    count = len(found.places)
    edges = np.arange(count) / count
    axes.bar(edges, found.places, width=1 / count, align="edge", color=HUE, edgecolor="white")
    axes.axhline(1 / count, color=ACTUAL, linewidth=0.8, linestyle="--")
    axes.set(xlabel="place among the quantiles, drawn where levels tie", ylabel="share of truths")
    axes.set_title("Where the truth fell: flat is right", fontsize=10)


def _draw_steps(axes: "Axes", found: Reliability) -> None:
    marks: list[dict[str, Any]] = [{"color": HUE}, {"color": EARLIER, "linestyle": "-."}]
    for (share, values), mark in zip(found.coverage.items(), marks, strict=True):
        steps = np.arange(1, len(values) + 1)
        axes.plot(steps, values, label=f"{100 * share:g} % range", **mark)
        axes.axhline(share, color=ACTUAL, linewidth=0.8, linestyle="--")
    axes.set(xlabel="steps ahead", ylabel="share of truths inside", ylim=(0, 1.02))
    axes.set_title("Ranges by step", fontsize=10)
    axes.legend(frameon=False, loc="lower right")
