"""Why a forecast is what it is: parts that move alone and sum to the whole, and the evidence."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.database.models import champion
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project, open_project
from rnnts.steps.explain import explain
from rnnts.steps.explanation import Change, Explanation
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.tidy import tidy
from tests.rnnts.steps.small_champion import MORE, WIDTH, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave
from tests.rnnts.steps.test_replay import calibrate, everything

HOURS = 500
FIRST = BEGIN + timedelta(hours=388)
SECOND = FIRST + timedelta(hours=2)  # the horizon is 6: four target times are in both issues
SHARED = 4
NAN = np.nan


class Growing(Repeater):
    """Stands for networks: repeats the last day, grown by a twentieth for each version after v1."""

    def load(self, _store: Store, manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a model
        name = manifest["weights"]["name"]
        self.loaded.append(name)
        return 0.95 + 0.05 * int(name[-1])

    def predict(
        self,
        model: Any,  # noqa: ANN401
        inputs: dict[str, FloatArray],
        _block: int = 512,
    ) -> FloatArray:
        return np.asarray(super().predict(model, inputs) * model)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Growing:
    return Growing(monkeypatch)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of which one issue is out, by the first version and its first calibration."""
    values = {name: wave(HOURS, 24, seed) for seed, name in enumerate("abcde")}
    values["b"][337:340] = NAN
    values["c"][348:386] = NAN
    made = lay_out(tmp_path_factory.mktemp("published") / "project", values, more=MORE)
    ingest(made, "loads", FIRST - timedelta(hours=9))
    named = made.store.put_json({"d": "seasonal_naive_week"}, "safeguards")
    numbers = {"safeguards": {"series": 1, "artefact": named}}
    calibrate(made, crown(made, BEGIN, "v1", numbers=numbers), FIRST, reach=0.4)
    with pytest.MonkeyPatch.context() as patch:
        Growing(patch)
        issue(made, FIRST)
    made.database.close()
    return made.root


@pytest.fixture
def project(tmp_path: Path, published: Path, network: Growing) -> Project:  # noqa: ARG001 - it serves
    """A copy of it."""
    return copied(published, tmp_path / "project")


def copied(folder: Path, target: Path) -> Project:
    shutil.copytree(folder, target)
    return open_project(target / "rnnts.toml")


def issue(project: Project, at: datetime) -> None:
    snapshot = ingest(project, "loads", at).snapshot_id
    staged = forecast(project, "loads", snapshot, at)
    publish(project, "loads", staged.staged_id, at)


def hour(count: int) -> str:
    """The stamp of an hour before the first issue."""
    return (FIRST - timedelta(hours=count)).isoformat()


def revise(project: Project) -> None:
    change(project, "UPDATE readings SET value = value + 8 WHERE site = 'a' AND at = ?", hour(20))


def retrain(project: Project) -> None:
    crown(project, FIRST + timedelta(hours=1), "v3")


def recalibrate(project: Project) -> None:
    with project.database.reading() as connection:
        version = champion(connection, "loads", FIRST)
    assert version is not None
    calibrate(project, version.version_id, SECOND, "c2", reach=0.5)


def bound(project: Project) -> None:
    """No observation lies so high, the upper end of the range does."""
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        ((highest,),) = connection.execute("SELECT max(value) FROM readings")
    connection.close()
    text = project.file.read_text()
    replaced = text.replace("[panels.loads]", f"[panels.loads]\nmaximum = {highest + 0.01}")
    project.file.write_text(replaced)


CHANGES: dict[str, Callable[[Project], None]] = {
    "revised data": revise,
    "model": retrain,
    "calibration": recalibrate,
    "settings": bound,
}


def explained(project: Project, *changes: str, series: str = "a") -> Explanation:
    """The second issue, after some changes since the first."""
    for name in changes:
        CHANGES[name](project)
    changed = open_project(project.file)
    issue(changed, SECOND)
    return explain(changed, "loads", series)


def change_of(found: Explanation) -> Change:
    assert found.change is not None, found.no_change
    return found.change


