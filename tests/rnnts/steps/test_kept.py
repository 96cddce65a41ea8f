"""Files of trainings: what tidy keeps of them, what it takes, and what rows say then."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.database import models
from rnnts.database.findings import findings_of
from rnnts.database.migrate import ensure_schema
from rnnts.database.named_files import REMOVED, named_files
from rnnts.database.runs import record
from rnnts.errors import IntegrityError
from rnnts.learning.versions import load_network
from rnnts.panels.grid import Grid
from rnnts.project import Project, open_project
from rnnts.steps import kept
from rnnts.steps import tidy as module
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.score import score
from rnnts.steps.staged import Staged
from rnnts.steps.tidy import tidy
from rnnts.steps.window import load_windows
from tests.rnnts.steps.small_champion import CONFIG, MORE, SEASONS, Repeater
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

DAY = 86_400
SCORED = ("weights", "probe")
EVERY_SUNDAY = 'schedule = { retrain = "0 3 * * 0" }'
EVERY_MONTH = 'schedule = { retrain = "0 3 1 * *" }'


class CrashError(Exception):
    """A process that dies at a failpoint."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    more = f"{MORE}\n{EVERY_SUNDAY}"
    made = lay_out(tmp_path / "project", {"a": wave(24 * 60, 24)}, more=more)
    ensure_schema(made.database)
    return made


def at(day: float) -> datetime:
    return BEGIN + timedelta(days=day)


@dataclass(frozen=True)
class Trained:
    """A version as a retrain leaves it, with a file of every kind."""

    version_id: str
    windows_id: str
    files: tuple[str, ...]  # that its rows name
    windows: tuple[str, ...]  # arrays and manifest
    manifest: str


def lay_windows(project: Project, name: str) -> tuple[str, str]:
    """Arrays and manifest of a window set that only `name` has."""
    store = project.store
    arrays = store.put_arrays({"values": np.frombuffer(name.encode(), np.uint8)}, "windows")
    manifest: dict[str, Any] = {
        "panel": "loads", "snapshot_id": "0" * 64, "arrays": arrays, "bounds": {},
        "network": CONFIG.model_dump(mode="json"), "grid": Grid("1h").to_json(), "seasons": [],
    }  # fmt: skip
    return arrays, store.put_json(manifest, "windows")


def train(project: Project, name: str, day: float, verdict: str = "reject") -> Trained:
    """A retrain as of a day: files and rows, and what was decided: promote, reject or nothing."""
    store = project.store
    files = {
        kind: store.put(f"{kind} of {name}".encode(), kind, "bin")
        for kind in ("weights", "probe", "errors", "residuals", "calibration")
    }
    scored = {kind: store.put(f"scored {kind} of {name}".encode(), kind, "bin") for kind in SCORED}
    safeguards = store.put_json({name: "seasonal_naive_day"}, "safeguards")
    realised = store.put(f"realised of {name}".encode(), "calibration", "bin")
    arrays, windows = lay_windows(project, name)
    snapshot_id = ingest(project, "loads", at(day)).snapshot_id
    manifest: dict[str, Any] = {
        "version_id": name,
        "network": CONFIG.model_dump(mode="json"),
        "weights": {"name": files["weights"], "sha256": "", "digest": ""},
        "probe": files["probe"],
        "scored": {"weights": {"name": scored["weights"]}, "probe": scored["probe"]},
        "grid": Grid("1h").to_json(),
        "seasons": SEASONS,
        "bounds": {},
    }
    common: dict[str, Any] = {"panel": "loads", "version_id": name}
    held_out = {kind: files[kind] for kind in ("errors", "residuals", "calibration")}
    decided: dict[str, Any] = {
        "scorecard_id": f"card of {name}",
        "reason": "a test",
        "numbers": {"safeguards": {"series": 1, "artefact": safeguards}},
    }
    with project.database.writing() as connection:
        models.add_version(
            connection, **common, as_of=at(day), snapshot_id=snapshot_id, manifest=manifest,
            windows_id=Path(windows).stem, weights_name=files["weights"], weights_sha256="",
        )  # fmt: skip
        models.add_scorecard(
            connection, **common, scorecard_id=f"card of {name}", snapshot_id=snapshot_id,
            as_of=at(day), scores={"artefacts": held_out, "champion": None},
        )  # fmt: skip
        models.add_calibration(
            connection, **common, calibration_id=f"calibration of {name}", as_of=at(day + 1),
            artefact=realised, summary={},
        )  # fmt: skip
        if verdict == "promote":
            models.promote(connection, **common, **decided, effective_from=at(day))
        if verdict == "reject":
            models.reject(connection, **common, **decided)
    named = (*files.values(), *scored.values(), realised, *([safeguards] if verdict else []))
    kept_as = store.put_json(manifest, "version")
    return Trained(name, Path(windows).stem, named, (arrays, windows), kept_as)


