"""A version of two networks: one that the gate scores, and one that serves."""

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.database import models
from rnnts.database.named_files import REMOVED, forget_files, named_files
from rnnts.errors import IntegrityError
from rnnts.learning.versions import as_scored, weights_digest
from rnnts.project import Project, open_project
from rnnts.steps import serving
from rnnts.steps.evaluate import evaluate
from rnnts.steps.train import train
from tests.rnnts.steps.trained_project import AS_OF, PANEL, add_windows, daily_rows, project_in

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose candidate was trained long enough to be trained on."""
    folder = tmp_path_factory.mktemp("refit") / "project"
    folder.mkdir()
    project = project_in(folder, train="steps = 70")
    train(project, PANEL, add_windows(project, daily_rows()), AS_OF)
    project.database.close()
    return folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    shutil.copytree(trained, tmp_path / "project")
    return open_project(tmp_path / "project" / "rnnts.toml")


def newest(project: Project) -> models.VersionRow:
    with project.database.reading() as connection:
        return models.versions(connection, PANEL)[0]


def test_its_manifest_names_both_and_a_night_is_served_by_the_one_that_knows_everything(
    project: Project,
) -> None:
    row = newest(project)
    served, scored = row.manifest["weights"], row.manifest["scored"]["weights"]
    assert served["digest"] != scored["digest"]
    assert (row.weights_name, row.weights_sha256) == (served["name"], served["sha256"])
    assert row.manifest["ended_at"] == 70
    assert 30 <= row.manifest["refit"]["steps"] <= 70
    assert as_scored(row.manifest)["weights"] == scored
    assert weights_digest(serving.load_verified(project, row)) == served["digest"]


def test_the_gate_scores_the_one_that_knows_nothing_of_what_is_held_out(project: Project) -> None:
    row = newest(project)
    evaluate(project, PANEL, row.version_id)
    with project.database.reading() as connection:
        card = models.scorecard_of(connection, row.version_id)
    assert card is not None
    kept = project.store.get_arrays(card.scores["artefacts"]["residuals"])
    calibration = (kept["part"] == 0) & (kept["age"] == 0)
    forecasts = {
        name: project.store.get_arrays(manifest["probe"])["forecast"]
        for name, manifest in (("scored", as_scored(row.manifest)), ("served", row.manifest))
    }
    seen = kept["quantiles"][calibration]
    count = min(len(seen), len(forecasts["scored"]))
    assert count > 0
    np.testing.assert_allclose(seen[:count], forecasts["scored"][:count], rtol=1e-6)
    assert not np.allclose(seen[:count], forecasts["served"][:count], rtol=1e-3)


@pytest.mark.parametrize("part", ["served", "scored"])
def test_either_is_held_against_what_training_recorded(
    project: Project, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    row = newest(project)
    manifest = as_scored(row.manifest) if part == "scored" else row.manifest
    get = Store.get_arrays

    def other(store: Store, name: str) -> dict[str, np.ndarray]:
        arrays = get(store, name)
        moved = name == manifest["probe"]
        return {**arrays, "forecast": arrays["forecast"] + 1} if moved else arrays

    monkeypatch.setattr(Store, "get_arrays", other)
    with pytest.raises(IntegrityError, match="bit for bit"):
        evaluate(project, PANEL, row.version_id)


def test_the_next_retrain_begins_with_the_one_that_was_scored(project: Project) -> None:
    row = newest(project)
    with project.database.writing() as connection:
        models.promote(
            connection, panel=PANEL, version_id=row.version_id, scorecard_id=None,
            reason="a test", numbers={}, effective_from=AS_OF,
        )  # fmt: skip
    train(project, PANEL, row.windows_id, AS_OF + WEEK)
    manifest = newest(project).manifest
    assert manifest["start"]["how"] == "warm"
    assert manifest["begun_with"] == row.manifest["scored"]["weights"]["sha256"]


def test_the_files_of_both_are_named_until_they_are_removed(project: Project) -> None:
    row = newest(project)
    files = {
        name
        for manifest in (row.manifest, as_scored(row.manifest))
        for name in (manifest["weights"]["name"], manifest["probe"])
    }
    assert len(files) == 4
    with project.database.writing() as connection:
        assert files <= named_files(connection)
        forget_files(connection, row.version_id)
    assert as_scored(newest(project).manifest)["weights"]["name"] == REMOVED
    with project.database.reading() as connection:
        assert not files & named_files(connection)
