"""A candidate is registered once; whatever ends the child early is said, and loses little."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from rnnts.database import models
from rnnts.database.engine import Database
from rnnts.database.findings import findings_of
from rnnts.database.leases import Lease, hold
from rnnts.errors import InfrastructureError, IntegrityError
from rnnts.learning import jobs
from rnnts.learning.supervise import Budget, Line, Outcome
from rnnts.learning.versions import load_network
from rnnts.project import Project
from rnnts.steps.train import train
from rnnts.steps.window import Windows, load_windows
from tests.rnnts.steps.trained_project import (
    AS_OF,
    PANEL,
    add_windows,
    daily_rows,
    project_in,
    trained_project,
)

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)


def only_version(project: Project) -> models.VersionRow:
    with project.database.reading() as connection:
        (row,) = models.versions(connection, PANEL)
    return row


def job_folder(project: Project) -> Path:
    (folder,) = (project.store.root / "jobs").iterdir()
    return folder


def test_a_candidate_says_all_that_it_was_made_from(tmp_path: Path) -> None:
    project = trained_project(tmp_path)
    row = only_version(project)
    manifest = row.manifest
    assert (row.status, manifest["steps"], manifest["ended_at"]) == ("candidate", 20, 20)
    assert row.weights_sha256 == manifest["weights"]["sha256"]
    assert row.weights_name == manifest["weights"]["name"]
    assert manifest["curve"][-1][0] == 20
    assert set(manifest["libraries"]) == {"python", "tensorflow", "keras", "numpy"}
    assert manifest["windows_id"] == row.windows_id
    assert len(manifest["code"]) == 64
    assert manifest["grid"]["frequency"] == "1h"
    assert project.store.get_arrays(manifest["probe"])["forecast"].shape[1:] == (6, 3)
    assert load_network(project.store, manifest).output_shape == (None, 6, 3)


def test_training_again_is_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = trained_project(tmp_path)
    row = only_version(project)
    monkeypatch.setattr(jobs, "supervise", None)
    result = train(project, PANEL, row.windows_id, AS_OF)
    assert (result.status, result.version_id, result.steps) == ("existing", row.version_id, 20)
    assert only_version(project) == row


def test_a_finished_job_leaves_its_steps_and_its_log_and_no_checkpoint(tmp_path: Path) -> None:
    names = {path.name for path in job_folder(trained_project(tmp_path)).iterdir()}
    assert names == {"steps.json", "version.json", "child.log"}


def test_a_killed_child_is_said_and_the_next_run_gives_the_undisturbed_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = only_version(trained_project(tmp_path))
    project = project_in(tmp_path)
    windows_id = add_windows(project, daily_rows())
    seen: list[Line] = []
    monkeypatch.setenv("RNNTS_FAILPOINT", "train.checkpoint_half:kill@3")
    with pytest.raises(InfrastructureError, match=r"TRAIN_KILLED loads: .* by SIGKILL") as caught:
        train(project, PANEL, windows_id, AS_OF, progress=seen.append)
    assert "run this again" in str(caught.value)
    assert seen
    assert seen[-1]["steps"] == 20
    with project.database.reading() as connection:
        assert models.versions(connection, PANEL) == ()
    monkeypatch.delenv("RNNTS_FAILPOINT")
    result = train(project, PANEL, windows_id, AS_OF)
    row = only_version(project)
    assert (result.status, result.version_id) == ("candidate", undisturbed.version_id)
    assert row.manifest["weights"]["digest"] == undisturbed.manifest["weights"]["digest"]
    assert row.manifest["curve"] == undisturbed.manifest["curve"]


def test_a_child_over_its_memory_is_said_with_peak_and_budget(tmp_path: Path) -> None:
    project = project_in(tmp_path, train="steps = 20, memory_gb = 0.2")
    with pytest.raises(InfrastructureError, match=r"at most 0\.2 GB, got a peak of 0\.\d+ GB"):
        train(project, PANEL, add_windows(project, daily_rows()), AS_OF)


class Child:
    """Stands for the child process: ends as told, and leaves files as told."""

    def __init__(self, *statuses: str, result: dict[str, Any] | None = None) -> None:
        self.statuses = list(statuses)
        self.result = result
        self.jobs: list[dict[str, Any]] = []
        self.budgets: list[Budget] = []
        self.checkpoint = False

    def __call__(self, command: list[str], budget: Budget, log: Path, *_: object) -> Outcome:
        job = json.loads(Path(command[-1]).read_text())
        self.jobs.append(job)
        self.budgets.append(budget)
        if self.checkpoint:
            (Path(job["folder"]) / "first").mkdir(exist_ok=True)
            (Path(job["folder"]) / "first" / "checkpoint.npz").touch()
        status: Any = self.statuses.pop(0)
        if status == "done" and self.result is not None:
            (Path(job["folder"]) / "result.json").write_text(json.dumps(self.result))
        log.write_text("Traceback\nValueError: it broke")
        return Outcome(status, 0 if status == "done" else 1, 12.0, 1 << 30, "it broke")


DIVERGED = {
    "status": "diverged",
    "planned": {"steps": 20, "step_seconds": None},
    "steps": 7,
    "best_step": 5,
    "seconds": 1.0,
    "validation_loss": None,
    "curve": [[5, 1.0, 1.0]],
    "reason": "the loss became nan at step 7 of 20",
    "retried": True,
    "recipe": {"rate": 2e-4},
    "refit": None,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path, train="minutes = 2")


def test_a_divergence_is_a_rejected_version_with_its_reason_and_a_finding(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "supervise", Child("done", result=DIVERGED))
    windows_id = add_windows(project, daily_rows())
    result = train(project, PANEL, windows_id, AS_OF)
    assert result.status == "rejected"
    assert "became nan at step 7" in result.reason
    row = only_version(project)
    assert (row.status, row.weights_name) == ("rejected", "")
    with project.database.reading() as connection:
        (decision,) = models.decisions(connection, PANEL)
        (finding,) = findings_of(connection, PANEL)
    assert (decision.action, decision.decided_by) == ("reject", "training")
    assert (finding.code, finding.severity) == ("TRAIN_DIVERGED", "error")
    again = train(project, PANEL, windows_id, AS_OF)
    assert again == result


def test_a_training_out_of_time_without_a_checkpoint_is_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "supervise", Child("timeout"))
    with pytest.raises(InfrastructureError, match="TRAIN_TIMEOUT loads: expected a first check"):
        train(project, PANEL, add_windows(project, daily_rows()), AS_OF)


def test_a_training_out_of_time_with_a_checkpoint_ends_at_its_best_weights(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Child("timeout", "done", result=DIVERGED | {"reason": "short"})
    child.checkpoint = True
    monkeypatch.setattr(jobs, "supervise", child)
    train(project, PANEL, add_windows(project, daily_rows()), AS_OF)
    assert [job["seconds"] for job in child.jobs] == [120.0, 0.0]
    assert [budget.seconds for budget in child.budgets] == [480.0, 300.0]


def test_a_budget_counts_from_when_the_lease_is_held(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for another retrain is in it as little as reading windows is left out."""
    child = Child("done", result=DIVERGED)
    monkeypatch.setattr(jobs, "supervise", child)
    windows_id = add_windows(project, daily_rows())
    times: list[float] = []

    @contextmanager
    def holding(database: Database, panel: str, purpose: str) -> Iterator[Lease]:
        with hold(database, panel, purpose) as lease:
            times.append(perf_counter())
            yield lease

    def loading(project: Project, windows_id: str) -> Windows:
        times.append(perf_counter())
        return load_windows(project, windows_id)

    monkeypatch.setattr("rnnts.steps.train.hold", holding)
    monkeypatch.setattr("rnnts.steps.train.load_windows", loading)
    train(project, PANEL, windows_id, AS_OF)
    held, looked = times
    assert held < child.jobs[0]["began"] < looked