def night(project: Project, day: float) -> None:
    snapshot = ingest(project, "loads", at(day)).snapshot_id
    staged = forecast(project, "loads", snapshot, at(day)).staged_id
    publish(project, "loads", staged, at(day))


def grow_old(project: Project, days: float, of: str = "*") -> None:
    """Let files of the store be so old."""
    for path in (each for root in project.store.root.glob(of) for each in (root, *root.rglob("*"))):
        then = path.stat().st_mtime - days * DAY
        os.utime(path, (then, then))


def there(project: Project, names: Sequence[str]) -> list[bool]:
    return [project.store.has(name) for name in names]


def all_there(project: Project, names: Sequence[str]) -> bool:
    return all(there(project, names))


def none_there(project: Project, names: Sequence[str]) -> bool:
    return not any(there(project, names))


def test_a_rejected_version_loses_its_files_once_it_is_older_than_a_retrain_period(
    project: Project,
) -> None:
    old, new = train(project, "old", 10), train(project, "new", 17)
    grow_old(project, 6.9)
    assert tidy(project).files == 0
    grow_old(project, 0.2)
    tidy(project)
    assert none_there(project, (*old.files, *old.windows))
    assert all_there(project, new.files)  # it is the one trained last


def test_its_rows_say_that_the_files_are_removed_and_keep_what_was_measured(
    project: Project,
) -> None:
    train(project, "old", 10)
    train(project, "new", 17)
    with project.database.reading() as connection:
        before = models.version(connection, "old")
    grow_old(project, 8)
    tidy(project)
    with project.database.reading() as connection:
        row = models.version(connection, "old")
        card = models.scorecard_of(connection, "old")
        decision = models.decisions(connection, "loads")[-1]
        calibration = models.calibration(connection, "calibration of old")
    assert before is not None
    assert row is not None
    assert (row.status, row.weights_name) == ("rejected", REMOVED)
    assert row.manifest["weights"]["name"] == row.manifest["probe"] == REMOVED
    assert row.manifest["network"] == before.manifest["network"]
    assert card is not None
    assert set(card.scores["artefacts"].values()) == {REMOVED}
    assert decision.numbers == {"safeguards": {"series": 1, "artefact": REMOVED}}
    assert calibration is not None
    assert calibration.artefact == REMOVED


def test_the_manifest_of_a_version_stays_for_ever(project: Project) -> None:
    old = train(project, "old", 10)
    train(project, "new", 17)
    grow_old(project, 1_000)
    tidy(project)
    assert project.store.get_json(old.manifest)["version_id"] == "old"


def test_whoever_asks_for_removed_weights_is_told_that_they_are_missing(project: Project) -> None:
    train(project, "old", 10)
    train(project, "new", 17)
    grow_old(project, 8)
    tidy(project)
    with project.database.reading() as connection:
        row = models.version(connection, "old")
    assert row is not None
    with pytest.raises(IntegrityError, match=r"ARTEFACT_MISSING.*removed by tidy"):
        load_network(project.store, row.manifest)


def test_the_champion_and_the_one_before_it_keep_every_file(project: Project) -> None:
    made = [train(project, f"v{day}", day, "promote") for day in (10, 17, 24, 31)]
    train(project, "refused", 38)
    grow_old(project, 1_000)
    tidy(project, nights=0)
    assert [all_there(project, one.files) for one in made] == [False, False, True, True]
    assert none_there(project, made[1].files)


