"""What is not believed is read by no network, teaches nothing, and is said at every door."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.findings import findings_of
from rnnts.learning.bounds import Bounds
from rnnts.learning.rolling import HeldOut
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.check import check
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.snapshots import load_panel
from rnnts.steps.staged import Staged, blocks_of
from rnnts.steps.window import load_windows, window, windowset_of
from tests.rnnts.steps.small_champion import MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave
from tests.rnnts.steps.trained_project import AS_OF, PANEL, add_snapshot, daily_rows, project_in

HOURS = 600
AT = BEGIN + timedelta(hours=HOURS)


def faulty() -> dict[str, FloatArray]:
    frozen, unit, stand_in = (wave(HOURS, 24, seed) for seed in (1, 2, 3))
    frozen[HOURS - 55 :] = frozen[HOURS - 55]
    unit[HOURS - 30] *= 1000
    stand_in[[40, HOURS - 3]] = -999.0
    return {"frozen": frozen, "good": wave(HOURS, 24), "stand-in": stand_in, "unit": unit}


def codes(project: Project) -> set[tuple[str, str]]:
    with project.database.reading() as connection:
        return {(row.code, row.series_id) for row in findings_of(connection, "loads")}


DOUBTED = {("SENSOR_FROZEN", "frozen"), ("VALUE_SENTINEL", "stand-in"), ("UNIT_ERROR", "unit")}


def test_a_network_reads_nothing_that_is_not_believed_and_a_stuck_sensor_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Repeater(monkeypatch)
    project = lay_out(tmp_path, faulty(), more=MORE + '\nmax_stale = "96h"')
    snapshot_id = ingest(project, "loads", AT).snapshot_id
    crown(project, AT - timedelta(hours=1))
    result = forecast(project, "loads", snapshot_id, AT)
    (inputs,) = network.inputs
    window = inputs["values"]
    assert np.isnan(window[3, 48 - 30])
    assert np.nanmax(window[3]) < 100
    assert np.isnan(window[2, 48 - 3])
    assert np.nanmin(window[2]) > 0
    (block,) = blocks_of(project.store, Staged.load(project.store, result.staged_id))
    # All that its window holds is one and the same number: no network can stand on that
    assert block.method.tolist()[:2] == ["last_value", "network"]
    assert block.quality.tolist() == ["fallback", "fresh", "fresh", "fresh"]
    assert codes(project) >= DOUBTED


def test_a_sensor_stuck_for_less_than_the_window_makes_a_late_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Repeater(monkeypatch)
    levels = np.array([18.0, 20.0, 22.0])
    network.spoil = lambda raw: np.copyto(raw, levels, where=np.isnan(raw))
    more = MORE.replace("48", "96") + '\nmax_stale = "96h"'
    project = lay_out(tmp_path, faulty(), more=more)
    snapshot_id = ingest(project, "loads", AT).snapshot_id
    crown(project, AT - timedelta(hours=1), window=96)
    result = forecast(project, "loads", snapshot_id, AT)
    (block,) = blocks_of(project.store, Staged.load(project.store, result.staged_id))
    assert str(block.quality[0]) == "late"


def test_check_counts_them_and_keeps_nothing(tmp_path: Path) -> None:
    project = lay_out(tmp_path, faulty())
    report = check(project, "loads", AT)
    facts = {fact.name: fact.value for fact in report.facts}
    assert facts["values not believed"].startswith("58, in 3 series")
    assert facts["values"].startswith("7.")  # not -999 to 30000
    assert {(one.code, one.series) for one in report.findings} >= DOUBTED
    settings = {setting.name: setting.value for setting in report.settings}
    assert settings["minimum"] == "0"


def test_windows_hold_them_as_missing_and_the_retrain_says_so(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    rows = daily_rows()
    rows[2, 500] *= 1000
    rows[4, 300:360] = rows[4, 300]
    result = window(project, PANEL, add_snapshot(project, rows), AS_OF)
    windowset = windowset_of(project, load_windows(project, result.windows_id))
    assert int(np.isnan(windowset.values).sum()) == 61
    assert windowset.values[~np.isnan(windowset.values)].max() < 100
    assert codes(project) == {("UNIT_ERROR", "feeder-2"), ("SENSOR_FROZEN", "feeder-4")}


def test_the_gate_scores_no_such_truth_and_a_past_origin_doubts_what_it_could(
    tmp_path: Path,
) -> None:
    project = project_in(tmp_path)
    rows = daily_rows()
    hours = rows.shape[1]
    rows[4, hours - 100 : hours - 40] = rows[4, hours - 100]
    snapshot_id = add_snapshot(project, rows)
    result = window(project, PANEL, snapshot_id, AS_OF)
    windowset = windowset_of(project, load_windows(project, result.windows_id))
    panel = load_panel(project, snapshot_id)
    held_out = HeldOut(panel, windowset, Bounds())
    last = panel.last_step + 1
    assert np.isnan(held_out.actual(last - 70)[4]).all()
    assert not np.isnan(held_out.actual(last - 70)[3]).any()
    # After a day of standing still nobody could know; after two days, everyone
    seen = held_out.past(last - 75).values[4]
    assert not np.isnan(seen).any()
    seen = held_out.past(last - 50).values[4]
    assert np.flatnonzero(np.isnan(seen)).tolist() == list(range(hours - 100, hours - 50))
