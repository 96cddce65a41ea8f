"""A user's mistakes: one sentence and an exit code each, and no traceback."""

import json
import sqlite3
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.cli import main
from rnnts.project import Project
from tests.rnnts.steps.small_champion import MORE, crown
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

AT = (BEGIN + timedelta(hours=300)).isoformat()
Said = tuple[int, str, str]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return lay_out(tmp_path, {"a": wave(400, 24), "b": wave(400, 24, 1)}, more=MORE)


@pytest.fixture
def rnnts(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["rnnts", *words, "--config", str(project.file)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("step", ["window", "train", "evaluate", "promote", "score", "calibrate"])
def test_a_step_before_the_first_ingest_says_what_to_run(
    rnnts: Callable[..., Said], step: str
) -> None:
    code, _, err = rnnts(step, "loads", "--as-of", AT)
    assert code == 2
    assert "run `rnnts ingest" in err


@pytest.mark.parametrize(
    "words", [("forecast", "--issued-at", AT), ("publish", "--issued-at", AT), ("plot",)]
)
def test_a_look_at_nothing_yet_says_what_to_run(
    rnnts: Callable[..., Said], words: tuple[str, ...]
) -> None:
    code, _, err = rnnts(words[0], "loads", *words[1:])
    assert code == 2
    assert "run `rnnts ingest" in err


@pytest.mark.parametrize(
    ("instant", "remedy"),
    [
        ("0001-01-01T00:00:00+14:00", "one that the calendar has"),
        ("2026-02-30T02:00:00Z", "one that the calendar has"),
        ("2026-02-03T02:00:00", "write the offset too"),
    ],
)
def test_an_instant_that_is_none_is_told_with_the_remedy(
    rnnts: Callable[..., Said], instant: str, remedy: str
) -> None:
    code, _, err = rnnts("ingest", "loads", "--as-of", instant)
    assert (code, err.startswith("INSTANT_INVALID")) == (2, True)
    assert remedy in err


@pytest.mark.parametrize(
    ("output", "said"), [("nowhere/sweep.png", "no such folder"), ("sweep.xyz", ".png")]
)
def test_a_sweep_is_not_begun_where_its_picture_cannot_stand(
    rnnts: Callable[..., Said], tmp_path: Path, output: str, said: str
) -> None:
    code, _, err = rnnts("lr-sweep", "loads", "--as-of", AT, "--output", str(tmp_path / output))
    assert code == 2
    assert said in err


def test_check_names_the_series_that_it_speaks_of(
    project: Project, rnnts: Callable[..., Said]
) -> None:
    change(project, "UPDATE readings SET value = 'n/a' WHERE site = 'b' AND rowid % 50 = 0")
    code, out, _ = rnnts("check", "loads", "--as-of", AT)
    assert code == 0
    assert "warning: VALUE_NOT_NUMERIC loads/b: " in out
    assert "(table readings, column value)" in out


def test_a_panel_that_cannot_be_checked_leaves_the_others_their_report(
    project: Project, rnnts: Callable[..., Said]
) -> None:
    text = project.file.read_text(encoding="utf-8")
    broken = text[text.index("[panels.loads]") :].replace("[panels.loads]", "[panels.broken]")
    broken = broken.replace('"readings"', '"reading"')
    project.file.write_text(f"{text}\n{broken}", encoding="utf-8")
    code, out, err = rnnts("check", "--as-of", AT, "--json")
    assert code == 2
    assert err.startswith("SOURCE_MISSING broken")
    first, second = json.loads(out)["panels"]
    assert (first["panel"], first["code"]) == ("broken", "SOURCE_MISSING")
    assert (second["panel"], len(second["facts"]) > 0) == ("loads", True)


def test_doctor_sees_that_a_champion_has_no_file_and_that_nothing_can_be_written(
    project: Project, rnnts: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rnnts("db", "upgrade", "--json")[:2] == (0, '{"schema": 1}\n')
    assert json.loads(rnnts("db", "version", "--json")[1]) == {"schema": 1, "known": 1}
    crown(project, BEGIN, weights={"name": f"weights/aa/{'a' * 64}.keras", "sha256": "a" * 64})
    code, out, _ = rnnts("doctor")
    assert code == 5
    assert "champion of loads" in out
    assert "ARTEFACT_MISSING" in out

    monkeypatch.setattr("rnnts.database.engine._open_sqlite", read_only)
    code, out, _ = rnnts("doctor")
    assert code == 5
    assert "DB_READ_ONLY" in out


@pytest.mark.parametrize("step", ["ingest", "train"])
def test_results_that_take_no_writes_are_found_before_any_work(
    project: Project, rnnts: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for earlier in ("ingest", "window"):
        assert rnnts(earlier, "loads", "--as-of", AT)[0] == 0
    before = sorted(project.store.root.rglob("*"))
    monkeypatch.setattr("rnnts.database.engine._open_sqlite", read_only)
    code, _, err = rnnts(step, "loads", "--as-of", AT)
    assert (code, err.startswith("DB_READ_ONLY")) == (5, True)
    assert "make file and folder writable" in err
    assert sorted(project.store.root.rglob("*")) == before


def read_only(path: Path, wait_seconds: float, _mode: str) -> sqlite3.Connection:
    """A file that this user may not write: root may write them all."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=wait_seconds, isolation_level=None
    )


def test_a_series_that_is_not_there_is_told_the_nearest(
    tmp_path: Path, project: Project, rnnts: Callable[..., Said]
) -> None:
    change(project, "UPDATE readings SET site = 'Ärger \"1\"' WHERE site = 'a'")
    for step, option in (("ingest", "--as-of"), ("forecast", "--issued-at")):
        assert rnnts(step, "loads", option, AT)[0] == 0
    assert rnnts("publish", "loads", "--issued-at", AT)[0] == 3
    picture = str(tmp_path / "fan.png")
    code, _, err = rnnts("plot", "loads", "--series", "Arger 1", "--output", picture)
    assert code == 2
    assert "did you mean Ärger" in err
    code, out, _ = rnnts("plot", "loads", "--series", 'Ärger "1"', "--output", picture, "--json")
    assert code == 0
    assert json.loads(out) == {"panel": "loads", "series": ['Ärger "1"'], "picture": picture}


def test_series_cannot_be_chosen_for_the_picture_that_is_of_all_of_them(
    rnnts: Callable[..., Said],
) -> None:
    code, _, err = rnnts("plot", "loads", "--calibration", "--series", "a")
    assert code == 2
    assert "--series" in err
    assert "of all series" in " ".join(err.split())


def test_a_time_without_a_zone_is_refused_from_python_too(project: Project) -> None:
    from rnnts.errors import ConfigurationError
    from rnnts.steps.check import check
    from rnnts.steps.frames import observations
    from rnnts.steps.ingest import ingest

    naive = (BEGIN + timedelta(hours=300)).replace(tzinfo=None)
    ingest(project, "loads", BEGIN + timedelta(hours=300))
    for use in (ingest, check, observations):
        with pytest.raises(ConfigurationError, match="INSTANT_INVALID"):
            use(project, "loads", naive)
    assert np.isfinite(observations(project, "loads").y).all()