def test_a_rollback_makes_the_other_one_the_one_before(project: Project) -> None:
    first, second = (train(project, f"v{day}", day, "promote") for day in (10, 17))
    with project.database.writing() as connection:
        models.promote(
            connection, panel="loads", version_id="v10", scorecard_id=None, reason="worse",
            numbers={}, effective_from=at(19), decided_by="a person", action="rollback",
        )  # fmt: skip
    train(project, "refused", 24)
    grow_old(project, 1_000)
    tidy(project, nights=0)
    assert all_there(project, (*first.files, *second.files))


def test_a_version_stays_as_long_as_the_nights_that_it_made_are_in_the_tables(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    monkeypatch.setattr("rnnts.steps.serving._guarded", lambda *_: {})
    monkeypatch.setattr("rnnts.steps.serving.calibration_at", lambda *_: None)
    made = {}
    for day in (20, 21, 22, 23):
        made[day] = train(project, f"v{day}", day, "promote")
        night(project, day)
    grow_old(project, 1_000)
    tidy(project, nights=3)
    assert [all_there(project, one.files) for one in made.values()] == [False, True, True, True]
    tidy(project, nights=2)
    assert [all_there(project, one.files) for one in made.values()] == [False, False, True, True]


def test_files_of_a_night_that_is_no_longer_in_the_tables_outlive_its_version(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    monkeypatch.setattr("rnnts.steps.serving._guarded", lambda *_: {})
    monkeypatch.setattr("rnnts.steps.serving.calibration_at", lambda *_: None)
    for day in (20, 21, 22):
        train(project, f"v{day}", day, "promote")
        night(project, day)
    grow_old(project, 1_000)
    tidy(project, nights=2)
    by = [Staged.read(project.store, name).version_id for name in project.store.names("staged")]
    assert sorted(map(str, by)) == ["v20", "v21", "v22"]


def test_a_replay_of_an_instant_whose_champion_lost_its_files_says_so(project: Project) -> None:
    for day in (10, 17, 24):
        train(project, f"v{day}", day, "promote")
    grow_old(project, 8)
    tidy(project)
    snapshot = ingest(project, "loads", at(11)).snapshot_id
    staged = forecast(project, "loads", snapshot, at(11), kind="backfill")
    assert staged.methods == {"seasonal_naive": 1}
    with project.database.reading() as connection:
        found = {one.code: one.evidence for one in findings_of(connection, "loads")}
    assert "removed by tidy" in found["ARTEFACT_MISSING"]


def test_the_version_trained_last_waits_for_its_evaluation_however_long(project: Project) -> None:
    old, last = (train(project, f"v{day}", day, "") for day in (10, 17))
    grow_old(project, 1_000)
    tidy(project)
    assert none_there(project, (*old.files, *old.windows))
    assert all_there(project, (*last.files, *last.windows))
    assert load_windows(project, last.windows_id).panel == "loads"


def test_a_training_that_diverged_has_nothing_to_lose(project: Project) -> None:
    with project.database.writing() as connection:
        models.add_version(
            connection, version_id="nan", panel="loads", as_of=at(10), snapshot_id="0" * 64,
            windows_id="0" * 64, weights_name="", weights_sha256="", status="rejected",
            manifest={"weights": {"name": "", "sha256": "", "digest": ""}, "probe": ""},
        )  # fmt: skip
    train(project, "new", 17)
    grow_old(project, 8)
    tidy(project)
    with project.database.reading() as connection:
        row = models.version(connection, "nan")
    assert row is not None
    assert (row.weights_name, row.manifest["probe"]) == ("", "")


def test_a_file_that_two_versions_share_stays_while_one_of_them_does(project: Project) -> None:
    train(project, "old", 10)
    new = train(project, "new", 17)
    shared = project.store.put_json({"old": "seasonal_naive_day"}, "safeguards")
    with project.database.writing() as connection:
        models.reject(
            connection, panel="loads", version_id="new", scorecard_id=None, reason="again",
            numbers={"safeguards": {"series": 1, "artefact": shared}},
        )  # fmt: skip
    grow_old(project, 8)
    tidy(project)
    assert all_there(project, (shared, *new.files))


def test_a_file_that_no_row_names_goes_after_a_day(project: Project) -> None:
    made = train(project, "new", 17)
    store = project.store
    left = [store.put(b"left by a crash", kind, "bin") for kind in module.OF_VERSIONS]
    left += [store.put_json({"version_id": "never registered"}, "version")]
    left += [store.put(b"arrays", "windows", "npz")]
    assert tidy(project).files == 0
    grow_old(project, 1.1)
    assert tidy(project).files == len(left)
    assert none_there(project, left)
    assert all_there(project, (*made.files, *made.windows, made.manifest))


def test_the_window_set_laid_out_last_stays_whatever_its_age(project: Project) -> None:
    first, last = (lay_windows(project, name) for name in ("first", "last"))
    train(project, "decided", 10)
    for _, manifest in (first, last):
        with record(project.database, "loads", "window", at(20)) as run:
            run.done({"windows_id": Path(manifest).stem})
    grow_old(project, 1_000)
    tidy(project)
    assert none_there(project, first)
    assert all_there(project, last)


def test_a_retrain_period_is_that_of_the_longest_schedule(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(24 * 60, 24)}, more=f"{MORE}\n{EVERY_MONTH}")
    old = train(project, "old", 10)
    train(project, "new", 17)
    grow_old(project, 27)
    tidy(project)
    assert all_there(project, (*old.files, *old.windows))
    grow_old(project, 5)
    tidy(project)
    assert none_there(project, (*old.files, *old.windows))


def test_without_a_schedule_a_retrain_period_is_a_week(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(24, 24)})
    assert kept.retrain_seconds(project, BEGIN.timestamp()) == 7 * DAY


