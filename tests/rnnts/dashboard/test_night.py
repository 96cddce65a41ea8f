from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from rnnts.dashboard.screens.night import architecture_of
from rnnts.database.schema import score
from rnnts.findings import Finding
from rnnts.project import Project, open_project
from tests.rnnts.dashboard.conftest import Look
from tests.rnnts.dashboard.nights import (
    HOSTILE,
    NIGHT,
    PANEL,
    SCHEDULE,
    Night,
    Story,
    failed_run,
    project_at,
    rejected,
    tell_again,
    week,
)
from tests.rnnts.dashboard.text import text_of

DAY = timedelta(days=1)


def test_a_good_night_is_told_in_one_glance(project: Project, look: Look) -> None:
    answer = look(project).get("/")
    text = text_of(answer.text)
    assert "<title>The forecast is out" in answer.text
    assert "departures Out" in text
    assert "issued Mon 9 Dec 2013, 02:00 -05:00 is out, published 4 min after" in text
    assert "9 series of 48 steps" in text
    assert "patched_lstm version 5d41402abc" in text
    assert "better than naive, pooled over" in text
    assert "of what happened lay inside it" in text
    assert "Next in 18 h forecast Tue 10 Dec 2013, 02:00 -05:00" in text
    assert "retrain Sun 15 Dec 2013, 03:00 -05:00" in text
    assert "last retrain promoted: MASE 0.81 beats" in text
    assert text.count("published") == 8  # the sentence and seven days
    assert "9 network" in text
    assert "9 fresh" in text


def test_a_missing_night_comes_first_and_says_why(tmp_path: Path, look: Look) -> None:
    stories = [
        Story("departures", week(), series=("a", "b")),
        Story("sales", week(NIGHT - DAY), series=("north",)),
    ]
    project = project_at(tmp_path, stories)
    failed_run(project, "sales", NIGHT, "DB_UNREACHABLE: no answer; see that it runs")
    answer = look(project).get("/")
    text = text_of(answer.text)
    assert "<title>sales is missing; 1 of 2 out" in answer.text
    assert text.index("The forecast for") < text.index("departures Out")
    assert "is missing, 5 h after it was due" in text
    assert "Readers still have the one issued Sun 8 Dec 2013, 02:00 -05:00" in text
    assert "Its last run failed at ingest: DB_UNREACHABLE: no answer" in text


def test_a_degraded_night_says_how_many_fell_back(tmp_path: Path, look: Look) -> None:
    nights = (*week()[:-1], Night(NIGHT, "live", fallen=1, skipped=2))
    project = project_at(tmp_path, [Story("loads", nights, series=("a", "b", "c"))])
    text = text_of(look(project).get("/").text)
    assert "The forecast is out, degraded" in text
    assert "2 series skipped" in text
    assert "1 series fell back or is late" in text
    assert "1 seasonal naive" in text
    assert "1 fallback: not by the network" in text
    assert "Mon 9 Dec degraded" in text


def test_a_held_night_is_not_out(tmp_path: Path, look: Look) -> None:
    nights = (*week(NIGHT - DAY), Night(NIGHT, "held"))
    text = text_of(look(project_at(tmp_path, [Story("loads", nights)])).get("/").text)
    assert "loads is held back" in text
    assert "did not pass the gates" in text


def test_late_and_missed_nights_stand_in_the_strip(tmp_path: Path, look: Look) -> None:
    late = Night(NIGHT - 3 * DAY, published_at=NIGHT - 3 * DAY + timedelta(hours=4))
    nights = (*week()[:4], late, *week()[6:])
    text = text_of(look(project_at(tmp_path, [Story("loads", nights)])).get("/").text)
    assert "Fri 6 Dec late" in text
    assert "Sat 7 Dec missed" in text
    assert "Sun 8 Dec published" in text


def test_a_rejected_retrain_keeps_the_champion_on_the_page(tmp_path: Path, look: Look) -> None:
    project = project_at(tmp_path, [Story("loads", week())])
    rejected(project, "loads", "cd" * 32, "MASE 0.88 does not beat the champion's 0.84")
    text = text_of(look(project).get("/").text)
    assert "version 5d41402abc" in text
    assert "last retrain rejected: MASE 0.88 does not beat the champion's 0.84" in text


def test_findings_are_shown_the_worst_first_and_as_text(tmp_path: Path, look: Look) -> None:
    findings = (
        Finding("GAP", "info", "loads", "18 of 336 steps are missing", "look at the source"),
        Finding("ARTEFACT_CORRUPT", "error", "loads", "a <sha256>", "restore", HOSTILE[0]),
    )  # fmt: skip
    project = project_at(tmp_path, [Story("loads", week(), findings=findings)])
    answer = look(project).get("/")
    text = text_of(answer.text)
    assert "1 error noticed in the last seven days" in text
    assert text.index("ARTEFACT_CORRUPT") < text.index("GAP")
    assert "<img src=x onerror=alert(1)>" in text
    assert "<img src=x" not in answer.text


