"""A line the size of a word."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 120, 24, 2


def spark(values: Sequence[float]) -> Markup:
    """The values as a small line of SVG, from their lowest to their highest."""
    if not values:
        return Markup()
    low, high = min(values), max(values)
    across = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    upward = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    points = " ".join(
        f"{MARGIN + index * across:.1f},{HEIGHT - MARGIN - (value - low) * upward:.1f}"
        for index, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true">'
        '<polyline points="{}"/></svg>'
    ).format(WIDTH, HEIGHT, WIDTH, HEIGHT, points)
