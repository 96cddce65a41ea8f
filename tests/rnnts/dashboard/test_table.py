import csv
import io

import pytest

from rnnts.dashboard.table import cell
from rnnts.project import Project
from tests.rnnts.dashboard.conftest import Look


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx", "\nx"])
def test_no_cell_of_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_the_table_of_a_hostile_series_is_harmless_and_whole(project: Project, look: Look) -> None:
    client = look(project)
    keys = range(1, 10)
    tables = [client.get(f"/series/{key}/forecast.csv") for key in keys]
    rows = [list(csv.DictReader(io.StringIO(table.text))) for table in tables]
    names = {table[0]["series_id"] for table in rows}
    assert "'=cmd|' /C calc'!A0" in names
    assert {len(table) for table in rows} == {48}
    assert not any(name.startswith("=") for name in names)
    assert all('filename="departures-' in table.headers["content-disposition"] for table in tables)


def test_the_table_holds_truth_and_local_times(project: Project, look: Look) -> None:
    text = look(project).get("/series/1/forecast.csv").text
    first, *_, last = csv.DictReader(io.StringIO(text))
    assert first["target_time"] == "2013-12-09T07:00:00+00:00"
    assert first["target_time_local"] == "2013-12-09T02:00:00-05:00"
    assert first["observed"]
    assert last["observed"] == ""
    assert float(first["q0.025"]) <= float(first["point"]) <= float(first["q0.975"])


def test_a_long_table_goes_on_behind_a_step(project: Project, look: Look) -> None:
    text = look(project).get("/series/1/forecast.csv?after=40").text
    assert [row["step"] for row in csv.DictReader(io.StringIO(text))] == [
        str(step) for step in range(41, 49)
    ]
