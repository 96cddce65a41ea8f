"""The learning-rate sweep: loss over the rate, and the rate that was picked."""

from collections.abc import Sequence
from pathlib import Path

from rnnts.pictures.files import writing


def draw_sweep(
    rates: Sequence[float], losses: Sequence[float], picked: float, output: Path
) -> None:
    """Draw `losses` over `rates`, both [steps], on a logarithmic axis into a PNG.

    Raises:
        ConfigurationError: PICTURE_PATH.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.semilogx(rates, losses, color="#0072B2")
    axes.axvline(picked, color="#D55E00", linestyle="--", label=f"picked: {picked:.2g}")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss, smoothed")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with writing(output):
        figure.savefig(output, dpi=110)
