"""What a night makes of a champion: the ladder, the gates, the calibration and the blocks."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.findings import findings_of
from rnnts.database.models import add_calibration
from rnnts.learning.calibration import Calibration
from rnnts.learning.late import Late
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.results import StagedResult
from rnnts.steps.staged import Staged, blocks_of
from tests.rnnts.steps.small_champion import LEVELS, MORE, WIDTH, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

HOURS = 400
NIGHT = BEGIN + timedelta(hours=HOURS)
NAMES = "abcdefghij"
NAN = np.nan
Found = dict[str, tuple[FloatArray, str, str]]


@pytest.fixture
def repeater(monkeypatch: pytest.MonkeyPatch) -> Repeater:
    return Repeater(monkeypatch)


def ten_series(folder: Path, more: str = MORE, **others: FloatArray) -> Project:
    """Series a to j, all sound, and a champion; some may be given otherwise."""
    values = {name: wave(HOURS, 24, seed) for seed, name in enumerate(NAMES)}
    project = lay_out(folder, values | others, more=more)
    ingest(project, "loads", BEGIN + timedelta(hours=HOURS - 1))
    crown(project, BEGIN)
    return project


def night(project: Project, at: datetime = NIGHT) -> tuple[StagedResult, Found]:
    result = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at)
    staged = Staged.load(project.store, result.staged_id)
    return result, {
        name: (block.quantiles[row], str(block.method[row]), str(block.quality[row]))
        for block in blocks_of(project.store, staged)
        for row, name in enumerate(block.series)
    }


def calibrate_by(project: Project, version: str, fitted: Calibration) -> None:
    with project.database.writing() as connection:
        add_calibration(
            connection,
            calibration_id="c",
            panel="loads",
            version_id=version,
            as_of=BEGIN,
            artefact=project.store.put_arrays(fitted.to_arrays(), "calibration"),
            summary={},
        )


def codes(project: Project) -> dict[str, str]:
    with project.database.reading() as connection:
        return {row.series_id: row.code for row in findings_of(connection, "loads")}


def gap(first: int, last: int, seed: int = 0) -> FloatArray:
    values = wave(HOURS, 24, seed)
    values[first:last] = NAN
    return values


@pytest.mark.usefixtures("repeater")
def test_with_a_champion_every_sound_series_is_its(tmp_path: Path) -> None:
    project = ten_series(tmp_path)
    result, found = night(project)
    assert (result.methods, result.degraded) == ({"network": 10}, False)
    yesterday = wave(HOURS, 24, 0)[HOURS - 24 : HOURS - 18]
    assert found["a"][0][:, 1].tolist() == yesterday.tolist()
    assert found["a"][1:] == ("network", "fresh")
    assert codes(project) == {}


def test_a_bad_series_keeps_its_row_with_a_neutral_window(
    tmp_path: Path, repeater: Repeater
) -> None:
    project = ten_series(tmp_path, c=gap(0, HOURS - 9), f=gap(360, 392))
    _, found = night(project)
    assert found["c"][1:] == ("last_value", "cold")
    assert found["f"][1:] == ("seasonal_naive", "fallback")
    assert codes(project) == {"c": "TOO_SHORT", "f": "TOO_MANY_MISSING"}
    (inputs,) = repeater.inputs
    assert inputs["values"].shape == (10, 48)
    assert not inputs["values"][[2, 5]].any()
    assert not inputs["bases"][[2, 5]].any()


def test_the_others_get_the_same_bits_whether_one_is_good_bad_or_gone(
    tmp_path: Path, repeater: Repeater
) -> None:
    good, bad = ten_series(tmp_path / "good"), ten_series(tmp_path / "bad", c=gap(360, 392))
    gone = ten_series(tmp_path / "gone")
    change(gone, "DELETE FROM readings WHERE site = 'c'")
    found = [night(project)[1] for project in (good, bad, gone)]
    for name in NAMES.replace("c", ""):
        for other in found[1:]:
            assert (found[0][name][0] == other[name][0]).all()
    for inputs in repeater.inputs:
        assert inputs["values"].shape == (10, 48)
        same = np.delete(inputs["values"], 2, axis=0)
        assert (same == np.delete(repeater.inputs[0]["values"], 2, axis=0)).all()
    assert "c" not in found[2]


@pytest.mark.parametrize(
    ("value", "level", "code"),
    [
        (np.nan, 1, "GATE_RANGE"),
        (np.inf, 2, "GATE_RANGE"),
        (1e6, 2, "GATE_RANGE"),
        (30.0, 0, "GATE_CROSSING"),
    ],
)
def test_what_fails_a_gate_falls_back_alone(
    tmp_path: Path, repeater: Repeater, value: float, level: int, code: str
) -> None:
    def spoil(quantiles: FloatArray) -> None:
        quantiles[3, 2, level] = value

    repeater.spoil = spoil
    project = ten_series(tmp_path)
    result, found = night(project)
    assert result.methods == {"network": 9, "seasonal_naive": 1}
    assert result.degraded
    assert found["d"][1:] == ("seasonal_naive", "fallback")
    assert np.isfinite(found["d"][0]).all()
    assert codes(project) == {"d": code}


def test_a_flat_forecast_of_a_lively_series_falls_back(tmp_path: Path, repeater: Repeater) -> None:
    def spoil(quantiles: FloatArray) -> None:
        quantiles[0] = [10.0, 20.0, 30.0]

    repeater.spoil = spoil
    project = ten_series(tmp_path)
    assert night(project)[1]["a"][1] == "seasonal_naive"
    assert codes(project) == {"a": "GATE_FLAT"}


def test_over_a_fifth_gated_the_whole_panel_falls_back(tmp_path: Path, repeater: Repeater) -> None:
    def spoil(quantiles: FloatArray) -> None:
        quantiles[:3] = NAN

    repeater.spoil = spoil
    project = ten_series(tmp_path)
    result, _ = night(project)
    assert result.methods == {"seasonal_naive": 10}
    assert {codes(project)[name] for name in "abc"} == {"GATE_RANGE"}
    with project.database.reading() as connection:
        panel = {row.code: row.severity for row in findings_of(connection, "loads")}
    assert panel["GATE_PANEL"] == "error"
    assert panel["ALL_FALLBACK"] == "error"


@pytest.mark.usefixtures("repeater")
def test_no_quantile_leaves_the_bounds(tmp_path: Path) -> None:
    project = ten_series(tmp_path, f"minimum = 10\nmaximum = 40\n{MORE}")
    change(project, "UPDATE readings SET value = 10 WHERE value < 10")
    result, found = night(project)
    assert result.methods == {"network": 10}
    assert min(each[0].min() for each in found.values()) == 10


@pytest.mark.usefixtures("repeater")
@pytest.mark.parametrize("since", [0.0, -0.01])
def test_what_training_never_saw_negative_is_forecast_so_until_it_is(
    tmp_path: Path, since: float
) -> None:
    project = ten_series(tmp_path)
    crown(project, BEGIN + timedelta(hours=1), "v2", bounds={"minimum": 0.0})
    change(project, "UPDATE readings SET value = value - (SELECT min(value) FROM readings)")
    change(project, "UPDATE readings SET value = ? WHERE value = 0", since)
    result, found = night(project)
    assert result.methods == {"network": 10}
    assert (min(each[0].min() for each in found.values()) >= 0) == (since == 0)


@pytest.mark.usefixtures("repeater")
@pytest.mark.parametrize(("whole", "near"), [(True, 0), (False, 10)])
def test_counts_are_forecast_whole_where_the_network_nearly_says_so(
    tmp_path: Path,
    whole: bool,  # noqa: FBT001
    near: int,
) -> None:
    project = ten_series(tmp_path)
    crown(project, BEGIN + timedelta(hours=1), "v2", bounds={"whole": whole})
    change(project, "UPDATE readings SET value = round(value) + 0.04")
    _, found = night(project)
    off = [np.abs(each[0] - np.rint(each[0])).max() > 0.01 for each in found.values()]
    assert sum(off) == near


@pytest.mark.usefixtures("repeater")
def test_the_calibration_moves_the_ranges_that_are_published(tmp_path: Path) -> None:
    project = ten_series(tmp_path)
    half_and_twice = np.tile([0.3, 0.5, 1.3], (6, 1))  # places, of the levels 0.1, 0.5 and 0.9
    fitted = replace(Calibration.identity(LEVELS, 6), steps=half_and_twice)
    calibrate_by(project, crown(project, BEGIN), fitted)
    result, found = night(project)
    assert np.diff(found["a"][0], axis=1)[0] == pytest.approx([WIDTH / 2, WIDTH * 2])
    staged = Staged.load(project.store, result.staged_id)
    assert staged.calibration_id == "c"
    (block,) = blocks_of(project.store, staged)
    assert np.diff(block.raw[0], axis=1)[0] == pytest.approx([WIDTH, WIDTH])


@pytest.mark.usefixtures("repeater")
def test_late_inputs_are_served_by_the_network_with_wider_ranges(tmp_path: Path) -> None:
    project = ten_series(tmp_path, b=gap(HOURS - 8, HOURS, seed=1))
    _, found = night(project)
    assert found["b"][1:] == ("network", "late")
    assert np.diff(found["b"][0], axis=1).min() > WIDTH
    assert np.diff(found["a"][0], axis=1) == pytest.approx(np.full((6, 2), WIDTH))


@pytest.mark.usefixtures("repeater")
@pytest.mark.parametrize(("hours", "width"), [(2, 1.25), (4, 1.5), (6, 2.0), (8, 2.0)])
def test_a_calibration_that_knows_late_inputs_widens_by_the_age_of_the_row(
    tmp_path: Path, hours: int, width: float
) -> None:
    project = ten_series(tmp_path, b=gap(HOURS - hours, HOURS, seed=1))
    version = crown(project, BEGIN)
    half_and_whole = [np.tile([0.5 - by, 0.5, 0.5 + by], (6, 1)) for by in (0.6, 0.8)]
    fitted = replace(
        Calibration.identity(LEVELS, 6), late=Late(np.array([4, 6]), np.stack(half_and_whole))
    )
    calibrate_by(project, version, fitted)
    _, found = night(project)
    further = np.sqrt((24 + 1 + 2) / (24 + 1)) if hours == 8 else 1.0  # beyond what was learnt
    assert np.diff(found["b"][0], axis=1)[0] == pytest.approx(WIDTH * width * further, rel=1e-9)
    assert np.diff(found["a"][0], axis=1) == pytest.approx(np.full((6, 2), WIDTH))


@pytest.mark.usefixtures("repeater")
def test_the_gates_baseline_serves_its_series_and_degrades_nothing(tmp_path: Path) -> None:
    project = ten_series(tmp_path)
    named = project.store.put_json({"b": "seasonal_naive_week"}, "safeguards")
    crown(
        project,
        BEGIN + timedelta(hours=1),
        "v2",
        numbers={"safeguards": {"series": 1, "artefact": named}},
    )
    result, found = night(project)
    assert (result.methods, result.degraded) == ({"baseline": 1, "network": 9}, False)
    assert found["b"][1:] == ("baseline", "fresh")
    last_week = wave(HOURS, 24, 1)[HOURS - 168 : HOURS - 162]
    assert found["b"][0][:, 1].tolist() == last_week.tolist()


@pytest.mark.usefixtures("repeater")
def test_a_constant_series_is_forecast_as_its_constant_and_degrades_nothing(
    tmp_path: Path,
) -> None:
    project = ten_series(tmp_path, b=np.full(HOURS, 7.0))
    result, found = night(project)
    assert not result.degraded
    assert found["b"][1:] == ("baseline", "fresh")
    assert (found["b"][0] == 7.0).all()
    assert codes(project) == {"b": "CONSTANT"}


def test_many_series_go_through_in_blocks_of_one_size(tmp_path: Path, repeater: Repeater) -> None:
    project = lay_out(tmp_path, {"a": wave(300, 24)}, more=MORE)
    copies = "INSERT INTO readings SELECT 's' || n, at, value + n FROM readings, (WITH RECURSIVE \
t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 599) SELECT n FROM t) WHERE site = 'a'"
    change(project, copies)
    crown_at = BEGIN + timedelta(hours=300)
    ingest(project, "loads", crown_at)
    crown(project, BEGIN)
    result, _ = night(project, crown_at)
    assert result.methods == {"network": 600}
    # Side by side: either may be asked first
    assert sorted(len(inputs["values"]) for inputs in repeater.inputs) == [88, 512]
    staged = Staged.load(project.store, result.staged_id)
    assert [chunk.rows for chunk in staged.chunks] == [512, 88]
