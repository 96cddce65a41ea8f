"""Durations as people write them."""

import re

UNITS = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)", re.IGNORECASE)


def duration_seconds(text: str) -> int:
    """Seconds of a duration.

    >>> duration_seconds("6h"), duration_seconds("1d 12h"), duration_seconds("15min")
    (21600, 129600, 900)

    Raises:
        ValueError: It is no duration.
    """
    position, seconds = 0, 0.0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            break
        seconds += float(part[1]) * UNITS[part[2].lower()]
        position = part.end()
    if position == 0 or text[position:].strip():
        raise ValueError(f'expected a duration such as "6h" or "1d 12h", got {text!r}')
    return round(seconds)
