"""Is tonight's forecast out? The one judgement that the page makes, in words, without a clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from rnnts.database.screens.values import Issue, Run

State = Literal["out", "degraded", "waiting", "none", "held", "missing"]
"""Rising: the state of several panels is the worst of theirs."""
STATES: tuple[State, ...] = ("out", "degraded", "waiting", "none", "held", "missing")
PATIENCE = timedelta(hours=1)
"""How long after its slot a forecast may come without being late: a night of 10,000 series takes
minutes, and whoever is on call need not look before."""
Night = Literal["published", "degraded", "late", "missed", "due", "none"]
"""How one night, or one day of several slots, went; the worst of its slots."""
_WORST: tuple[Night, ...] = ("none", "published", "degraded", "late", "due", "missed")


@dataclass(frozen=True, slots=True)
class Schedule:
    """The slots of a panel around the instant of looking; none where it has no schedule."""

    due: datetime | None  # the newest slot that has come
    next_due: datetime | None
    next_retrain: datetime | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the forecast is out, and the sentence that says so."""

    state: State
    about: datetime | None  # the slot, or the newest issue of a panel without a schedule
    issue: Issue | None  # the forecast that readers have now
    published_after: timedelta | None = None  # its slot; None: not known, or done over later


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the strip."""

    day: date  # of the panel's own calendar
    night: Night
    issue: Issue | None  # its newest that was published


def judge(
    schedule: Schedule,
    issues: Sequence[Issue],
    runs: Sequence[Run],
    at: datetime,
    *,
    poor: int = 0,
) -> Judgement:
    """Say how the night went.

    Args:
        schedule: Its slots around `at`.
        issues: The newest first, none issued later than `at`.
        runs: What ran for the slot that is due.
        at: The instant of looking.
        poor: Series of the newest published issue that fell back or are late.
    """
    published = next((issue for issue in issues if issue.status != "held"), None)
    about = schedule.due or (issues[0].issued_at if issues else None)
    if about is None:
        return Judgement("none", None, None)
    if published is not None and published.issued_at >= about:
        state: State = "degraded" if published.degraded or poor else "out"
        return Judgement(state, published.issued_at, published, _after_slot(published, at))
    if any(issue.status == "held" and issue.issued_at >= about for issue in issues):
        return Judgement("held", about, published)
    started = any(run.status == "running" for run in runs)
    if started or at - about < PATIENCE:
        return Judgement("waiting", about, published)
    return Judgement("missing" if issues else "none", about, published)


def _after_slot(issue: Issue, at: datetime) -> timedelta | None:
    """How long after its slot it was published; None for a night that was done over later."""
    if issue.published_at is None or issue.published_at > at:
        return None
    return issue.published_at - issue.issued_at


def day_of(
    day: date, due: Sequence[datetime], issues: Sequence[Issue], at: datetime, begun: datetime
) -> Day:
    """How one day went.

    Args:
        day: The day.
        due: Its slots, rising; may be empty.
        issues: Those issued on it, newest first.
        at: The instant of looking.
        begun: When the panel's first forecast was issued; what was due before was not missed.
    """
    published = [issue for issue in issues if issue.status != "held"]
    newest = published[0] if published else None
    nights: list[Night] = [
        _night(slot, end, published, at)
        for slot, end in pairwise((*due, datetime.max.replace(tzinfo=UTC)))
        if slot >= begun
    ]
    if not due:
        nights = ["degraded" if issue.degraded else "published" for issue in published]
    return Day(day, max(nights, key=_WORST.index, default="none"), newest)


def _night(slot: datetime, end: datetime, published: Sequence[Issue], at: datetime) -> Night:
    """How the night from one slot up to the next went; one made by hand between them will do."""
    issue = next((one for one in published if slot <= one.issued_at < end), None)
    if issue is None:
        return "due" if at - slot < PATIENCE else "missed"
    after = _after_slot(issue, at)
    if after is not None and after > PATIENCE:
        return "late"
    return "degraded" if issue.degraded else "published"
