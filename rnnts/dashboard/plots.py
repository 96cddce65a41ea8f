"""Small plots as SVG, drawn here: no script, no file, and they print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from markupsafe import Markup

WIDTH, HEIGHT = 520, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34
MOST_TICKS = 6
STYLES = ("first", "second", "third", "fourth", "fifth")
"""Classes of lines, in the order of what they stand for; the sheet gives hue and dash."""
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """Two axes and what is labelled on them."""

    low: tuple[float, float]  # x, y
    high: tuple[float, float]
    x_title: str
    y_title: str
    x_ticks: tuple[tuple[float, str], ...] | None = None  # place and label; None: round numbers

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + (value - self.low[0]) / self._size(0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return HEIGHT - BOTTOM - (value - self.low[1]) / self._size(1) * (HEIGHT - TOP - BOTTOM)

    def _size(self, axis: int) -> float:
        return (self.high[axis] - self.low[axis]) or 1.0

    def draw(self, label: str, *inside: Markup) -> Markup:
        """The whole picture: axes, grid and what was drawn inside."""
        pieces = [self._y_tick(value) for value in ticks(self.low[1], self.high[1])]
        places = self.x_ticks or tuple(
            (one, plain(one)) for one in ticks(self.low[0], self.high[0])
        )
        pieces += [self._x_tick(value, text) for value, text in places]
        titles = Markup(
            '<text class="title" x="{}" y="{}" text-anchor="end">{}</text>'
            '<text class="title" x="{}" y="{}" transform="rotate(-90 12 {})">{}</text>'
        ).format(WIDTH - RIGHT, HEIGHT - 3, self.x_title, 12, HEIGHT // 2 + 40, HEIGHT // 2 + 40,
                 self.y_title)  # fmt: skip
        return Markup(
            '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        ).format(WIDTH, HEIGHT, label, Markup().join([*pieces, titles, *inside]))

    def _y_tick(self, value: float) -> Markup:
        return Markup(
            '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
            '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
        ).format(LEFT, WIDTH - RIGHT, self.y(value), self.y(value), LEFT - 6, self.y(value) + 4,
                 plain(value))  # fmt: skip

    def _x_tick(self, value: float, text: str) -> Markup:
        return Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            self.x(value), HEIGHT - BOTTOM + 14, text
        )

    def line(self, xs: Sequence[float], ys: Values, style: str) -> Markup:
        """A line that breaks where a value is missing."""
        path, pen = [], "M"
        for x, y in zip(xs, ys, strict=True):
            if y is None or not isfinite(y):
                pen = "M"
                continue
            path.append(f"{pen}{self.x(x):.1f} {self.y(y):.1f}")
            pen = "L"
        return Markup('<path class="curve {}" d="{}"/>').format(style, " ".join(path))

    def band(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], style: str
    ) -> Markup:
        """What lies between two lines."""
        there = [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, low, strict=True)]
        back = [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, high, strict=True)]
        return Markup('<polygon class="{}" points="{}"/>').format(
            style, " ".join([*there, *reversed(back)])
        )

    def bar(self, left: float, right: float, value: float, style: str) -> Markup:
        """A bar from 0 to a value."""
        top, bottom = sorted((self.y(value), self.y(0.0)))
        rectangle = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        width = max(self.x(right) - self.x(left) - 1, 0.5)
        return Markup(rectangle).format(  # noqa: S704 - ours, and what is put in is escaped
            style, self.x(left) + 0.5, top, width, max(bottom - top, 0.5)
        )

    def upright(self, x: float, style: str = "zero") -> Markup:
        """A line across all heights."""
        return Markup('<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>').format(
            style, self.x(x), self.x(x), TOP, HEIGHT - BOTTOM
        )


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, at most MOST_TICKS.

    >>> ticks(0.0, 1.0), ticks(1, 48)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [10.0, 20.0, 30.0, 40.0])
    """
    if not high > low:
        return [low]
    rough = (high - low) / (MOST_TICKS - 1)
    size = 10.0 ** floor(log10(rough))
    step = next(size * one for one in (1, 2, 5, 10) if size * one >= rough * (1 - 1e-9))
    places = range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)
    return [round(place * step, 10) for place in places]