def check_sums(found: Change) -> None:
    """Parts sum to the whole, at every target time, in the mean, and for the range."""
    whole = np.subtract(found.now, found.before)
    parts = np.sum([part.by_target for part in found.parts], axis=0)
    assert np.allclose(parts, whole, rtol=0, atol=1e-12)
    assert sum(part.mean for part in found.parts) == pytest.approx(found.mean, abs=1e-12)
    assert found.range_80_now is not None
    assert found.range_80_before is not None
    wider = found.range_80_now - found.range_80_before
    assert sum(part.range_80 or 0 for part in found.parts) == pytest.approx(wider, abs=1e-12)


def test_where_nothing_but_time_has_passed_new_data_are_the_whole(project: Project) -> None:
    found = change_of(explained(project))
    (part,) = found.parts
    assert (part.name, part.what) == ("new data", "2 new values; 2 steps less to look ahead")
    assert (found.publication, found.issued_at, len(found.targets)) == (1, FIRST, SHARED)
    assert part.by_target == np.subtract(found.now, found.before).tolist()
    check_sums(found)


@pytest.mark.parametrize("name", CHANGES)
def test_one_input_that_changes_moves_its_own_part_alone(
    tmp_path: Path, project: Project, name: str
) -> None:
    quiet = change_of(explained(copied(project.root, tmp_path / "quiet")))
    found = change_of(explained(project, name))
    parts = {part.name: part for part in found.parts}
    assert set(parts) == {"new data", name}
    assert parts["new data"].by_target == quiet.parts[0].by_target
    assert parts["new data"].range_80 == quiet.parts[0].range_80
    assert np.allclose(parts[name].by_target, np.subtract(found.now, quiet.now), rtol=0, atol=1e-12)
    moved = (parts[name].mean, parts[name].range_80)
    assert any(moved)
    assert bool(moved[0]) == (name in {"revised data", "model"})  # the median knows no calibration
    check_sums(found)


def test_all_at_once_are_parts_that_sum_to_the_whole(project: Project) -> None:
    names = ("revised data", "calibration", "settings")
    found = change_of(explained(project, *names))
    assert [part.name for part in found.parts] == ["new data", *names]
    told = {part.name: part.what for part in found.parts}
    assert told["revised data"].startswith("1 value changed; that of 2026-01-16 08:00+00:00: ")
    assert told["calibration"] == (
        "c1 learnt until 2026-01-17 04:00+00:00, now c2 learnt until 2026-01-17 06:00+00:00"
    )
    assert told["settings"].startswith("maximum None, now 3")
    check_sums(found)


def test_a_new_model_brings_its_calibration_and_its_baselines(project: Project) -> None:
    found = change_of(explained(project, "model", "revised data", series="d"))
    parts = {part.name: part for part in found.parts}
    assert set(parts) == {"new data", "revised data", "model"}
    assert "1 series left to baselines, now network" in parts["model"].what
    assert parts["revised data"].mean == 0
    assert parts["revised data"].what == "none of this series, some of others"
    assert (found.method_before, found.method_now) == ("baseline", "network")
    check_sums(found)


def test_settings_because_of_which_no_network_serves_are_one_part_with_it(
    project: Project,
) -> None:
    text = project.file.read_text().replace("window = 48", "window = 72")
    project.file.write_text(text)
    found = explained(project)
    change = change_of(found)
    assert [part.name for part in change.parts] == ["new data", "settings"]
    assert (change.method_before, change.method_now) == ("network", "seasonal_naive")
    assert found.model is None
    assert {reason.code for reason in found.reasons} >= {"MODEL_MISMATCH"}
    check_sums(change)


def test_a_value_that_comes_late_is_new_and_not_revised(project: Project) -> None:
    change(project, "INSERT INTO readings VALUES ('b', ?, 20.0)", hour(50))
    found = change_of(explained(project, series="b"))
    (part,) = found.parts
    assert part.what == "3 new values; 2 steps less to look ahead"


def test_a_value_that_was_taken_back_is_a_revision(project: Project) -> None:
    change(project, "DELETE FROM readings WHERE site = 'a' AND at = ?", hour(20))
    parts = {part.name: part for part in change_of(explained(project)).parts}
    assert parts["revised data"].what == "1 value removed, such as that of 2026-01-16 08:00+00:00"