def job(project: Project, name: str, **files: str) -> Path:
    """A job's folder with these files."""
    folder = project.store.root / "jobs" / name
    for file, content in files.items():
        path = folder / file.replace("_", "/", 1) if file.startswith("first_") else folder / file
        path = path.with_suffix(".npz" if "checkpoint" in file else ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_an_interrupted_training_can_go_on_for_a_retrain_period(project: Project) -> None:
    train(project, "decided", 10)
    windows = lay_windows(project, "of the job")
    grow_old(project, 3, "windows")  # a long training: its windows are older than its checkpoint
    folder = job(
        project, "interrupted", job=json.dumps({"windows": windows[0]}), first_checkpoint="half"
    )
    grow_old(project, 6.9)
    tidy(project)
    assert (folder / "first" / "checkpoint.npz").read_text() == "half"
    assert load_windows(project, Path(windows[1]).stem).arrays == windows[0]
    assert project.store.has(windows[0])
    grow_old(project, 0.2)
    tidy(project)
    assert not folder.exists()
    assert none_there(project, windows)


def test_a_job_that_is_done_is_remembered_for_a_retrain_period(project: Project) -> None:
    folder = job(project, "done", steps='{"steps": 9}', version='{"version_id": "v"}')
    grow_old(project, 6.9)
    assert tidy(project).files == 0
    assert folder.exists()
    grow_old(project, 0.2)
    assert tidy(project).files == 1
    assert not folder.exists()


def test_a_job_in_which_a_single_file_is_new_stays(project: Project) -> None:
    folder = job(project, "running", job='{"windows": ""}', first_checkpoint="old")
    grow_old(project, 100)
    (folder / "first" / "checkpoint.npz").write_text("new")
    assert tidy(project).files == 0
    assert folder.exists()


def test_files_of_trainings_stay_while_a_step_runs(project: Project) -> None:
    old = train(project, "old", 10)
    train(project, "new", 17)
    grow_old(project, 8)
    with record(project.database, "loads", "evaluate", at(17)):
        assert tidy(project).files == 0
    assert all_there(project, (*old.files, *old.windows))
    with project.database.reading() as connection:
        assert set(old.files) <= named_files(connection)


def test_versions_of_a_panel_that_is_no_longer_configured_keep_their_files(
    project: Project,
) -> None:
    old = train(project, "old", 10)
    train(project, "new", 17)
    text = project.file.read_text().replace("[panels.loads]", "[panels.others]")
    project.file.write_text(text)
    grow_old(project, 1_000)
    assert tidy(open_project(project.file)).files == 0
    assert all_there(project, (*old.files, *old.windows))


def test_the_snapshot_of_a_version_goes_with_its_files(project: Project) -> None:
    for day in (10, 17, 24):
        train(project, f"v{day}", day)
    grow_old(project, 1_000)
    tidy(project)
    assert len(list(project.store.names("snapshot"))) == 1  # of the version trained last
    assert ingest(project, "loads", at(25)).snapshot_id


def test_a_night_with_a_long_horizon_keeps_its_snapshot_until_it_is_scored(
    tmp_path: Path,
) -> None:
    project = lay_out(tmp_path, {"a": wave(400, 7)}, frequency="1D", horizon=28)
    night(project, 300)
    grow_old(project, 40)
    for day in (338, 339, 340):
        night(project, day)
    tidy(project)
    snapshot = ingest(project, "loads", at(341)).snapshot_id
    assert score(project, "loads", snapshot, at(341)).n == 28 + 3 + 2 + 1


Dump = dict[str, list[tuple[Any, ...]]]


def state(project: Project) -> tuple[list[str], Dump]:
    """Files but for scratch, and rows but for the ledger and leases."""
    from sqlalchemy import text

    root = project.store.root
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    tables = ("model_version", "scorecard", "decision", "calibration", "publication", "forecast")
    with project.database.reading() as connection:
        rows = {
            table: sorted(map(tuple, connection.execute(text(f"SELECT * FROM rnnts_{table}"))))  # noqa: S608 - ours
            for table in tables
        }
    return sorted(name for name in files if not name.startswith("tmp/")), rows


def nothing_is_named_in_vain(project: Project) -> bool:
    with project.database.reading() as connection:
        named = named_files(connection) - {"", REMOVED}
    return all_there(project, sorted(named))


@pytest.mark.parametrize(
    ("failpoint", "every", "least"), [("tidy.rows_deleted", 1, 3), ("tidy.file_unlinked", 4, 20)]
)
def test_killed_anywhere_and_run_again_it_ends_where_it_would_have(
    project: Project, monkeypatch: pytest.MonkeyPatch, failpoint: str, every: int, least: int
) -> None:
    Repeater(monkeypatch)
    monkeypatch.setattr("rnnts.steps.serving._guarded", lambda *_: {})
    monkeypatch.setattr("rnnts.steps.serving.calibration_at", lambda *_: None)
    for day in (20, 21, 22, 23):
        train(project, f"v{day}", day, "promote" if day != 21 else "reject")
        night(project, day)
    job(project, "abandoned", job='{"windows": ""}', first_checkpoint="half")
    grow_old(project, 100)
    untouched = shutil.copytree(project.root, project.root.parent / "untouched")
    tidy(project, nights=2)
    wanted = state(project)
    assert nothing_is_named_in_vain(project)
    for nth in range(1, 1_000, every):
        folder = shutil.copytree(untouched, project.root.parent / f"{failpoint} {nth}")
        other = open_project(folder / "rnnts.toml")
        with monkeypatch.context() as patched:
            patched.setattr(module, "hit", dying_at(failpoint, nth))
            try:
                tidy(other, nights=2)
            except CrashError:
                assert nothing_is_named_in_vain(other)
            else:
                break
        tidy(other, nights=2)
        assert state(other) == wanted
    assert nth > least


def dying_at(failpoint: str, nth: int) -> Callable[[str], None]:
    """A `hit` that ends the process when the failpoint is reached for the nth time."""
    reached: list[str] = []

    def hit(name: str) -> None:
        reached.append(name)
        if reached.count(failpoint) == nth and name == failpoint:
            raise CrashError(name)

    return hit
