"""Whoever looks sees in one glance whether the newest network serves, and why not."""

from datetime import timedelta
from pathlib import Path

import pytest

from rnnts.database.named_files import forget_files
from rnnts.project import Project, open_project
from tests.rnnts.dashboard.conftest import Look
from tests.rnnts.dashboard.nights import HOSTILE, NIGHT, PANEL, SCHEDULE, Story, project_at, week
from tests.rnnts.dashboard.retrains import Retrained, write
from tests.rnnts.dashboard.text import text_of

SUNDAY = NIGHT - timedelta(days=1)
SERIES = ("EWR/AA", *HOSTILE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A week ago a network was promoted, and on Sunday another one that is no better rejected."""
    folder = tmp_path_factory.mktemp("project")
    project = project_at(folder, [Story("departures", week(), series=SERIES, version=None)])
    first = write(project, "departures", Retrained(SUNDAY - timedelta(days=7), 0.2, series=SERIES))
    write(project, "departures", Retrained(SUNDAY, 0.003, first, SERIES, guarded=(SERIES[-1],)))
    return project


def test_a_rejected_retrain_says_so_first_and_then_why(project: Project, look: Look) -> None:
    answer = look(project).get("/models?panel=departures")
    text = text_of(answer.text)
    assert "<title>Rejected: models of departures" in answer.text
    assert "departures: rejected" in text
    assert "Kept what was there, 2013120820 was rejected. Trained warm from 2013120120" in text
    assert "it took 4.8 min of 5.0 expected, gain expected: +1.0 %" in text
    assert "yes Does it beat last week repeated?" in text
    assert "no Is its network better by more than chance?" in text
    assert "97.5 % is asked for" in text
    assert "1 series on which the network clearly loses" in text
    assert "8 origins 72 windows of 9 series that no network was trained on" in text


def test_the_one_before_can_be_looked_at_too(project: Project, look: Look) -> None:
    version = f"{SUNDAY - timedelta(days=7):%Y%m%d}" * 8
    text = text_of(look(project).get(f"/models?panel=departures&version={version}").text)
    assert "departures: promoted" in text
    assert "2013120120 became champion, the first. Trained from scratch" in text
    assert "chance" not in text.partition("Retrains")[0]


def test_every_plot_is_drawn_and_says_what_it_shows(project: Project, look: Look) -> None:
    answer = look(project).get("/models?panel=departures")
    assert answer.text.count('<svg class="plot"') == 5
    text = text_of(answer.text)
    assert "By horizon step the candidate the champion last day repeated" in text
    assert "of 8 origins. One origin counts as one observation" in text
    assert "Residuals by horizon step" in text
    assert "Of the truths 79 % lie in the 80 % range" in text
    assert 'style="' not in answer.text


def test_worst_series_lead_to_their_charts_and_name_who_publishes_them(
    project: Project, look: Look
) -> None:
    answer = look(project).get("/models?panel=departures")
    text = text_of(answer.text)
    worst = text.partition("Series on which it loses most")[2].partition("All scores")[0]
    assert worst.count("baseline: last week repeated") == 1
    assert worst.count(" network") == 8
    assert 'href="/series/' in answer.text
    assert "<img src=x" not in answer.text


def test_the_same_is_there_as_json(project: Project, look: Look) -> None:
    answer = look(project).get("/api/v1/models/scorecard?panel=departures")
    told = answer.json()
    assert told["verdict"] == "Rejected"
    assert told["checks"][-1]["passed"] is False
    assert told["numbers"]["retrain"]["how"] == "warm"
    assert len(told["detail"]["by_series"]["network"]) == len(SERIES)
    assert told["scores"]["scores"]["network"]["coverage_80"] == 0.79
    assert "<" not in answer.text


def test_what_was_decided_later_is_not_known_before(project: Project, look: Look) -> None:
    at = (SUNDAY - timedelta(days=1)).isoformat().replace("+", "%2B")
    text = text_of(look(project).get(f"/models?panel=departures&at={at}").text)
    assert "departures: promoted" in text
    assert "rejected" not in text


@pytest.mark.parametrize("path", ["/models", "/api/v1/models/scorecard"])
@pytest.mark.parametrize("query", ["panel=lods", "panel=departures&version=%00"])
def test_what_is_not_there_is_refused(project: Project, look: Look, path: str, query: str) -> None:
    assert look(project).get(f"{path}?{query}").status_code == 404


def test_a_card_whose_files_were_tidied_still_says_why(tmp_path: Path, look: Look) -> None:
    project = project_at(tmp_path, [Story("loads", week(), version=None)])
    version = write(project, "loads", Retrained(SUNDAY, 0.2))
    with project.database.writing() as connection:
        forget_files(connection, version)
    answer = look(project).get("/models")
    assert "loads: promoted" in text_of(answer.text)
    assert "no longer kept" in answer.text
    assert answer.text.count('<svg class="plot"') == 1


def test_a_network_without_a_scorecard_is_told_from_its_decision(
    tmp_path: Path, look: Look
) -> None:
    project = project_at(tmp_path, [Story("loads", week())])
    text = text_of(look(project).get("/models").text)
    assert "loads: promoted" in text
    assert "MASE 0.81 beats the champion's 0.84" in text


def test_before_the_first_retrain_the_page_says_how_to_make_one(tmp_path: Path, look: Look) -> None:
    file = tmp_path / "rnnts.toml"
    file.write_text(PANEL.format(name="loads") + SCHEDULE)
    text = text_of(look(open_project(file)).get("/models").text)
    assert "No network was trained yet" in text
    assert "python -m flows.weekly_retrain --panel loads" in text


def test_night_leads_to_the_models(project: Project, look: Look) -> None:
    assert 'href="/models?panel=departures"' in look(project).get("/").text


def test_what_the_network_makes_alone_is_said_where_a_baseline_has_series_of_it(
    tmp_path: Path, look: Look
) -> None:
    """The last series is 20 times the network's worst: the others are published all the same."""
    project = project_at(tmp_path, [Story("loads", week(), version=None)])
    write(project, "loads", Retrained(SUNDAY, 0.2))
    assert "the network alone" not in text_of(look(project).get("/models").text)
    write(project, "loads", Retrained(SUNDAY + timedelta(days=1), 0.2, worst=20.0))
    text = text_of(look(project).get("/models").text)
    assert "loads: promoted" in text
    assert "; the network alone " in text