def test_a_child_that_fails_leaves_its_last_words_in_the_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "supervise", Child("failed"))
    with pytest.raises(InfrastructureError, match=r"TRAIN_FAILED loads: .*it broke"):
        train(project, PANEL, add_windows(project, daily_rows()), AS_OF)


def test_weights_that_are_not_those_of_the_result_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = DIVERGED | {"status": "trained", "weights": {"sha256": "0" * 64}}

    class Damaging(Child):
        def __call__(self, command: list[str], *rest: Any) -> Outcome:  # noqa: ANN401 - as above
            outcome = super().__call__(command, *rest)
            (Path(self.jobs[-1]["folder"]) / "weights.keras").write_bytes(b"damaged")
            return outcome

    monkeypatch.setattr(jobs, "supervise", Damaging("done", result=trained))
    with pytest.raises(IntegrityError, match="ARTEFACT_CORRUPT loads: expected the weights"):
        train(project, PANEL, add_windows(project, daily_rows()), AS_OF)
    assert not (job_folder(project) / "result.json").exists()


def test_a_store_that_takes_no_file_is_found_before_any_training(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "supervise", None)
    windows_id = add_windows(project, daily_rows())
    (tmp_path / "file").touch()
    unwritable = replace(project, store=type(project.store)(tmp_path / "file"))
    with pytest.raises(InfrastructureError, match="STORE_READ_ONLY"):
        train(unwritable, PANEL, windows_id, AS_OF)


def test_missing_windows_are_found_before_any_training(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "supervise", None)
    windows_id = add_windows(project, daily_rows())
    for name in list(project.store.names("windows")):
        if name.endswith(".npz"):
            project.store.remove(name)
    with pytest.raises(IntegrityError, match="ARTEFACT_MISSING"):
        train(project, PANEL, windows_id, AS_OF)
