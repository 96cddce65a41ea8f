"""`make up`: one command starts server, schedules and page; one Ctrl-C ends them all."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.settings import temporary_settings

from flows.prefect_server import answers, api_url, free_port

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]
UP_SECONDS = 120
RUN_SECONDS = 120
DOWN_SECONDS = 30


class Up:
    """A `python -m deployments.local` with its ports."""

    def __init__(self, config: str) -> None:
        self.prefect, self.page = free_port(), free_port()
        self.home = Path(config).parent / ".rnnts" / "prefect" / "server"
        environ = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
        ports = ["--prefect-port", str(self.prefect), "--page-port", str(self.page)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deployments.local", "--config", config, *ports],
            cwd=ROOT, env=environ, text=True, stderr=subprocess.PIPE,
        )  # fmt: skip

    def until(self, true: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.3)  # noqa: TID251 - two servers that start; the deadline is the promise

    def logs(self) -> str:
        return "\n".join(log.read_text("utf-8", "replace") for log in self.home.glob("*.log"))


def page_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def ended(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Up, list[psutil.Process], str]]:
    """One that came up, ran a flow of a schedule's deployment, and was ended by one Ctrl-C."""
    import shutil

    folder = tmp_path_factory.mktemp("up") / "project"
    shutil.copytree(template, folder)
    up = Up(str(folder / "rnnts.toml"))
    try:
        up.until(lambda: answers(api_url(up.prefect)) and page_answers(up.page), UP_SECONDS)
        state = one_run(up)
        children = psutil.Process(up.process.pid).children(recursive=True)
        up.process.send_signal(signal.SIGINT)
        up.process.communicate(timeout=DOWN_SECONDS)
        yield up, children, state
    finally:
        up.process.kill()
        up.process.communicate()


def one_run(up: Up) -> str:
    """Name of the state in which a run of the served tidy_up ends."""
    url = {"PREFECT_API_URL": api_url(up.prefect)}
    with temporary_settings(url), get_client(sync_client=True) as client:
        up.until(lambda: served(client) is not None, UP_SECONDS)
        deployment = served(client)
        assert deployment is not None
        run = client.create_flow_run_from_deployment(deployment).id
        up.until(lambda: state_of(client, run).is_final(), RUN_SECONDS)
        return str(state_of(client, run).name)


def served(client: SyncPrefectClient) -> UUID | None:
    return next((one.id for one in client.read_deployments() if one.name == "project"), None)


def state_of(client: SyncPrefectClient, run: UUID) -> State[None]:
    state = client.read_flow_run(run).state
    assert state is not None
    return state


def test_a_run_of_a_served_deployment_is_done(
    ended: tuple[Up, list[psutil.Process], str],
) -> None:
    assert ended[2] == "Completed", ended[0].logs()


def test_one_interrupt_ends_everything_cleanly(
    ended: tuple[Up, list[psutil.Process], str],
) -> None:
    up, children, _ = ended
    assert up.process.returncode == 0
    assert len(children) >= 3
    _, alive = psutil.wait_procs(children, timeout=DOWN_SECONDS)
    assert alive == []
    assert not answers(api_url(up.prefect))


def test_schedules_stay_active_after_the_end(ended: tuple[Up, list[psutil.Process], str]) -> None:
    with closing(sqlite3.connect(ended[0].home / "prefect.db")) as connection:
        found = connection.execute("SELECT slug, active FROM deployment_schedule ORDER BY 1")
        assert found.fetchall() == [
            ("nightly-forecast-loads", 1),
            ("tidy-up-project", 1),
            ("weekly-retrain-loads", 1),
        ]


def test_a_second_one_over_the_same_project_is_refused(config: str, tmp_path: Path) -> None:
    import fcntl

    home = Path(config).parent / ".rnnts" / "prefect" / "server"
    home.mkdir(parents=True)
    (home / "lock").write_text("4711")
    with (home / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, "-m", "deployments.local", "--config", config],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 5
    assert "ALREADY_UP" in done.stderr
    assert "4711" in done.stderr
    assert "Traceback" not in done.stderr
    assert tmp_path.exists()


def test_a_port_that_is_taken_is_named(config: str) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "deployments.local", "--config", config, "--prefect-port", port],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 5
    assert f"PORT_TAKEN: expected port {port}" in done.stderr
