"""Fan charts: history, what then happened, and the fan of quantiles, as PNG or one HTML file."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.errors import ConfigurationError
from rnnts.pictures.files import check_output, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from rnnts.panels.arrays import FloatArray, IntArray

BANDS = ((0.025, 0.975, "95 %", 0.15), (0.1, 0.9, "80 %", 0.25), (0.3, 0.7, "40 %", 0.4))
"""Nested central ranges, widest first, with their opacity: one hue, darker inside."""
HUE = "#0072B2"  # Okabe-Ito blue
ACTUAL = "#1a1a1a"
EARLIER = "#D55E00"  # Okabe-Ito vermillion, dashed: a second cue beside the colour


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """One series at one issue, in the source's unit; gaps are NaN and are not joined."""

    series_id: str
    timezone: str
    issued_at: datetime
    method: str
    quality: str
    history_times: "IntArray"  # epoch seconds, [history]
    history: "FloatArray"  # [history]
    target_times: "IntArray"  # epoch seconds, [horizon]
    quantiles: "dict[float, FloatArray]"  # level -> [horizon]
    truth: "FloatArray"  # NaN where not known yet, [horizon]
    earlier: "tuple[IntArray, FloatArray] | None" = None  # the previous issue's point forecast


def draw(fans: "Sequence[Fan]", output: Path, *, title: str = "") -> None:
    """Draw one chart a series into `output`: .png with matplotlib, .html with plotly inside.

    Raises:
        ConfigurationError: PICTURE_KIND for another suffix, PICTURE_PATH, PICTURE_EMPTY without
            a fan.
    """
    if not fans:
        raise ConfigurationError(
            "PICTURE_EMPTY", got="no forecast to draw", do="publish one first: rnnts publish PANEL"
        )
    check_output(output, ".png", ".html")
    with writing(output):
        if output.suffix == ".png":
            _draw_png(fans, output, title)
        else:
            output.write_text(_html(fans, title), encoding="utf-8")


def local_times(seconds: "IntArray", timezone: str) -> list[datetime]:
    """Wall-clock times in `timezone`; a chart's axis speaks the series' own zone."""
    zone = ZoneInfo(timezone)
    return [datetime.fromtimestamp(int(second), zone).replace(tzinfo=None) for second in seconds]


def _caption(fan: Fan) -> str:
    local = fan.issued_at.astimezone(ZoneInfo(fan.timezone))
    return f"{fan.series_id}   issued {local:%Y-%m-%d %H:%M %Z}   {fan.method}, {fan.quality}"


def _draw_png(fans: "Sequence[Fan]", output: Path, title: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    columns = 1 if len(fans) == 1 else 2
    rows = -(-len(fans) // columns)
    figure: Figure = Figure(figsize=(7.2 * columns, 2.9 * rows + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, fan in zip(grid, fans, strict=False):
        _draw_fan(axes, fan)
    for axes in grid[len(fans) :]:
        axes.set_axis_off()
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    if title:
        figure.suptitle(title, fontsize=13)
    figure.savefig(output, dpi=110)


def _draw_fan(axes: "Axes", fan: Fan) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415

    times: Any = local_times(fan.target_times, fan.timezone)
    history_times: Any = local_times(fan.history_times, fan.timezone)
    for low, high, name, opacity in BANDS:
        if low in fan.quantiles and high in fan.quantiles:
            axes.fill_between(
                times, fan.quantiles[low], fan.quantiles[high], color=HUE, alpha=opacity,
                linewidth=0, label=f"{name} range",
            )  # fmt: skip
    if fan.earlier is not None:
        earlier: Any = local_times(fan.earlier[0], fan.timezone)
        axes.plot(earlier, fan.earlier[1], "--", color=EARLIER, linewidth=1.0, label="last night's")
    axes.plot(times, fan.quantiles[0.5], color=HUE, linewidth=1.6, label="median")
    axes.plot(history_times, fan.history, color=ACTUAL, linewidth=1.0, label="observed")
    axes.plot(times, fan.truth, color=ACTUAL, linewidth=1.0, marker=".", markersize=3)
    issued: Any = fan.issued_at.astimezone(ZoneInfo(fan.timezone)).replace(tzinfo=None)
    axes.axvline(issued, color="0.4", linestyle=":", linewidth=1.0)
    axes.set_title(_caption(fan), fontsize=9, loc="left", parse_math=False)  # "$" in a name
    locator = AutoDateLocator(minticks=3)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.spines[["top", "right"]].set_visible(False)
    if _never_negative(fan):
        axes.set_ylim(bottom=0)


def _never_negative(fan: Fan) -> bool:
    return bool(np.nanmin(fan.history, initial=0.0) >= 0 and fan.quantiles[0.5].min() >= 0)


def _html(fans: "Sequence[Fan]", title: str) -> str:
    from plotly import graph_objects  # noqa: PLC0415 - a second
    from plotly.subplots import make_subplots  # noqa: PLC0415

    figure = make_subplots(
        rows=len(fans), cols=1, vertical_spacing=0.3 / max(len(fans), 2),
        subplot_titles=[_plain(_caption(fan)) for fan in fans],
    )  # fmt: skip
    for row, fan in enumerate(fans, start=1):
        for trace in _traces(fan, legend=row == 1):
            figure.add_trace(graph_objects.Scatter(trace), row=row, col=1)
        issued = fan.issued_at.astimezone(ZoneInfo(fan.timezone)).replace(tzinfo=None)
        figure.add_vline(x=issued, line_dash="dot", line_color="gray", row=row, col=1)
    figure.update_layout(
        template="simple_white", height=320 * len(fans) + 120, title=_plain(title),
        hovermode="x unified", legend={"orientation": "h", "y": -0.05},
    )  # fmt: skip
    return str(figure.to_html(include_plotlyjs=True, full_html=True))


def _plain(text: str) -> str:
    """Plotly reads a title as HTML; a series name is text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _traces(fan: Fan, *, legend: bool) -> list[dict[str, Any]]:
    times = local_times(fan.target_times, fan.timezone)
    traces: list[dict[str, Any]] = []
    for low, high, name, opacity in BANDS:
        if low in fan.quantiles and high in fan.quantiles:
            traces.append({
                "x": [*times, *times[::-1]], "fill": "toself", "mode": "none",
                "name": f"{name} range",
                "y": [*fan.quantiles[high], *fan.quantiles[low][::-1]], "hoverinfo": "skip",
                "fillcolor": f"rgba(0,114,178,{opacity})", "showlegend": legend,
            })  # fmt: skip
    lines = [
        ("observed", local_times(fan.history_times, fan.timezone), fan.history, ACTUAL, "solid"),
        ("what happened", times, fan.truth, ACTUAL, "dot"),
        ("median", times, fan.quantiles[0.5], HUE, "solid"),
    ]
    if fan.earlier is not None:
        earlier = local_times(fan.earlier[0], fan.timezone)
        lines.append(("last night's", earlier, fan.earlier[1], EARLIER, "dash"))
    traces += [
        {
            "x": x, "y": [None if np.isnan(value) else float(value) for value in y], "name": name,
            "mode": "lines", "line": {"color": color, "dash": dash, "width": 1.5},
            "connectgaps": False, "showlegend": legend,
        }
        for name, x, y, color, dash in lines
    ]  # fmt: skip
    return traces
