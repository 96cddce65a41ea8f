"""Series that begin and end while the others go on, as a reader of the table sees them."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.findings import findings_of
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

HOURS = 600
DAY = timedelta(days=1)
FIRST = BEGIN + timedelta(hours=HOURS - 24)
OLD = 12


def project_with(folder: Path, **others: FloatArray) -> Project:
    """Series o00 to o11 from 10 to 10,000 in size, and others."""
    sizes = np.geomspace(1, 1_000, OLD)
    series = {f"o{at:02}": size * wave(HOURS, 24, at) for at, size in enumerate(sizes)}
    return lay_out(folder, series | others)


def night(project: Project, at: datetime) -> dict[str, list[tuple[str, str, float, float, float]]]:
    """Publish a night; method, quality, q10, q50 and q90 of each live row by series."""
    snapshot = ingest(project, "loads", at).snapshot_id
    staged = forecast(project, "loads", snapshot, at)
    assert publish(project, "loads", staged.staged_id, at).status == "live"
    columns = "series_id, method, quality, q10, q50, q90"
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        rows = connection.execute(
            f"SELECT {columns} FROM rnnts_latest_forecast ORDER BY series_id, target_time"  # noqa: S608
        ).fetchall()
    connection.close()
    found: dict[str, list[tuple[str, str, float, float, float]]] = {}
    for name, *rest in rows:
        found.setdefault(name, []).append(tuple(rest))
    return found


def relative_width(rows: list[tuple[str, str, float, float, float]], size: float) -> float:
    return float(np.mean([high - low for *_, low, _, high in rows]) / size)


@pytest.mark.parametrize(
    ("hours", "method", "wider"),
    [(1, "last_value", 2.0), (6, "last_value", 2.0), (30, "seasonal_naive", 0.9)],
)
def test_a_new_series_has_rows_on_its_first_night_marked_cold_and_wide(
    tmp_path: Path, hours: int, method: str, wider: float
) -> None:
    begun = HOURS - hours
    values = np.concatenate([np.full(begun, np.nan), 50 * wave(HOURS, 24, seed=99)[begun:]])
    project = project_with(tmp_path, new=values)
    assert "new" not in night(project, FIRST - DAY)
    rows = night(project, BEGIN + timedelta(hours=HOURS))
    assert len(rows["new"]) == 6
    assert {row[:2] for row in rows["new"]} == {(method, "cold")}
    sizes = np.geomspace(1, 1_000, OLD)
    neighbours = [relative_width(rows[f"o{at:02}"], sizes[at]) for at in range(OLD)]
    assert relative_width(rows["new"], 50) > wider * np.median(neighbours)
    with project.database.reading() as connection:
        said = {(row.code, row.series_id) for row in findings_of(connection, "loads")}
    assert ("SERIES_NEW", "new") in said
    assert ("TOO_SHORT", "new") not in said


def test_a_series_that_vanished_stops_with_a_finding_and_the_others_go_on(tmp_path: Path) -> None:
    project = project_with(tmp_path, gone=wave(HOURS, 24, seed=98))
    assert len(night(project, FIRST)["gone"]) == 6
    change(project, "DELETE FROM readings WHERE site = 'gone'")
    rows = night(project, FIRST + DAY)
    assert set(rows) == {f"o{at:02}" for at in range(OLD)}
    with project.database.reading() as connection:
        said = {row.series_id: row for row in findings_of(connection, "loads") if row.series_id}
    assert said["gone"].code == "NO_ROWS"
    assert "the source has no row of it any more" in said["gone"].evidence