def plain(value: float) -> str:
    """A number on an axis.

    >>> plain(0.30000000000000004), plain(20.0)
    ('0.3', '20')
    """
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def curves(series: Mapping[str, Values], x_title: str, y_title: str, label: str) -> Markup:
    """Lines over 1, 2, …; the first is drawn last, over the others."""
    known = [one for values in series.values() for one in values if one is not None]
    count = max((len(values) for values in series.values()), default=0)
    if not known:
        return Markup()
    frame = Frame((1, 0.0), (max(count, 2), max(known) * 1.05 or 1.0), x_title, y_title)
    drawn = [
        frame.line(range(1, len(values) + 1), values, style)
        for values, style in zip(series.values(), STYLES, strict=False)
    ]
    return frame.draw(label, *reversed(drawn))


def differences(values: Values, labels: Sequence[str], y_title: str, label: str) -> Markup:
    """A bar each, below 0 where it is better."""
    known = [one for one in values if one is not None]
    if not known:
        return Markup()
    reach = max(abs(one) for one in known) * 1.1 or 1.0
    every = max(1, -(-len(labels) // 8))
    places = tuple((at + 0.5, text) for at, text in enumerate(labels) if at % every == 0)
    frame = Frame((0, -reach), (len(values), reach), "", y_title, places)
    bars = [
        frame.bar(at + 0.15, at + 0.85, one, "better" if one < 0 else "worse")
        for at, one in enumerate(values)
        if one is not None
    ]
    return frame.draw(label, *bars, frame.line((0, len(values)), (0.0, 0.0), "zero"))


def histogram(
    edges: Sequence[float], counts: Sequence[int], x_title: str, y_title: str, label: str
) -> Markup:
    """Counts between edges, those below 0 as better."""
    if not sum(counts):
        return Markup()
    frame = Frame((edges[0], 0.0), (edges[-1], max(counts) * 1.05), x_title, y_title)
    bars = [
        frame.bar(left, right, count, "better" if right <= 0 else "worse")
        for left, right, count in zip(edges, edges[1:], counts, strict=False)
    ]
    return frame.draw(label, *bars, frame.upright(0.0))


def spreads(
    rows: Sequence[Sequence[float] | None], x_title: str, y_title: str, label: str
) -> Markup:
    """Nested bands over 1, 2, … from rows of (lowest, low, middle, high, highest)."""
    known = [(at + 1, row) for at, row in enumerate(rows) if row is not None]
    if not known:
        return Markup()
    xs = [float(at) for at, _ in known]
    columns = list(zip(*(row for _, row in known), strict=True))
    reach = max(abs(one) for column in columns for one in column) or 1.0
    frame = Frame((1, -reach), (max(len(rows), 2), reach), x_title, y_title)
    return frame.draw(
        label,
        frame.band(xs, columns[0], columns[4], "wide"),
        frame.band(xs, columns[1], columns[3], "narrow"),
        frame.line((1, max(len(rows), 2)), (0.0, 0.0), "zero"),
        frame.line(xs, columns[2], "first"),
    )


def against_nominal(levels: Sequence[float], reached: Mapping[str, Values], label: str) -> Markup:
    """Share of truths at or below each level, beside the diagonal where it belongs."""
    frame = Frame((0.0, 0.0), (1.0, 1.0), "level", "truths at or below it")
    drawn = [
        frame.line(levels, values, style)
        for values, style in zip(reached.values(), STYLES, strict=False)
    ]
    return frame.draw(label, frame.line((0.0, 1.0), (0.0, 1.0), "zero"), *reversed(drawn))