def test_what_does_not_come_out_of_the_records_is_a_part_of_its_own(
    project: Project, network: Growing
) -> None:
    issue(project, SECOND)

    def rounded(quantiles: FloatArray) -> None:
        quantiles += 1e-7 * np.arange(6.0)[:, None]

    network.spoil = rounded
    found = change_of(explain(project, "loads", "a"))
    assert [part.name for part in found.parts] == ["new data", "other code, versions or processor"]
    assert 0 < max(np.abs(found.parts[1].by_target)) < 1e-3
    check_sums(found)


def test_a_first_issue_has_nothing_to_be_held_against(project: Project) -> None:
    found = explain(project, "loads", "a", FIRST)
    assert (found.change, found.no_change) == (None, "it is the first issue")


def test_issues_without_a_target_time_in_common(project: Project) -> None:
    later = FIRST + timedelta(hours=30)
    issue(project, later)
    found = explain(project, "loads", "a", later)
    assert found.change is None
    assert "forecast none of these target times" in found.no_change


def test_where_the_issue_before_cannot_be_computed_again_the_rest_is_told(
    project: Project,
) -> None:
    issue(project, SECOND)
    first = explain(project, "loads", "a", FIRST).inputs.snapshot_id
    name = project.store.name_of("snapshot", first, "json")
    (project.store.root / name).unlink()
    found = explain(project, "loads", "a")
    assert found.change is None
    assert "publication 1 cannot be computed again: ARTEFACT_MISSING" in found.no_change
    assert found.inputs.window == 48


def test_model_inputs_and_quality_are_those_of_that_night(project: Project) -> None:
    found = explain(project, "loads", "b")
    assert (found.method, found.quality) == ("network", "fresh")
    assert found.model is not None
    assert (found.model.role, found.model.effective_from) == ("champion", BEGIN)
    assert (found.model.calibration_id, found.model.calibrated_as_of) == ("c1", FIRST)
    inputs = found.inputs
    assert (inputs.window, inputs.unseen, inputs.missing, inputs.age) == (48, 0, 0, 0)
    assert inputs.newest == inputs.watermark == FIRST - timedelta(hours=1)
    assert found.targets[0] == FIRST
    assert len(found.point) == 6


def test_a_fallback_is_told_with_the_finding_that_led_to_it(project: Project) -> None:
    found = explain(project, "loads", "c")
    assert (found.method, found.quality) == ("seasonal_naive", "fallback")
    (reason,) = found.reasons
    assert (reason.code, reason.of_panel) == ("TOO_MANY_MISSING", False)
    assert (found.inputs.unseen, found.inputs.missing) == (38, 38)
    assert all(one.network is None for one in found.ranges)


def test_a_baseline_is_told_with_its_season(project: Project) -> None:
    found = explain(project, "loads", "d")
    assert (found.method, found.baseline_days, found.quality) == ("baseline", 7, "fresh")


def test_gaps_and_old_data_are_told_with_their_numbers(project: Project) -> None:
    text = project.file.read_text().replace("[panels.loads]", '[panels.loads]\nmax_delay = "2h"')
    project.file.write_text(text)
    changed = open_project(project.file)
    change(
        changed, "DELETE FROM readings WHERE site = 'b' AND at BETWEEN ? AND ?", hour(30), hour(24)
    )
    change(changed, "DELETE FROM readings WHERE site = 'e' AND at >= ?", hour(3))
    issue(changed, SECOND)
    gaps = explain(changed, "loads", "b")
    assert (gaps.quality, gaps.inputs.missing) == ("imputed", 7)
    assert gaps.quality_why == "15 % of its window is missing and was filled in"
    late = explain(changed, "loads", "e")
    assert (late.quality, late.inputs.age, late.widened) == ("late", 5, True)
    assert late.quality_why == "its newest observation is 5 steps old, max_delay is 2"
    assert late.ranges[0].calibrated is not None
    assert late.ranges[0].published > late.ranges[0].calibrated


