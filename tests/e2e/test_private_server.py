"""Without a configured Prefect API a flow brings its own server, says so, and leaves nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows.prefect_server import answers

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]


def start_flow(config: str, tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    """`python -m flows.tidy_up` as on a machine where Prefect was never configured."""
    environ = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    environ["PREFECT_HOME"] = str(tmp_path / "home")
    return subprocess.Popen(
        [sys.executable, "-m", "flows.tidy_up", "--config", config, *words],
        cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def servers_of(config: str) -> list[int]:
    home = str(Path(config).parent)
    return [
        one.pid
        for one in psutil.process_iter()
        if "prefect" in " ".join(_words(one)) and home in _home(one)
    ]


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _home(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("PREFECT_HOME", ""))
    except psutil.Error:
        return ""


def test_a_private_server_is_started_said_and_ended(config: str, tmp_path: Path) -> None:
    flow = start_flow(config, tmp_path)
    out, error = flow.communicate(timeout=180)
    assert flow.returncode == 0, error
    assert out == "project: removed 0 rows and 0 files\n"
    said = re.search(r"starting a private Prefect server on (http://127\.0\.0\.1:\d+/api)", error)
    assert said is not None
    assert not answers(said[1])
    assert servers_of(config) == []
    assert "View at" not in error  # it would be a dead link
    assert (Path(config).parent / ".rnnts" / "prefect" / "private").stat().st_mode & 0o077 == 0


def test_sigterm_ends_the_run_and_its_server_with_143(config: str, tmp_path: Path) -> None:
    flow = start_flow(config, tmp_path, "--private")
    assert flow.stderr is not None
    assert "private Prefect server" in flow.stderr.readline()
    flow.terminate()
    flow.communicate(timeout=30)
    assert flow.returncode == 143
    assert servers_of(config) == []
