import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Event

import psutil
import pytest

from deployments import supervisor
from deployments.supervisor import Charge, watch
from flows.prefect_server import launch
from rnnts.errors import InfrastructureError

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same order of things, in hundredths of seconds."""
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "BACK_OFF_SECONDS", 0.01)


def shell(script: str, folder: Path) -> Start:
    return lambda: launch(["/bin/sh", "-c", script], dict(os.environ), folder / "log")


class Said(Event):
    """What the supervisor said; set after so many lines, which ends the watch."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.enough = enough

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) >= self.enough:
            self.set()


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    count = tmp_path / "count"
    charge = Charge("page", shell(f"echo up >> {count}; exit 7", tmp_path), vital=False)
    said = Said(enough=4)
    watch([charge], said, said)
    charge.down()
    assert len(count.read_text().splitlines()) >= 4
    assert said.lines[0] == "page ended with code 7; starting it again in 0 s"


def test_a_vital_child_that_does_not_come_up_ends_the_watch(tmp_path: Path) -> None:
    said = Said(enough=99)
    with pytest.raises(InfrastructureError, match=r"CHILD_FAILS: expected schedules .* code 7"):
        watch([Charge("schedules", shell("exit 7", tmp_path))], said, said)
    assert len(said.lines) == supervisor.QUICK_DEATHS - 1


def test_a_child_that_was_up_for_long_may_die_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "QUICK_SECONDS", 0.0)
    said = Said(enough=2 * supervisor.QUICK_DEATHS)
    watch([Charge("schedules", shell("exit 7", tmp_path))], said, said)


@pytest.mark.parametrize("ours", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_child_is_asked_to_end_by_its_own_signal_even_if_we_ignore_it(
    ours: signal.Handlers, tmp_path: Path
) -> None:
    script = "trap 'echo asked > asked; exit 0' INT; echo up > up; while :; do sleep 0.05; done"
    charge = Charge("schedules", shell(f"cd {tmp_path}; {script}", tmp_path), signal.SIGINT)
    before = signal.signal(signal.SIGINT, ours)
    process = charge.up()
    signal.signal(signal.SIGINT, before)
    while not (tmp_path / "up").exists():
        assert process.poll() is None
    charge.down()
    assert (tmp_path / "asked").read_text() == "asked\n"
    assert process.returncode == 0


def test_what_a_child_has_started_ends_with_it(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    charge = Charge("schedules", shell(script, tmp_path))
    process = charge.up()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert process.poll() is None
    grandchild = psutil.Process(int((tmp_path / "pid").read_text()))
    charge.down()
    grandchild.wait(timeout=10)