def test_what_the_calibration_did_to_the_range(project: Project) -> None:
    (found,) = explain(project, "loads", "a").ranges  # the panel has no 95 % range
    assert found.share == 0.8
    assert found.network == pytest.approx(2 * WIDTH)
    assert found.calibrated == pytest.approx(2 * WIDTH * 2)
    assert found.published == found.calibrated


def test_a_champion_that_could_not_be_loaded_is_told_as_it_was(
    project: Project, network: Growing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(store: Store, manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a model
        if manifest["weights"]["name"].endswith("v3"):
            raise IntegrityError("ARTEFACT_CORRUPT", got="a flipped bit", do="restore it")
        return network.load(store, manifest)

    retrain(project)
    with monkeypatch.context() as patch:
        patch.setattr("rnnts.learning.versions.load_network", broken)
        issue(project, SECOND)
    found = explain(project, "loads", "a")
    assert (found.method, found.quality) == ("network_previous", "fallback")
    assert found.model is not None
    assert found.model.role == "the champion before it"
    (reason,) = [one for one in found.reasons if one.of_panel]
    assert reason.code == "ARTEFACT_CORRUPT"
    assert "a flipped bit" in reason.evidence
    assert [part.name for part in change_of(found).parts] == ["new data", "model"]


def test_past_weeks_are_of_that_night_and_what_came_after_them_is_told(tmp_path: Path) -> None:
    values = wave(24 * 60, 168)
    values[24 * 20 : 24 * 27] += 40
    values[24 * 27 : 24 * 27 + 6] = 11.0
    values[24 * 48 : 24 * 55] += 40
    project = lay_out(tmp_path / "weeks", {"a": values})
    at = BEGIN + timedelta(days=55)
    issue(project, at)
    first, *others = explain(project, "loads", "a").alike
    assert (first.first, first.last) == (BEGIN + timedelta(days=20), BEGIN + timedelta(hours=647))
    assert first.after == [11.0] * 6
    assert first.mean_after == 11.0
    assert all(one.distance > 2 * first.distance for one in others)


def test_a_series_that_was_skipped_says_why(project: Project) -> None:
    change(project, "DELETE FROM readings WHERE site = 'e'")
    issue(project, SECOND)
    with pytest.raises(ConfigurationError, match=r"FORECAST_MISSING loads/e: .*NO_ROWS.*source"):
        explain(project, "loads", "e")


def test_what_is_not_there_is_refused_with_what_is(project: Project) -> None:
    with pytest.raises(ConfigurationError, match="SERIES_UNKNOWN"):
        explain(project, "loads", "z")
    with pytest.raises(
        ConfigurationError, match=rf"FORECAST_MISSING.*{re.escape(FIRST.isoformat())}"
    ):
        explain(project, "loads", "a", SECOND)


def test_an_explanation_writes_nothing_and_is_json(project: Project) -> None:
    issue(project, SECOND)
    before = everything(project)
    found = explain(project, "loads", "a").to_json()
    assert everything(project) == before
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["change"]["mean"] == found["change"]["mean_now"] - found["change"]["mean_before"]


def test_inputs_that_retention_removed_are_named(project: Project) -> None:
    at = BEGIN + timedelta(hours=490)
    for each in (SECOND, at):
        issue(project, each)
    first = explain(project, "loads", "a", FIRST).inputs.snapshot_id
    change(project, "UPDATE rnnts_publication SET issued_at = '2025-12-01 00:00:00+00:00' "
                    "WHERE id = 1")  # fmt: skip
    for path in project.store.root.rglob("*"):
        then = path.stat().st_mtime - 100 * 86_400
        os.utime(path, (then, then))
    assert first in tidy(project).removed["snapshots"]
    change(project, "UPDATE rnnts_publication SET issued_at = ? WHERE id = 1",
           FIRST.strftime("%Y-%m-%d %H:%M:%S+00:00"))  # fmt: skip
    found = explain(project, "loads", "a", SECOND)
    assert "INPUTS_REMOVED" in found.no_change
    assert "`rnnts tidy` removed it on 20" in found.no_change
