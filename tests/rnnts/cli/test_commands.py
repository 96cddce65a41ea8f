import json
import sqlite3
import sys
from pathlib import Path

import pytest

from rnnts.cli import main
from tests.faults.nights import FIRST_NIGHT, PANEL, SERIES, make_project

NIGHT = FIRST_NIGHT.isoformat()


class Command:
    """Runs `rnnts …` in this process, as the console script does."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.patch, self.capture = patch, capture

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        self.patch.setattr(sys, "argv", ["rnnts", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = self.capture.readouterr()
        return code, out, err


@pytest.fixture
def rnnts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


@pytest.fixture
def config(tmp_path: Path) -> str:
    return str(make_project(tmp_path / "project", "sqlite:///rnnts.db"))


def test_the_steps_of_a_night_follow_one_another_by_panel_and_instant(
    rnnts: Command, config: str, tmp_path: Path
) -> None:
    here = ("--config", config)
    for step, option in (("ingest", "--as-of"), ("forecast", "--issued-at")):
        code, out, _ = rnnts(step, PANEL, option, NIGHT, "--json", *here)
        assert code == 0
        assert json.loads(out)["panel"] == PANEL
    code, out, _ = rnnts("publish", PANEL, "--issued-at", NIGHT, *here)
    assert code == 3  # published, on the ladder: there is no champion
    assert "live" in out

    code, out, _ = rnnts("publish", PANEL, "--issued-at", NIGHT, "--json", *here)
    assert json.loads(out)["noop"]

    with sqlite3.connect(tmp_path / "project" / "rnnts.db") as connection:
        rows = connection.execute(
            "SELECT feeder, count(*), min(point) FROM rnnts_loads_forecast GROUP BY feeder"
        ).fetchall()
    connection.close()
    feeders = sorted(f"feeder-{one}" for one in range(SERIES))
    assert sorted((row[0], row[1]) for row in rows) == [(one, 24) for one in feeders]

    code, out, _ = rnnts("status", "--json", *here)
    [line] = json.loads(out)["panels"]
    assert line["methods"] == {"seasonal_naive": SERIES}
    assert line["state"] == "missing"  # the schedule has had many nights since 2024

    picture = tmp_path / "fan.png"
    assert rnnts("plot", PANEL, "--output", str(picture), *here)[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_check_prints_each_value_and_where_it_came_from(rnnts: Command, config: str) -> None:
    code, out, _ = rnnts("check", PANEL, "--as-of", NIGHT, "--config", config)
    assert code == 0
    for words in ("window", "frequency 1h", "horizon", "rnnts.toml", "season found"):
        assert words in out


def test_doctor_looks_at_everything_and_names_remedies(rnnts: Command, config: str) -> None:
    code, out, _ = rnnts("doctor", "--config", config)
    assert code == 0
    for words in ("sqlalchemy", "artefact store", "source of loads", "Prefect"):
        assert words in out


def test_the_schema_is_made_and_said(rnnts: Command, config: str) -> None:
    assert "empty" in rnnts("db", "version", "--config", config)[1]
    assert "version 1" in rnnts("db", "upgrade", "--config", config)[1]
    assert rnnts("models", PANEL, "--config", config)[0] == 0
    code, out, _ = rnnts("decisions", PANEL, "--json", "--config", config)
    assert (code, json.loads(out)) == (0, {"panel": PANEL, "decisions": []})


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["ingest", "lods"], 2, "did you mean loads?"),
        (["forecast", PANEL, "--issued-at", NIGHT], 2, "run `rnnts ingest loads`"),
        (["ingest", PANEL, "--as-of", "yesterday"], 2, "INSTANT_INVALID"),
        (["ingest", PANEL, "--as-of", "2024-03-21T02:00:00"], 2, "write the offset too"),
    ],
    ids=["unknown panel", "step missing", "no instant", "naive instant"],
)
def test_a_users_mistake_is_one_sentence_and_an_exit_code(
    rnnts: Command, config: str, words: list[str], code: int, sentence: str
) -> None:
    rnnts("db", "upgrade", "--config", config)
    found, _, err = rnnts(*words, "--config", config)
    assert found == code
    assert sentence in err
    assert "Traceback" not in err


def test_a_missing_configuration_says_how_to_write_one(rnnts: Command, tmp_path: Path) -> None:
    code, _, err = rnnts("status", "--config", str(tmp_path / "rnnts.toml"))
    assert code == 2
    assert "rnnts init" in err


def test_init_proposes_a_panel_and_never_overwrites(
    rnnts: Command, config: str, tmp_path: Path
) -> None:
    source = f"sqlite:///{Path(config).parent / 'source.db'}"
    target = str(tmp_path / "new.toml")
    assert rnnts("init", "--source", source, "--output", target)[0] == 0
    assert "feeder" in Path(target).read_text(encoding="utf-8")
    code, _, err = rnnts("init", "--source", source, "--output", target)
    assert code == 2
    assert "CONFIG_EXISTS" in err
