"""A step that cannot reach its database says so, and the next one tells the database."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from rnnts.cli import main
from rnnts.database.engine import Database
from rnnts.database.findings import findings_of
from rnnts.database.runs import runs_of
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

AT = (BEGIN + timedelta(hours=300)).isoformat()
DOWN = "postgresql://ann:s3cret@127.0.0.1:1/d"
CONFIG = """
[database]
url = "{url}"
wait_seconds = {seconds}

[panels.loads]
source = {{ url = "sqlite:///rnnts.db", table = "readings", series = "site", time = "at", \
value = "value" }}
frequency = "1h"
horizon = 6
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a project whose source stands in a file of its own."""
    return lay_out(tmp_path / "project", {"a": wave(400, 24)}).file


def rnnts(monkeypatch: pytest.MonkeyPatch, config: Path, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["rnnts", *words, "--config", str(config)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(
    "words",
    [
        ("ingest", "loads", "--as-of", AT),
        ("forecast", "loads", "--issued-at", AT),
        ("notify", "loads"),
    ],
    ids=lambda words: words[0],
)
def test_a_step_whose_database_is_down_is_told_to_it_by_the_next_that_is_not(
    config: Path,
    empty_database: Database,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config.write_text(CONFIG.format(url=DOWN, seconds=0.5))
    assert rnnts(monkeypatch, config, *words) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("DB_UNREACHABLE: ")
    assert len(err.splitlines()) == 1  # no traceback
    [kept] = (config.parent / ".rnnts" / "spool").iterdir()
    assert "s3cret" not in err + kept.read_text()

    config.write_text(CONFIG.format(url=empty_database.url, seconds=10))
    for _ in range(2):
        assert rnnts(monkeypatch, config, "ingest", "loads", "--as-of", AT) == 0
    assert not kept.exists()
    with empty_database.reading() as connection:
        runs = [(run.step, run.status, run.exit_code) for run in runs_of(connection)]
        findings = [one for one in findings_of(connection) if one.code == "DB_UNREACHABLE"]
    assert runs == [("ingest", "noop", 0), ("ingest", "done", 0), (words[0], "failed", 5)]
    assert [(one.panel, one.count) for one in findings] == [("loads", 1)]