def test_old_findings_are_not_shown_again(tmp_path: Path, look: Look) -> None:
    finding = Finding("GAP", "error", "loads", "18 steps are missing", "look at the source")
    project = project_at(tmp_path, [Story("loads", week(), findings=(finding,))])
    later = (NIGHT + 8 * DAY).isoformat().replace("+", "%2B")
    assert "GAP" not in look(project).get(f"/?at={later}").text


def test_a_project_on_its_first_day_has_a_page_before_it_has_a_table(
    tmp_path: Path, look: Look
) -> None:
    file = tmp_path / "rnnts.toml"
    file.write_text(PANEL.format(name="loads") + SCHEDULE)
    text = text_of(look(open_project(file)).get("/").text)
    assert "No forecast yet" in text
    assert "missed" not in text
    assert not (tmp_path / ".rnnts" / "rnnts.db").exists()


def test_a_project_without_panels_says_what_to_do(tmp_path: Path, look: Look) -> None:
    file = tmp_path / "rnnts.toml"
    file.write_text("")
    text = text_of(look(open_project(file)).get("/").text)
    assert "No panel is configured" in text
    assert "rnnts init" in text


def test_a_night_of_the_past_can_be_looked_at(project: Project, look: Look) -> None:
    text = text_of(look(project).get("/?at=2013-12-06T07:05-05:00").text)
    assert "Looking at Fri 6 Dec 2013, 12:05 +00:00" in text
    assert "issued Fri 6 Dec 2013, 02:00 -05:00 is out" in text
    assert "Sat 7 Dec published" not in text


def test_a_replay_of_years_ago_is_neither_late_nor_missed(tmp_path: Path, look: Look) -> None:
    replayed = datetime(2026, 11, 23, tzinfo=UTC)
    nights = tuple(replace(night, published_at=replayed) for night in week())
    project = project_at(tmp_path, [Story("loads", nights)])
    text = text_of(look(project).get("/").text)
    assert "is out: 4 series" in text
    assert "late" not in text
    assert "missed" not in text


@pytest.mark.parametrize("at", ["yesterday", "2013-12-09", "2013-12-09T07:00", "9" * 513])
def test_an_instant_without_an_offset_is_refused(project: Project, look: Look, at: str) -> None:
    answer = look(project).get(f"/?at={at}")
    assert answer.status_code == 400
    assert "what to do" in text_of(answer.text)


def test_a_database_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rnnts.toml"
    file.write_text(PANEL.format(name="loads"))
    url = "postgresql://reader:hunter2@127.0.0.1:1/forecasts"
    monkeypatch.setenv("RNNTS_DATABASE__URL", url)
    answer = look(open_project(file)).get("/")
    assert answer.status_code == 503
    assert "DB_UNREACHABLE" in answer.text
    assert "hunter2" not in answer.text


def test_the_architecture_is_found_wherever_the_manifest_has_it() -> None:
    assert architecture_of({"config": {"model": {"architecture": "lstm"}}}) == "lstm"
    assert architecture_of({"seed": 1}) == ""
    assert architecture_of(None) == ""


def test_what_was_summed_is_not_summed_again(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = look(project_at(tmp_path, [Story("loads", week())]))
    first = looker.get("/").text
    again: list[object] = []
    for name in ("night.series_by", "worth.realised", "worth.worst_series"):
        monkeypatch.setattr(f"rnnts.database.screens.{name}", lambda *asked: again.append(asked))
    assert looker.get("/").text == first
    assert again == []


def test_new_scores_are_seen_at_the_next_look(tmp_path: Path, look: Look) -> None:
    project = project_at(tmp_path, [Story("loads", week())])
    looker = look(project)
    assert "better than naive, pooled over" in text_of(looker.get("/").text)
    with project.database.writing() as connection:
        connection.execute(
            update(score).where(score.c.method == "network").values(absolute_error=1e6)
        )
    assert "worse than naive, pooled over" in text_of(looker.get("/").text)


def test_a_revision_of_a_night_is_seen_at_the_next_look(tmp_path: Path, look: Look) -> None:
    project = project_at(tmp_path, [Story("loads", week())])
    looker = look(project)
    assert "4 network" in text_of(looker.get("/").text)
    tell_again(project, Story("loads", (Night(NIGHT, "live", fallen=1),)))
    assert "3 network" in text_of(looker.get("/").text)
