from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prefect.runtime import deployment, flow_run

from flows.issue_time import issue_of, slots_between
from rnnts.errors import ConfigurationError

NEW_YORK = ZoneInfo("America/New_York")


def last_two_in_the_morning() -> datetime:
    now = datetime.now(NEW_YORK)  # noqa: TID251 - late is what is late by the real clock
    today = now.replace(hour=2, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def scheduled_for(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: at)


def test_a_run_of_prefect_works_for_the_slot_it_was_scheduled_for(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = last_two_in_the_morning()
    scheduled_for(monkeypatch, slot)
    issue = issue_of(config, "loads", None, "forecast")
    assert (issue.at, issue.overtaken_by) == (slot, None)


def test_a_run_by_hand_works_for_the_newest_due_slot(config: str) -> None:
    assert issue_of(config, "loads", None, "forecast").at == last_two_in_the_morning()


def test_a_run_started_between_two_slots_works_for_the_one_before(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = last_two_in_the_morning()
    scheduled_for(monkeypatch, slot + timedelta(seconds=1))
    assert issue_of(config, "loads", None, "forecast").at == slot


def test_a_late_run_keeps_its_slot_and_learns_that_it_is_overtaken(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = last_two_in_the_morning()
    late = newest - timedelta(days=3)  # by the wall clock: 02:00 too
    scheduled_for(monkeypatch, late)
    issue = issue_of(config, "loads", None, "forecast")
    assert issue.at == late
    assert issue.overtaken_by == newest.astimezone(UTC).isoformat()


def test_a_run_knows_the_deployment_whose_schedule_it_follows(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issue_of(config, "loads", None, "forecast").scheduled_by == ""
    monkeypatch.setitem(deployment.FIELDS, "id", lambda: "d1")
    assert issue_of(config, "loads", None, "forecast").scheduled_by == "d1"
    named = issue_of(config, "loads", "2013-12-02T02:00:00-05:00", "forecast")
    assert named.scheduled_by == ""


def test_an_instant_that_was_named_is_never_overtaken(config: str) -> None:
    issue = issue_of(config, "loads", "2013-12-02T02:00:00-05:00", "forecast")
    assert issue.at == datetime(2013, 12, 2, 7, tzinfo=UTC)
    assert issue.overtaken_by is None


def test_a_retrain_sees_the_world_from_the_night_before_it(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = last_two_in_the_morning()
    sunday = night - timedelta(days=(night.weekday() + 1) % 7)
    scheduled_for(monkeypatch, sunday.replace(hour=3))
    issue = issue_of(config, "loads", None, "retrain")
    assert issue.at == sunday
    assert issue.overtaken_by is None


def test_a_retrain_a_fortnight_late_is_left_to_the_newest(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = last_two_in_the_morning()
    sunday = night - timedelta(days=(night.weekday() + 1) % 7)
    scheduled_for(monkeypatch, sunday.replace(hour=3) - timedelta(days=14))
    assert issue_of(config, "loads", None, "retrain").overtaken_by is not None


def test_without_a_schedule_the_instant_has_to_be_named(config: str) -> None:
    with pytest.raises(ConfigurationError, match="INSTANT_NEEDED calls"):
        issue_of(config, "calls", None, "forecast")


def test_an_instant_that_has_not_come_is_refused(config: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251 - by the real clock
    with pytest.raises(ConfigurationError, match="INSTANT_FUTURE loads"):
        issue_of(config, "loads", tomorrow.isoformat(), "forecast")


def test_a_span_ends_with_the_newest_due_slot(config: str) -> None:
    newest = last_two_in_the_morning()
    next_week = newest + timedelta(days=7)
    found = slots_between(config, "loads", newest.isoformat(), next_week.isoformat())
    assert found == [newest.astimezone(UTC).isoformat()]


def test_a_span_that_ends_before_it_begins_is_refused(config: str) -> None:
    with pytest.raises(ConfigurationError, match="SPAN_INVALID loads"):
        slots_between(config, "loads", "2013-12-04T02:00:00-05:00", "2013-12-02T02:00:00-05:00")


def test_a_span_includes_the_slots_at_its_ends(config: str) -> None:
    found = slots_between(config, "loads", "2013-12-02T02:00:00-05:00", "2013-12-04T02:00:00-05:00")
    assert found == [f"2013-12-0{day}T07:00:00+00:00" for day in (2, 3, 4)]


def test_a_span_of_a_panel_without_schedule_is_refused(config: str) -> None:
    with pytest.raises(ConfigurationError, match="SCHEDULE_MISSING calls"):
        slots_between(config, "calls", "2013-12-02T02:00:00-05:00", "2013-12-04T02:00:00-05:00")
