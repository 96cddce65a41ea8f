from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import rnnts
from rnnts.errors import ConfigurationError
from rnnts.project import Project, open_project

CONFIG = """
[panels.loads]
source = { table = "readings", time = "read_at", value = "load" }
horizon = 48

[panels.flows]
source = { table = "flows", time = "at", value = "m3", url = "sqlite:///elsewhere/flows.db" }
horizon = 24
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("RNNTS_DATABASE__URL", raising=False)
    (tmp_path / "rnnts.toml").write_text(CONFIG)
    return open_project(tmp_path / "rnnts.toml")


def test_opening_a_project_touches_nothing(project: Project) -> None:
    assert [path.name for path in project.root.iterdir()] == ["rnnts.toml"]


def test_relative_paths_start_at_the_file_not_at_the_working_directory(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.database.file == tmp_path / ".rnnts" / "rnnts.db"
    assert project.store.root == tmp_path / ".rnnts" / "store"
    assert project.database.spool == tmp_path / ".rnnts" / "spool"
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    again = rnnts.open_project("../rnnts.toml")
    assert again.database.file is not None
    assert again.database.file.resolve() == project.database.file
    monkeypatch.chdir(tmp_path)
    assert rnnts.open_project().root == tmp_path


def test_the_database_is_made_private_when_it_is_first_written(project: Project) -> None:
    project.database.create_file()
    file = project.database.file
    assert file is not None
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_panel_is_found_by_name(project: Project) -> None:
    assert project.panel("loads").horizon == 48


@pytest.mark.parametrize(("name", "said"), [("load", "did you mean loads?"), ("x", "flows, loads")])
def test_an_unknown_panel_is_told_the_nearest(project: Project, name: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        project.panel(name)
    assert caught.value.code == "PANEL_UNKNOWN"
    assert said in str(caught.value)
    assert "rnnts.toml" in str(caught.value)


def test_a_source_is_the_results_database_unless_it_names_its_own(project: Project) -> None:
    assert project.source("loads").file == project.database.file
    assert project.source("flows").file == project.root / "elsewhere" / "flows.db"
    assert project.source("loads").read_only
    assert not project.database.read_only


def test_the_environment_may_name_the_database(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNTS_DATABASE__URL", "postgresql://ann:hunter2@db/prod")
    other = open_project(project.file)
    assert other.database.dialect == "postgresql"
    assert "hunter2" not in repr(other)


def test_a_project_cannot_be_changed(project: Project) -> None:
    with pytest.raises(FrozenInstanceError):
        project.root = Path("/")  # type: ignore[misc] # that is what is tried


def test_a_missing_file_is_told_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="rnnts init"):
        open_project(tmp_path / "absent.toml")
