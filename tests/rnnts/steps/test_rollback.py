"""What a person takes back is back in one transaction, and the ledger says who and why."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rnnts.database.forecasts import count_rows
from rnnts.database.invariants import check_invariants
from rnnts.database.issues import PublicationRow, live, publication_by_id
from rnnts.database.models import champion, decisions
from rnnts.database.outbox import waiting_messages
from rnnts.database.rollbacks import rollback_target, take_back
from rnnts.database.runs import runs_of
from rnnts.errors import ConfigurationError, InfrastructureError, IntegrityError
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.replay import replay
from rnnts.steps.results import PublicationResult
from rnnts.steps.rollback import rollback_forecast, rollback_model
from rnnts.steps.tidy import tidy
from tests.rnnts.steps.small_champion import MORE, crown
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

DAY = timedelta(days=1)
WHY = "the loader doubled Tuesday"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three nights are out, by a plain method."""
    made = lay_out(tmp_path, {"a": wave(24 * 30, 24)}, more='schedule = { forecast = "0 2 * * *" }')
    for day in (20, 21, 22):
        night(made, day)
    return made


def night(project: Project, day: int, *, replace: bool = False) -> PublicationResult:
    at = BEGIN + day * DAY
    staged = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at)
    return publish(project, "loads", staged.staged_id, at, replace=replace)


def live_now(project: Project) -> PublicationRow:
    with project.database.reading() as connection:
        row = live(connection, "loads")
    assert row is not None
    return row


def status(project: Project, number: int) -> str:
    with project.database.reading() as connection:
        row = publication_by_id(connection, number)
    assert row is not None
    return row.status


def take_back_live(project: Project) -> None:
    rollback_forecast(project, "loads", by="ann", reason=WHY)


def test_the_night_before_is_live_again_and_all_that_is_promised_holds(project: Project) -> None:
    result = rollback_forecast(project, "loads", by="ann", reason=WHY)
    assert (result.taken_back, result.instead) == ("3", "2")
    assert (live_now(project).id, status(project, 3)) == (2, "held")
    assert check_invariants(project.database) == ()
    with project.database.reading() as connection:
        (run,) = runs_of(connection, "loads", "rollback")
        message = waiting_messages(connection, "loads")[-1]
    assert (run.status, run.message, run.result["by"]) == ("done", WHY, "ann")
    assert (message.kind, message.payload["message"]) == (
        "rolled_back",
        f"forecast 3 taken back by ann: {WHY}",
    )


def test_taken_back_again_the_one_before_that_is_live(project: Project) -> None:
    take_back_live(project)
    take_back_live(project)
    assert live_now(project).id == 1
    with pytest.raises(ConfigurationError, match=r"ROLLBACK_NOTHING.*publication 1 alone"):
        take_back_live(project)
    assert live_now(project).id == 1


def test_a_rerun_of_what_was_taken_back_does_not_publish_it_again(project: Project) -> None:
    take_back_live(project)
    again = night(project, 22)
    assert (again.noop, again.status, again.publication) == (True, "held", 3)
    assert "--replace" in again.message
    assert live_now(project).id == 2
    assert night(project, 22, replace=True).status == "live"
    assert check_invariants(project.database) == ()


def test_the_next_night_goes_live_as_ever(project: Project) -> None:
    take_back_live(project)
    assert night(project, 23).status == "live"
    assert check_invariants(project.database) == ()


def test_what_was_taken_back_can_still_be_replayed(project: Project) -> None:
    take_back_live(project)
    found = replay(project, 3)
    assert (found.verdict, found.status) == ("identical", "held")


def test_rows_that_were_changed_are_not_made_live(project: Project) -> None:
    change(project, "UPDATE rnnts_forecast SET q50 = q50 + 1 WHERE publication = 2")
    with pytest.raises(IntegrityError, match=r"ROLLBACK_ROWS.*nothing was changed"):
        take_back_live(project)
    assert live_now(project).id == 3
    with project.database.reading() as connection:
        (run,) = runs_of(connection, "loads", "rollback")
    assert (run.status, run.exit_code) == ("failed", 6)


def test_a_transaction_that_is_repeated_takes_back_no_second_night(project: Project) -> None:
    with project.database.reading() as connection:
        now, before = rollback_target(connection, "loads")
    assert now is not None
    assert before is not None
    for _ in range(2):  # the answer to the first COMMIT was lost
        with project.database.writing() as connection:
            take_back(connection, now, before)
    assert live_now(project).id == 2
    night(project, 23)
    with (
        pytest.raises(InfrastructureError, match="LIVE_CHANGED"),
        project.database.writing() as connection,
    ):
        take_back(connection, now, before)


def test_rows_that_were_held_back_go_with_their_age(project: Project) -> None:
    take_back_live(project)
    for day in (23, 24, 25):
        night(project, day)
    assert tidy(project, nights=3).rows == 18
    with project.database.reading() as connection:
        rows = {number: count_rows(connection, number) for number in range(1, 7)}
    assert rows == {1: 0, 2: 0, 3: 0, 4: 6, 5: 6, 6: 6}
    assert check_invariants(project.database) == ()


def champion_at(project: Project, at: datetime) -> str | None:
    with project.database.reading() as connection:
        row = champion(connection, "loads", at)
    return None if row is None else row.version_id


@pytest.fixture
def two_champions(tmp_path: Path) -> tuple[Project, str, str]:
    schedule = 'schedule = { forecast = "0 2 * * *" }'
    project = lay_out(tmp_path, {"a": wave(24 * 30, 24)}, more=f"{MORE}\n{schedule}")
    ingest(project, "loads", BEGIN + 20 * DAY)
    names = [project.store.put(text.encode(), "weights", "keras") for text in ("first", "second")]
    first, second = (
        crown(
            project, BEGIN + day * DAY, str(day), weights={"name": name, "sha256": "", "digest": ""}
        )
        for day, name in zip((20, 21), names, strict=True)
    )
    return project, first, second


def test_the_champion_before_is_champion_from_the_next_slot_on(
    two_champions: tuple[Project, str, str],
) -> None:
    project, first, second = two_champions
    now = BEGIN + 22 * DAY
    result = rollback_model(project, "loads", now, by="ann", reason="it forgot weekends")
    slot = now + timedelta(hours=2)
    assert (result.taken_back, result.instead, result.effective_from) == (second, first, slot)
    assert champion_at(project, slot - timedelta(seconds=1)) == second
    assert champion_at(project, slot) == first
    with project.database.reading() as connection:
        decision = decisions(connection, "loads")[0]
    assert (decision.action, decision.decided_by) == ("rollback", "ann")
    assert decision.reason == "it forgot weekends"
    assert check_invariants(project.database) == ()


def test_a_champion_whose_file_is_gone_is_not_gone_back_to(
    two_champions: tuple[Project, str, str],
) -> None:
    project, _, second = two_champions
    first = next(
        name for name in project.store.names("weights") if project.store.get(name) == b"first"
    )
    project.store.remove(first)
    with pytest.raises(IntegrityError, match="ARTEFACT_MISSING"):
        rollback_model(project, "loads", BEGIN + 22 * DAY, by="ann", reason=WHY)
    assert champion_at(project, BEGIN + 25 * DAY) == second


def test_without_a_champion_before_there_is_nothing_to_go_back_to(project: Project) -> None:
    with pytest.raises(ConfigurationError, match=r"ROLLBACK_NOTHING.*a champion"):
        rollback_model(project, "loads", BEGIN + 22 * DAY, by="ann", reason=WHY)
