from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.models import CalibrationRow, add_scorecard, calibration, champion
from rnnts.learning.calibration import Calibration
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.calibrate import calibrate
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.results import CalibrationResult, Kind
from rnnts.steps.staged import Staged, blocks_of
from tests.rnnts.steps.small_champion import MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

HOURS = 800
START = BEGIN + timedelta(hours=500)
NAMES = "abcdefghij"
ORIGIN = int(START.timestamp()) // 3600
"""The grid step of START."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Ten series and a champion whose ranges, 2 up and 2 down, are too wide for noise of 1.4."""
    Repeater(monkeypatch)
    values = {name: wave(HOURS, 24, seed) for seed, name in enumerate(NAMES)}
    made = lay_out(tmp_path, values, more=MORE)
    ingest(made, "loads", BEGIN + timedelta(hours=400))
    crown(made, BEGIN + timedelta(hours=400))
    return made


def night(project: Project, hours: int, kind: Kind = "night") -> str:
    """Publish the issue of an hour after START; its staged id."""
    at = START + timedelta(hours=hours)
    staged = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at, kind=kind)
    publish(project, "loads", staged.staged_id, at, kind=kind)
    return staged.staged_id


def calibrated(project: Project, hours: int) -> CalibrationResult:
    at = START + timedelta(hours=hours)
    return calibrate(project, "loads", ingest(project, "loads", at).snapshot_id, at)


def row_of(project: Project, result: CalibrationResult) -> CalibrationRow:
    with project.database.reading() as connection:
        row = calibration(connection, result.calibration_id or "")
    assert row is not None
    return row


def factors(project: Project, result: CalibrationResult) -> FloatArray:
    """How far it moves ends that lie 1 away from the median, [6, 2]; mean over its series."""
    artefact = row_of(project, result).artefact
    fitted = Calibration.from_arrays(project.store.get_arrays(artefact))
    ranges = np.tile([-1.0, 0.0, 1.0], (len(fitted.series), 6, 1))
    moved: FloatArray = np.abs(fitted.apply(ranges, fitted.series)[:, :, [0, 2]]).mean(axis=0)
    return moved


def add_card(project: Project, rows: int, spread: float) -> None:
    """Held-out errors of the champion: noise of a spread inside ranges of 2 up and 2 down."""
    with project.database.reading() as connection:
        version = champion(connection, "loads", START)
    assert version is not None
    actual = np.random.default_rng(0).normal(0, spread, (rows, 6))
    arrays = {
        "quantiles": np.tile(np.array([-2.0, 0.0, 2.0]), (rows, 6, 1)),
        "actual": actual,
        "scale": np.ones(rows),
        "series": np.tile(["a", "b"], rows // 2),
        "origin": ORIGIN - 24 * np.repeat(np.arange(rows // 2), 2),
    }
    scores = {"artefacts": {"residuals": project.store.put_arrays(arrays, "residuals")}}
    with project.database.writing() as connection:
        add_scorecard(
            connection,
            scorecard_id="card",
            panel="loads",
            version_id=version.version_id,
            snapshot_id="s",
            as_of=BEGIN,
            scores=scores,
        )


def test_without_a_champion_there_is_nothing_to_calibrate(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(600, 24)}, more=MORE)
    result = calibrated(project, 0)
    assert (result.calibration_id, result.reason) == (None, "there is no champion")


def test_held_out_errors_teach_before_anything_is_published(project: Project) -> None:
    add_card(project, 200, spread=1.0)
    result = calibrated(project, 0)
    assert result.residuals == 1200
    assert factors(project, result) == pytest.approx(np.full((6, 2), 1.28 / 2), rel=0.2)


def test_realised_errors_teach_as_they_come_in(project: Project) -> None:
    for hours in (0, 6, 12, 18):
        night(project, hours)
    assert calibrated(project, 0).residuals == 0
    assert calibrated(project, 9).residuals == 10 * (6 + 3)
    result = calibrated(project, 24)
    assert result.residuals == 10 * 24
    # Yesterday's noise and today's: a spread of 1.41, whose tenth part lies beyond 1.81.
    assert factors(project, result) == pytest.approx(np.full((6, 2), 1.81 / 2), rel=0.25)


def test_both_kinds_of_errors_count_together(project: Project) -> None:
    add_card(project, 200, spread=1.0)
    night(project, 0)
    result = calibrated(project, 6)
    assert result.residuals == 1200 + 60
    assert row_of(project, result).summary["rows_realised"] == 10


def test_the_next_night_is_published_with_it(project: Project) -> None:
    add_card(project, 200, spread=1.0)
    result = calibrated(project, 6)
    staged = Staged.load(project.store, night(project, 6))
    assert staged.calibration_id == result.calibration_id


def test_what_it_learns_from_is_the_network_before_any_calibration(project: Project) -> None:
    add_card(project, 2_000, spread=1.0)
    calibrated(project, 0)
    for hours in (0, 6, 12, 18):
        night(project, hours)
    # As above; held against the ranges that were published, it were 1.4.
    learnt = factors(project, calibrated(project, 24))
    assert learnt == pytest.approx(np.full((6, 2), 1.81 / 2), rel=0.2)


def test_a_backfill_changes_nothing_of_the_nights_after_it(project: Project) -> None:
    night(project, 0)
    before = calibrated(project, 24)
    for hours in (6, 12):
        night(project, hours, "backfill")
    assert calibrated(project, 24) == before


def test_a_repeated_run_gives_the_same_id_and_the_same_file(project: Project) -> None:
    night(project, 0)
    first = calibrated(project, 6)
    assert calibrated(project, 6) == first
    assert first.calibration_id is not None


def test_what_was_not_visible_changes_no_bit_of_it(project: Project) -> None:
    add_card(project, 100, spread=1.0)
    night(project, 0)
    before = factors(project, calibrated(project, 3))
    later = (START + timedelta(hours=3)).isoformat()
    change(project, "UPDATE readings SET value = value * 9 WHERE at >= ?", later)
    night(project, 8)
    assert (factors(project, calibrated(project, 3)) == before).all()


def test_an_issue_whose_files_are_gone_teaches_nothing_and_stops_nobody(project: Project) -> None:
    staged = Staged.load(project.store, night(project, 0))
    night(project, 6)
    project.store.remove(staged.chunks[0].name)
    assert calibrated(project, 12).residuals == 60


def test_a_late_night_teaches_what_lateness_does(project: Project) -> None:
    since = (START - timedelta(hours=8)).isoformat()
    change(project, "CREATE TABLE aside AS SELECT * FROM readings WHERE at >= ?", since)
    change(project, "DELETE FROM readings WHERE at >= ?", since)
    staged = Staged.load(project.store, night(project, 0))
    (block,) = blocks_of(project.store, staged)
    assert set(block.quality) == {"late"}
    assert block.age.tolist() == [8] * 10
    change(project, "INSERT INTO readings SELECT * FROM aside")
    result = calibrated(project, 6)
    assert result.residuals == 10 * 6
    artefact = row_of(project, result).artefact
    fitted = Calibration.from_arrays(project.store.get_arrays(artefact))
    assert fitted.late.ages.tolist() == [6]  # the learnt age nearest to 8
    assert (fitted.scores == 0).all()


def test_series_served_by_another_rung_teach_nothing(project: Project) -> None:
    change(project, "UPDATE readings SET value = 7 WHERE site = 'a'")
    night(project, 0)
    assert calibrated(project, 6).residuals == 9 * 6
