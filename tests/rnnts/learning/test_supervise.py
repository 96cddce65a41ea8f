"""A child keeps to its budget and never outlives its parent; here it is a small script."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from rnnts.learning.supervise import Budget, Line, Outcome, stop, supervise

ROOMY = Budget(seconds=30.0, memory_bytes=1 << 30)
DEADLINE_SECONDS = 30.0
"""For what takes milliseconds, on a machine that is busy with other things."""


def run(tmp_path: Path, script: str, budget: Budget = ROOMY) -> tuple[Outcome, list[Line]]:
    lines: list[Line] = []
    command = [sys.executable, "-u", "-c", textwrap.dedent(script)]
    outcome = supervise(command, budget, tmp_path / "log", lines.append)
    return outcome, lines


def is_gone_in_time(pid: int) -> bool:
    """Waits for the end of a process that would never end by itself."""
    try:
        psutil.Process(pid).wait(DEADLINE_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        os.kill(pid, signal.SIGKILL)
        return False
    return True


def test_lines_of_json_reach_the_callback_and_other_output_does_not(tmp_path: Path) -> None:
    script = """
        import sys
        print('{"step": 1}'); print("noise"); print('[1]'); print("to the log", file=sys.stderr)
        print('{"step": 2}')
    """
    outcome, lines = run(tmp_path, script)
    assert (outcome.status, outcome.exit_code) == ("done", 0)
    assert lines == [{"step": 1}, {"step": 2}]
    assert outcome.log_tail == "to the log"


def test_a_failing_child_leaves_its_last_words(tmp_path: Path) -> None:
    outcome, _ = run(tmp_path, "raise SystemExit('no such thing')")
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.log_tail.endswith("no such thing")


def test_a_child_past_its_time_is_ended(tmp_path: Path) -> None:
    budget = Budget(seconds=1.0, memory_bytes=1 << 30)
    outcome, _ = run(tmp_path, "import threading; threading.Event().wait()", budget)
    assert outcome.status == "timeout"
    assert outcome.signal_name() == "SIGTERM"
    assert outcome.seconds >= budget.seconds


DEAF = """
import signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
threading.Event().wait()
"""


def test_a_child_deaf_to_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnts.learning.supervise.GRACE_SECONDS", 0.5)
    command = [sys.executable, "-c", DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        stop(process)
    assert process.returncode == -signal.SIGKILL


def test_a_child_over_its_memory_is_ended_and_its_peak_is_known(tmp_path: Path) -> None:
    script = """
        import threading
        hoard = bytearray(b"x" * (200 << 20))
        threading.Event().wait()
    """
    outcome, _ = run(tmp_path, script, Budget(seconds=30.0, memory_bytes=100 << 20))
    assert outcome.status == "memory"
    assert outcome.peak_bytes > 100 << 20


def test_memory_of_the_childs_own_children_counts(tmp_path: Path) -> None:
    script = """
        import subprocess, sys
        hoard = "import threading; h = bytearray(b'x' * (200 << 20)); threading.Event().wait()"
        subprocess.run([sys.executable, "-c", hoard])
    """
    outcome, _ = run(tmp_path, script, Budget(seconds=30.0, memory_bytes=100 << 20))
    assert outcome.status == "memory"


def test_a_child_killed_by_somebody_else_says_by_which_signal(tmp_path: Path) -> None:
    outcome, _ = run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert (outcome.status, outcome.signal_name()) == ("killed", "SIGKILL")


def test_an_error_in_the_callback_ends_the_child(tmp_path: Path) -> None:
    pids: list[int] = []

    def refuse(line: Line) -> None:
        pids.append(line["pid"])
        raise ValueError("enough")

    script = "import os, threading; print('{\"pid\": %d}' % os.getpid()); threading.Event().wait()"
    with pytest.raises(ValueError, match="enough"):
        supervise([sys.executable, "-u", "-c", script], ROOMY, tmp_path / "log", refuse)
    assert is_gone_in_time(pids[0])


PARENT = """
import sys
from pathlib import Path
from rnnts.learning.supervise import Budget, supervise
child = '''
import os, threading
from rnnts.learning.supervise import die_with_parent
die_with_parent()
score = open("/proc/self/oom_score_adj").read().strip()
print('{"pid": %d, "score": %s}' % (os.getpid(), score), flush=True)
threading.Event().wait()
'''
def tell(line):
    print(line["pid"], line["score"], flush=True)
supervise([sys.executable, "-c", child], Budget(60.0, 1 << 30), Path(sys.argv[1]), tell)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_waits_for_ever_ends_when_its_parent_is_killed(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, score = map(int, parent.stdout.readline().split())
        assert psutil.pid_exists(pid)
        assert score == 1000
        os.kill(parent.pid, number)
        assert is_gone_in_time(pid)
