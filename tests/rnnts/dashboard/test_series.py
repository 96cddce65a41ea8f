import json
import shlex
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from rnnts.dashboard.one_series import MAX_POINTS
from rnnts.project import Project
from tests.rnnts.dashboard.conftest import Look
from tests.rnnts.dashboard.nights import HOSTILE, NIGHT, Night, Story, project_at, week
from tests.rnnts.dashboard.text import text_of


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_found_and_shown_as_text(project: Project, look: Look, name: str) -> None:
    client = look(project)
    query = urlencode({"panel": "departures", "search": name[:100]})
    page = client.get(f"/series?{query}")
    assert page.status_code == 200
    assert "1 series with this in their name" in text_of(page.text)
    assert "<img src=x" not in page.text
    assert "<script>alert" not in page.text
    assert "49" not in text_of(page.text).split("targets")[-1].split(name[:10])[0]
    shown = text_of(page.text)
    assert " ".join(name[:60].split()) in shown


def test_a_series_with_a_hostile_name_has_a_page(project: Project, look: Look) -> None:
    for key in range(1, 10):
        page = look(project).get(f"/series/{key}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.text or "<bdi" in page.text


def test_a_forecast_names_the_command_that_explains_it(tmp_path: Path, look: Look) -> None:
    names = ("plain", "it's; rm -rf /", "--help")
    client = look(project_at(tmp_path, [Story("loads", week()[-1:], series=names)]))
    said = [text_of(client.get(f"/series/{key}").text) for key in (1, 2, 3)]
    commands = [
        one.partition("of the issue before: ")[2].partition(" The forecast as")[0] for one in said
    ]
    told = {tuple(shlex.split(command)[-2:]): shlex.split(command) for command in commands}
    assert set(told) == {("loads", name) for name in names}
    assert all(words[:3] == ["rnnts", "explain", "--issued-at"] for words in told.values())
    assert datetime.fromisoformat(told["loads", "plain"][3]) == week()[-1].issued_at
    assert told["loads", "--help"][4] == "--"


def test_the_list_says_how_each_series_fares(project: Project, look: Look) -> None:
    text = text_of(look(project).get("/series?search=EWR").text)
    assert "EWR/AA network fresh +" in text
    assert "Skill and range over the newest 7 issues" in text


def test_a_search_takes_no_wildcards_and_no_case(project: Project, look: Look) -> None:
    client = look(project)
    assert "0 series with" in text_of(client.get("/series?search=%25").text)
    assert "0 series with" in text_of(client.get("/series?search=E_R").text)
    assert "1 series with" in text_of(client.get("/series?search=ewr").text)
    assert client.get("/series?search=%00%ff").status_code == 200


def test_pages_of_the_list_follow_each_other_without_gap_or_repeat(
    tmp_path: Path, look: Look
) -> None:
    names = tuple(f"s{number:03}" for number in range(120))
    project = project_at(tmp_path, [Story("loads", week()[-1:], series=names)])
    client, path, found = look(project), "/series?panel=loads", []
    while path:
        page = client.get(path).text
        found += [word for word in text_of(page).split() if word in names]
        rest = page.partition('rel="next" href="')[2]
        path = rest.partition('"')[0].replace("&amp;", "&")
    assert found == list(names)


def test_an_unknown_panel_series_or_issue_is_a_404_with_a_remedy(
    project: Project, look: Look
) -> None:
    client = look(project)
    for path in ("/series?panel=departure", "/series/999", "/series/1?publication=999"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "what to do" in text_of(answer.text)
    assert "did you mean departures?" in text_of(client.get("/series?panel=departure").text)


@pytest.mark.parametrize(
    "path", ["/series/0", "/series/-1", "/series/x", "/series/99999999999999999999",
             "/series/1?publication=1;DROP", "/series/1?history=-5", "/series?search=" + "x" * 513]
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_a_400(project: Project, look: Look, path: str) -> None:
    assert look(project).get(path).status_code == 400


@pytest.mark.parametrize("history", [MAX_POINTS + 1, 1_753_200, 2**53])
def test_two_centuries_are_refused_before_anything_is_read(
    project: Project, look: Look, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnts.dashboard.history.load_panel", _must_not_be_called)
    answer = look(project).get(f"/api/v1/series/1/fan?history={history}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "RANGE"
    assert "at most 20,000 points" in answer.json()["message"]


def _must_not_be_called(*_given: object) -> None:
    raise AssertionError("the snapshot was loaded")


def test_what_the_chart_draws_is_complete_and_harmless(project: Project, look: Look) -> None:
    answer = look(project).get("/api/v1/series/2/fan")
    assert "<" not in answer.text
    assert not any(name in answer.text for name in HOSTILE)
    data = json.loads(answer.text)
    assert data["timezone"] == "America/New_York"
    assert data["issued_at"] == NIGHT.timestamp()
    assert len(data["median"]["times"]) == 48
    assert data["median"]["times"][0] == NIGHT.timestamp()
    assert [band["name"] for band in data["bands"]] == ["95 %", "80 %", "40 %"]
    assert [issue["issued_at"] for issue in data["earlier"]] == [
        NIGHT.timestamp() - 86_400, NIGHT.timestamp() - 2 * 86_400,
    ]  # fmt: skip
    assert len(data["observed"]["times"]) == 168 + 5
    assert data["observed"]["values"].count(None) == 11
    assert data["from_zero"]


def test_an_earlier_issue_can_be_chosen(project: Project, look: Look) -> None:
    client = look(project)
    data = client.get("/api/v1/series/1/fan?publication=3&history=24").json()
    assert data["issued_at"] == NIGHT.timestamp() - 5 * 86_400
    assert len(data["observed"]["times"]) == 24 + 48
    assert "Wed 4 Dec 2013, 02:00 -05:00" in text_of(client.get("/series/1?publication=3").text)


def test_an_issue_of_the_future_is_not_offered_to_the_past(project: Project, look: Look) -> None:
    data = look(project).get("/api/v1/series/1/fan?at=2013-12-05T12:00Z").json()
    assert data["issued_at"] == NIGHT.timestamp() - 4 * 86_400


def test_a_series_without_a_forecast_says_so(tmp_path: Path, look: Look) -> None:
    held = (Night(NIGHT, "held"),)
    project = project_at(tmp_path, [Story("loads", held, series=("a",))])
    client = look(project)
    assert "No forecast of this series is kept" in text_of(client.get("/series/1").text)
    assert client.get("/api/v1/series/1/fan").status_code == 404
    assert client.get("/series/1/forecast.csv").status_code == 404


def test_a_chart_whose_snapshot_is_gone_is_refused_with_a_remedy(
    tmp_path: Path, look: Look
) -> None:
    project = project_at(tmp_path, [Story("loads", week()[-1:], series=("a",))])
    for name in list(project.store.names("chunk")):
        project.store.remove(name)
    answer = look(project).get("/api/v1/series/1/fan")
    assert answer.status_code == 500
    assert answer.json()["code"] == "ARTEFACT_MISSING"


def test_the_page_holds_the_chart_in_words_and_numbers(project: Project, look: Look) -> None:
    page = look(project).get("/series/1").text
    text = text_of(page)
    assert 'role="img" aria-label="Forecast of 48 steps from Mon 9 Dec 2013' in page
    assert "Times are those of America/New_York." in text
    assert text.count(" to ") > 3 * 48
    assert "Mon 9 Dec 2013, 14:00 -05:00" in text


def test_a_failure_inside_is_a_page_that_shows_nothing_of_it(
    project: Project, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr("rnnts.dashboard.history.load_panel", broken)
    answer = look(project).get("/series/1?history=77")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "BUG" in text_of(answer.text)


def test_a_panel_that_left_the_configuration_left_the_page(
    tmp_path: Path, look: Look, project: Project
) -> None:
    other = project_at(tmp_path, [Story("loads", week()[-1:], series=("a",))])
    bare = replace(other, config=project.config)
    assert look(bare).get("/series/1").status_code == 404


def test_alive_and_ready_are_two_things(tmp_path: Path, project: Project, look: Look) -> None:
    assert look(project).get("/healthz").text == "ok\n"
    assert look(project).get("/readyz").json() == {"database": "ok"}
    file = tmp_path / "other.db"
    empty = replace(project, database=type(project.database)(f"sqlite:///{file}"))
    assert look(empty).get("/healthz").status_code == 200
    answer = look(empty).get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": "SCHEMA_MISSING"})


def test_the_page_writes_nothing(project: Project, look: Look) -> None:
    file = project.database.file
    assert file is not None
    before = file.read_bytes()
    for path in ("/", "/series", "/series/1", "/series/1/forecast.csv"):
        look(project).get(path)
    assert file.read_bytes() == before
