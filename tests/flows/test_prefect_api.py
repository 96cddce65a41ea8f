import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from prefect.settings import temporary_settings

from flows.prefect_api import prefect_api
from flows.prefect_server import api_url, environment, free_port, wait_until_it_answers
from flows.prefect_server import launch as start_anything
from rnnts.errors import InfrastructureError


def test_a_configured_api_that_is_down_names_the_way_without_it(config: str) -> None:
    url = api_url(free_port())
    with (
        temporary_settings({"PREFECT_API_URL": url}),
        pytest.raises(InfrastructureError) as caught,
        prefect_api(config, private=False),
    ):
        pytest.fail("nobody answers there")
    assert caught.value.code == "PREFECT_UNREACHABLE"
    assert url in str(caught.value)
    assert "--private" in str(caught.value)


def test_a_server_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "echo no such port; exit 1"]
    process = start_anything(command, dict(os.environ), tmp_path / "server.log")
    process.wait(10)
    with pytest.raises(InfrastructureError, match=r"PREFECT_SERVER_FAILED.*no such port"):
        wait_until_it_answers(process, tmp_path, free_port())


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_child_of_ours_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = (
        "import os, signal; from pathlib import Path; from flows.prefect_server import launch\n"
        "command = ['/bin/sh', '-c', 'echo up; exec sleep 60']\n"
        "child = launch(command, dict(os.environ), Path(os.environ['LOG']))\n"
        "while 'up' not in Path(os.environ['LOG']).read_text(): pass\n"
        "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environ = os.environ | {"LOG": str(tmp_path / "log"), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", parent], env=environ, capture_output=True, check=False, timeout=60
    )
    child = psutil.Process(int(done.stdout))
    child.wait(timeout=10)


def test_a_server_of_ours_keeps_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "somebody:else")
    found = environment(tmp_path, 4200)
    assert found["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert found["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
    assert found["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"
    assert "PREFECT_API_AUTH_STRING" not in found
