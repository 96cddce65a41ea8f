from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rnnts.dashboard.judgement import (
    PATIENCE,
    STATES,
    Judgement,
    Night,
    Schedule,
    State,
    day_of,
    judge,
)
from rnnts.database.screens.values import Issue, Run

DUE = datetime(2013, 12, 9, 7, tzinfo=UTC)
YESTERDAY = DUE - timedelta(days=1)
AT = DUE + timedelta(hours=5)
NIGHTLY = Schedule(DUE, DUE + timedelta(days=1), None)
ON_REQUEST = Schedule(None, None, None)
LIVE = Issue(1, DUE, "night", "live", 1, "v", 48, 10, 0, 480, False, DUE + timedelta(minutes=4))  # noqa: FBT003 - its column
OLD = replace(LIVE, publication=2, issued_at=YESTERDAY, published_at=YESTERDAY)
RUNNING = Run("forecast", DUE, "running", "", DUE)


def judged(
    *issues: Issue, schedule: Schedule = NIGHTLY, at: datetime = AT, runs: tuple[Run, ...] = ()
) -> Judgement:
    return judge(schedule, issues, runs, at)


def test_a_forecast_of_the_slot_that_is_due_is_out() -> None:
    assert judged(LIVE, OLD) == Judgement("out", DUE, LIVE, timedelta(minutes=4))


def test_yesterdays_forecast_does_not_stand_for_tonights() -> None:
    assert judged(OLD) == Judgement("missing", DUE, OLD)


def test_a_fallback_degrades_the_night() -> None:
    assert judged(replace(LIVE, degraded=True)).state == "degraded"


def test_late_observations_degrade_the_night() -> None:
    assert judge(NIGHTLY, [LIVE], [], AT, poor=1).state == "degraded"


def test_a_forecast_that_did_not_pass_the_gates_is_held_and_the_last_one_stays() -> None:
    assert judged(replace(LIVE, status="held"), OLD) == Judgement("held", DUE, OLD)


def test_within_an_hour_nothing_is_missing_yet() -> None:
    just_before = DUE + PATIENCE - timedelta(seconds=1)
    assert judged(OLD, at=just_before).state == "waiting"
    assert judged(OLD, at=DUE + PATIENCE).state == "missing"


def test_what_still_runs_is_not_missing() -> None:
    assert judged(OLD, runs=(RUNNING,)).state == "waiting"


def test_a_panel_that_never_had_a_forecast_says_so() -> None:
    assert judged() == Judgement("none", DUE, None)
    assert judged(schedule=ON_REQUEST) == Judgement("none", None, None)


def test_without_a_schedule_the_newest_forecast_is_the_one() -> None:
    assert judged(OLD, schedule=ON_REQUEST).state == "out"


def test_a_night_replayed_years_later_is_not_called_late() -> None:
    replayed = replace(LIVE, published_at=datetime(2026, 11, 23, tzinfo=UTC))
    assert judged(replayed).published_after is None
    assert how([DUE], replayed) == "published"


def how(due: list[datetime], *issues: Issue, begun: datetime = YESTERDAY) -> Night:
    return day_of(DUE.date(), due, issues, AT, begun).night


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        (LIVE, "published"),
        (replace(LIVE, degraded=True), "degraded"),
        (replace(LIVE, published_at=DUE + timedelta(hours=2)), "late"),
        (replace(LIVE, status="held"), "missed"),
        (replace(LIVE, issued_at=DUE + timedelta(hours=1)), "published"),
    ],
    ids=["on time", "with fallbacks", "two hours after", "held back", "made by hand"],
)
def test_a_day_tells_how_its_night_went(issue: Issue, expected: Night) -> None:
    assert how([DUE], issue) == expected


def test_a_day_of_several_slots_is_as_good_as_its_worst() -> None:
    assert how([DUE - timedelta(hours=6), DUE], LIVE) == "missed"


def test_a_slot_that_has_just_come_is_due() -> None:
    assert how([AT - timedelta(minutes=5)]) == "due"


def test_nothing_was_missed_before_the_first_forecast() -> None:
    assert how([DUE], begun=DUE + timedelta(days=1)) == "none"


def test_without_slots_a_day_shows_what_was_published_on_it() -> None:
    assert how([], LIVE) == "published"
    assert how([]) == "none"


def test_states_rise_from_good_to_bad() -> None:
    rising: tuple[State, ...] = ("out", "degraded", "waiting", "none", "held", "missing")
    assert rising == STATES
