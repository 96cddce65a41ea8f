import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rnnts.database.forecasts import count_rows
from rnnts.database.issues import live, publications
from rnnts.database.leases import hold
from rnnts.database.models import champion
from rnnts.database.publications import stage
from rnnts.database.runs import record
from rnnts.project import Project
from rnnts.steps import kept
from rnnts.steps import publish as publishing
from rnnts.steps import tidy as module
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.results import Kind
from rnnts.steps.staged import Staged, blocks_of
from rnnts.steps.tidy import tidy
from tests.rnnts.steps.small_champion import MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

DAY = 86_400


class CrashError(Exception):
    """A process that dies at a failpoint."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A panel with four nights published, a day apart."""
    made = lay_out(tmp_path, {"a": wave(24 * 45, 24)})
    for day in (20, 21, 22, 23):
        night(made, day)
    return made


def at(day: int) -> datetime:
    return BEGIN + timedelta(days=day)


def staged_at(project: Project, day: int) -> str:
    snapshot = ingest(project, "loads", at(day)).snapshot_id
    return forecast(project, "loads", snapshot, at(day)).staged_id


def night(project: Project, day: int, kind: Kind = "night") -> None:
    publish(project, "loads", staged_at(project, day), at(day), kind=kind)


def rows_by_day(project: Project) -> dict[int, int]:
    with project.database.reading() as connection:
        return {
            (row.issued_at - BEGIN).days: count_rows(connection, row.id)
            for row in publications(connection, "loads")
        }


def grow_old(project: Project, days: float) -> None:
    """Let every file of the store be so old."""
    for path in project.store.root.rglob("*"):
        then = path.stat().st_mtime - days * DAY
        os.utime(path, (then, then))


def staged_of(project: Project) -> list[Staged]:
    names = project.store.names("staged")
    return [Staged.read(project.store, name) for name in names]


def test_rows_of_older_nights_go_and_their_files_stay(project: Project) -> None:
    grow_old(project, 2)
    result = tidy(project, nights=3)
    assert (result.rows, result.files) == (6, 0)
    assert rows_by_day(project) == {23: 6, 22: 6, 21: 6, 20: 0}
    for staged in staged_of(project):
        assert list(blocks_of(project.store, staged))


def test_with_retention_zero_the_live_night_and_its_rollback_target_stay(project: Project) -> None:
    tidy(project, nights=0)
    assert rows_by_day(project) == {23: 6, 22: 6, 21: 0, 20: 0}
    with project.database.reading() as connection:
        row = live(connection, "loads")
    assert row is not None
    assert row.issued_at == at(23)


def test_a_second_run_finds_nothing_left(project: Project) -> None:
    grow_old(project, 100)
    tidy(project, nights=2)
    again = tidy(project, nights=2)
    assert (again.rows, again.files) == (0, 0)


def test_a_backfill_stays_where_the_person_who_asked_for_it_looks(project: Project) -> None:
    night(project, 19, "backfill")
    tidy(project, nights=2)
    assert rows_by_day(project)[19] == 6


def test_replaced_revisions_go(project: Project) -> None:
    publish(project, "loads", staged_at(project, 23), at(23), replace=True)
    assert tidy(project).rows == 6
    assert rows_by_day(project)[23] == 6


def test_what_a_dead_run_staged_goes_with_its_files(project: Project) -> None:
    staged_id = staged_at(project, 24)
    staged = Staged.load(project.store, staged_id)
    with hold(project.database, "loads", "night") as lease:
        manifest = publishing._manifest(staged, staged_id, at(24), "night")
        stage(project.database, lease, manifest, publishing._chunks(project, staged))
    assert tidy(project).rows == 6
    assert project.store.has(staged.chunks[0].name)  # a run may still be about to use it
    grow_old(project, 2)
    assert tidy(project).files == 2
    assert not project.store.has(staged.chunks[0].name)
    night(project, 24)
    assert rows_by_day(project)[24] == 6


def test_files_stay_while_another_step_runs(project: Project) -> None:
    staged_at(project, 24)
    grow_old(project, 2)
    with record(project.database, "loads", "forecast", at(24)):
        assert tidy(project).files == 0
    assert tidy(project).files == 2


def test_scratch_goes_after_a_day(project: Project) -> None:
    root = project.store.root
    half = root / "staged" / "ab" / ".part-xyz"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")
    (root / "tmp" / "train-1").mkdir(parents=True)
    (root / "tmp" / "train-1" / "big").write_bytes(b"x")
    assert tidy(project).files == 0
    grow_old(project, 2)
    assert tidy(project).files == 2
    assert not half.exists()
    assert list((root / "tmp").iterdir()) == []


def test_snapshots_that_nothing_is_made_from_go_in_the_end(project: Project) -> None:
    store = project.store
    for day in (40, 41):
        night(project, day)  # the others are too long ago to be scored any more
    assert len(list(store.names("snapshot"))) == 6
    grow_old(project, 20)
    assert tidy(project).files == 0
    grow_old(project, 20)
    assert tidy(project).files > 0
    stayed = list(store.names("snapshot"))
    assert len(stayed) == 2  # of the live night and of its rollback target
    for name in stayed:
        for part in kept.snapshot(store, name).names():
            store.get(part)
    night(project, 42)


def test_covariates_go_with_the_snapshots_that_named_them(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(24 * 45, 24)}, more='holidays = "US"')
    for day in (20, 40, 41):
        night(project, day)
    held = set(project.store.names("covariate"))
    grow_old(project, 40)
    tidy(project)
    left = set(project.store.names("covariate"))
    assert left < held
    needed = {
        part
        for name in project.store.names("snapshot")
        for one in kept.snapshot(project.store, name).covariates
        for part in one.names()
    }
    assert left == needed


def test_the_champion_and_what_it_was_trained_on_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    project = lay_out(tmp_path, {"a": wave(24 * 30, 24)}, more=MORE)
    name = project.store.put(b"weights", "weights", "keras")
    ingest(project, "loads", at(10))
    crown(project, at(10), weights={"name": name, "sha256": "", "digest": ""})
    for day in (20, 21, 22):
        night(project, day)
    grow_old(project, 1_000)
    tidy(project, nights=0)
    assert project.store.get(name) == b"weights"
    with project.database.reading() as connection:
        row = champion(connection, "loads", at(22))
    assert row is not None


def test_a_panel_that_is_no_longer_configured_keeps_its_files(project: Project) -> None:
    from rnnts.project import open_project

    text = project.file.read_text().replace("[panels.loads]", "[panels.others]")
    project.file.write_text(text)
    grow_old(project, 1_000)
    result = tidy(open_project(project.file), nights=0)
    assert (result.rows, result.files) == (0, 0)


def test_an_empty_database_is_no_fault(tmp_path: Path) -> None:
    result = tidy(lay_out(tmp_path, {}))
    assert (result.rows, result.files) == (0, 0)


@pytest.mark.parametrize("failpoint", ["tidy.rows_deleted", "tidy.file_unlinked"])
def test_killed_and_run_again_it_ends_where_it_would_have(
    project: Project, monkeypatch: pytest.MonkeyPatch, failpoint: str
) -> None:
    def die(name: str) -> None:
        if name == failpoint:
            raise CrashError(name)

    staged_at(project, 24)
    grow_old(project, 2)
    with monkeypatch.context() as patched:
        patched.setattr(module, "hit", die)
        with pytest.raises(CrashError):
            tidy(project, nights=2)
    tidy(project, nights=2)
    assert rows_by_day(project) == {23: 6, 22: 6, 21: 0, 20: 0}
    assert len(staged_of(project)) == 4
