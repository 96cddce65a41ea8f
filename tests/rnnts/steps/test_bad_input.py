"""What is wrong with a table is said, and everything else of its panel is published."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.findings import findings_of
from rnnts.project import Project
from rnnts.steps.check import check
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave


def published(project: Project, hours: int) -> dict[str, tuple[int, str]]:
    """Rows and method of each series that is live after a night."""
    at = BEGIN + timedelta(hours=hours)
    staged = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at)
    assert publish(project, "loads", staged.staged_id, at).status == "live"
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        rows = connection.execute(
            "SELECT series_id, count(*), min(method), min(q025) FROM rnnts_latest_forecast "
            "GROUP BY series_id"
        ).fetchall()
    connection.close()
    assert all(low is not None for *_, low in rows)
    return {name: (count, method) for name, count, method, _ in rows}


def evidence(project: Project) -> dict[str, str]:
    with project.database.reading() as connection:
        return {row.code: row.evidence for row in findings_of(connection, "loads")}


def test_values_below_the_minimum_are_missing_and_told_and_all_series_are_published(
    tmp_path: Path,
) -> None:
    spoilt = wave(400, 24, 1)
    spoilt[[50, 200]] = -3.0
    project = lay_out(tmp_path, {"a": wave(400, 24), "b": spoilt}, more="minimum = 0")
    assert published(project, 400) == {"a": (6, "seasonal_naive"), "b": (6, "seasonal_naive")}
    assert "2 values below the minimum, such as -3" in evidence(project)["BELOW_MINIMUM"]


def test_a_history_shorter_than_a_season_is_told_and_published(tmp_path: Path) -> None:
    days = {"a": wave(5, 7), "b": wave(5, 7, 1)}
    project = lay_out(tmp_path, days, frequency="1D")
    now = BEGIN + timedelta(days=5)
    said = {finding.code for finding in check(project, "loads", now).findings}
    assert {"HISTORY_SHORT", "TOO_SHORT"} <= said
    assert published(project, 5 * 24) == {"a": (6, "last_value"), "b": (6, "last_value")}
    assert "has 5, needs 7 for a season" in evidence(project)["TOO_SHORT"]


def test_a_series_shorter_than_a_season_leaves_the_others_theirs(tmp_path: Path) -> None:
    short = np.concatenate([np.full(390, np.nan), wave(10, 24)])
    project = lay_out(tmp_path, {"a": wave(400, 24), "b": short})
    assert published(project, 400) == {"a": (6, "seasonal_naive"), "b": (6, "last_value")}
    assert "has 10, needs 24 for a season" in evidence(project)["TOO_SHORT"]


COVARIATE = """
[panels.loads.covariates.weather]
table = "weather"
time = "at"
past = "temp"
"""


@pytest.mark.parametrize(
    ("temp", "code", "by"),
    [
        (None, "COVARIATE_EMPTY", "check"),
        (3.0, "COVARIATE_CONSTANT", "check"),
        ("'cold'", "COVARIATE_TYPE", "night"),
        ("absent", "COVARIATE_UNREADABLE", "night"),
    ],
)
def test_a_column_that_is_worth_nothing_is_told_and_all_series_are_published(
    tmp_path: Path, temp: object, code: str, by: str
) -> None:
    series = {"a": wave(400, 24), "b": wave(400, 24, 1)}
    project = lay_out(tmp_path, series, more=COVARIATE)
    column = "other" if temp == "absent" else "temp"
    change(project, f"CREATE TABLE weather (at TEXT, {column})")
    change(
        project,
        "INSERT INTO weather SELECT DISTINCT at, ? FROM readings",
        temp,
    )
    if by == "check":
        report = check(project, "loads", BEGIN + timedelta(hours=400))
        assert code in {finding.code for finding in report.findings}
    assert published(project, 400) == {"a": (6, "seasonal_naive"), "b": (6, "seasonal_naive")}
    if by == "night":
        assert "weather" in evidence(project)[code]
