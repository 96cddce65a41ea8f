"""How instants, numbers and states are written: in the panel's zone, with their offset."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
STATE_WORDS = {
    "out": "Out",
    "degraded": "Out, degraded",
    "waiting": "Not out yet",
    "none": "No forecast yet",
    "held": "Held back",
    "missing": "Missing",
}
NIGHT_WORDS = {
    "published": "published",
    "degraded": "degraded",
    "late": "late",
    "missed": "missed",
    "due": "due",
    "none": "none due",
}
METHOD_WORDS = {
    "network": "network",
    "baseline": "baseline, chosen by the gate",
    "network_previous": "previous network",
    "seasonal_naive": "seasonal naive",
    "last_value": "last value",
    "profile": "profile of the panel",
}
QUALITY_WORDS = {
    "fresh": "fresh",
    "imputed": "imputed: over 10 % of its window was missing",
    "cold": "cold: its history is shorter than the window",
    "late": "late: its newest observations are old",
    "fallback": "fallback: not by the network",
}


def offset_of(instant: datetime, timezone: str) -> str:
    """The zone's offset at an instant.

    >>> from datetime import UTC
    >>> offset_of(datetime(2013, 12, 9, 7, tzinfo=UTC), "America/New_York")
    '-05:00'
    """
    return instant.astimezone(ZoneInfo(timezone)).isoformat()[-6:]


def written(instant: datetime, timezone: str) -> str:
    """An instant in words; the year stands there because a replay may be of another one.

    >>> from datetime import UTC
    >>> written(datetime(2013, 12, 9, 7, tzinfo=UTC), "America/New_York")
    'Mon 9 Dec 2013, 02:00 -05:00'
    """
    local = instant.astimezone(ZoneInfo(timezone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {offset_of(instant, timezone)}"


def time_tag(instant: datetime, timezone: str) -> Markup:
    """The same as an element that machines read too."""
    iso = instant.astimezone(ZoneInfo(timezone)).isoformat()
    title = f"{iso} ({timezone})"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso, title, written(instant, timezone)
    )


def span(duration: timedelta) -> str:
    """A duration in its largest sensible unit.

    >>> span(timedelta(minutes=3)), span(timedelta(hours=18, minutes=40)), span(timedelta(days=3))
    ('3 min', '18 h', '3 days')
    """
    seconds = int(abs(duration).total_seconds())
    if seconds < _MINUTE:
        return "under a minute"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY:,} days"


def percent(share: float | None, *, signed: bool = False) -> str:
    """A share as a percentage.

    >>> percent(0.183, signed=True), percent(-0.0001, signed=True), percent(0.796)
    ('+18.3 %', '0.0 %', '80 %')
    """
    if share is None:
        return DASH
    if not signed:
        return f"{100 * share:.0f} %"
    tenths = round(1_000 * share)
    return f"{tenths / 10:{'+' if tenths else ''}.1f} %".replace("-", MINUS)


def number(value: float | None) -> str:
    """A value of a series: four digits that count, thousands apart.

    >>> number(12.34567), number(1234567.8), number(0.0)
    ('12.35', '1,234,568', '0')
    """
    if value is None:
        return DASH
    if abs(value) >= 10_000:  # noqa: PLR2004 - five digits before the point need none behind
        return f"{value:,.0f}".replace("-", MINUS)
    return f"{value:.4g}".replace("-", MINUS)


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "series", "series"), plural(2, "night"), plural(1200, "finding")
    ('1 series', '2 nights', '1,200 findings')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shortened(text: str, length: int = 80) -> str:
    """The beginning of a long name; the whole of it stands where there is room."""
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def isolated(text: str) -> Markup:
    """A name from outside: escaped, and its right-to-left marks kept to itself."""
    return Markup('<bdi class="name">{}</bdi>').format(escape(text))
