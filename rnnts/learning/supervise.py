"""A child process that cannot hurt its parent: own group, budgets of time and memory, killable.

The child writes JSON lines on its stdout; they reach a callback in the caller's thread. Its
stderr goes to a log. Whatever ends the caller (an error, SIGTERM, its death) ends the child.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Literal

import psutil

SAMPLE_SECONDS = 0.25
"""Between two looks at the child's memory and the clock."""
GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL: half of the ten seconds in which a run has to stop."""
OOM_SCORE_ADJ = 1000
"""The kernel's worst score: out of memory, the child goes before anything else."""
LOG_TAIL_CHARACTERS = 2_000
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PARENT_VARIABLE = "RNNTS_PARENT"

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a child may use before it is stopped."""

    seconds: float  # wall time, imports included
    memory_bytes: int  # resident, the child and its own children together


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended."""

    status: Literal["done", "timeout", "memory", "killed", "failed"]
    exit_code: int  # negative: the signal that ended it
    seconds: float
    peak_bytes: int
    log_tail: str

    def signal_name(self) -> str:
        """SIGKILL and the like, or "" where the child ended by itself."""
        return signal.Signals(-self.exit_code).name if self.exit_code < 0 else ""


def supervise(
    command: Sequence[str],
    budget: Budget,
    log: Path,
    on_line: Callable[[Line], None],
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a command within its budget and say how it ended; it never outlives this call.

    Args:
        command: Program and arguments.
        budget: Wall time and memory.
        log: File that takes the child's stderr; appended to.
        on_line: Called in this thread with each JSON object that the child writes to stdout.
        environment: Variables added to this process's own.

    Returns:
        `killed` is a signal that was not ours; if the kernel counted an out-of-memory kill
        meanwhile, `memory`.
    """
    started, oom_before = time.monotonic(), _oom_kills()
    with (
        log.open("ab") as errors,
        subprocess.Popen(  # noqa: S603 - our own program
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, **(environment or {}), PARENT_VARIABLE: str(os.getpid())},
        ) as process,
    ):
        try:
            excess, peak = _watch(process, budget, started, on_line)
        finally:
            stop(process)
    status = excess or _ending(process.returncode, oom_before)
    seconds = time.monotonic() - started
    return Outcome(status, process.returncode, seconds, peak, _tail(log))


def _watch(
    process: "subprocess.Popen[bytes]",
    budget: Budget,
    started: float,
    on_line: Callable[[Line], None],
) -> tuple[Literal["timeout", "memory"] | None, int]:
    """Hand on lines until the child ends or exceeds its budget: which one, and peak bytes."""
    lines: Queue[Line] = Queue()
    reader = Thread(target=_read, args=(process.stdout, lines), name="rnnts-child", daemon=True)
    reader.start()
    peak, sampled = 0, started
    while process.poll() is None:
        _hand_on(lines, on_line, SAMPLE_SECONDS)
        now = time.monotonic()
        if now - started > budget.seconds:
            return "timeout", peak
        if now - sampled >= SAMPLE_SECONDS:
            peak, sampled = max(peak, resident_bytes(process.pid)), now
        if peak > budget.memory_bytes:
            return "memory", peak
    reader.join(GRACE_SECONDS)
    while _hand_on(lines, on_line, 0.0):  # what it wrote last
        pass
    return None, peak


def _hand_on(lines: "Queue[Line]", on_line: Callable[[Line], None], seconds: float) -> bool:
    """Give the next line to the callback; False where none came within the time."""
    try:
        line = lines.get(timeout=seconds) if seconds else lines.get_nowait()
    except Empty:
        return False
    on_line(line)
    return True


def _read(stream: IO[bytes] | None, lines: "Queue[Line]") -> None:
    """JSON objects of the child's stdout as they come; other lines are passed over."""
    for raw in stream or ():
        line = _parsed(raw)
        if line is not None:
            lines.put(line)


def _parsed(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its children; 0 once it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue
    return total


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a child's whole group: SIGTERM, GRACE_SECONDS later SIGKILL; returns when it is gone."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
    _signal_group(process.pid, signal.SIGKILL)  # children of the child, if any are left
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _ending(exit_code: int, oom_before: int) -> Literal["done", "memory", "killed", "failed"]:
    if exit_code == 0:
        return "done"
    if exit_code > 0:
        return "failed"
    if exit_code == -signal.SIGKILL and _oom_kills() > oom_before:
        return "memory"
    return "killed"


def _oom_kills() -> int:
    """How often the kernel has killed for want of memory since it started; 0 if it won't say."""
    try:
        counters = Path("/proc/vmstat").read_text(encoding="ascii").split()
        return int(counters[counters.index("oom_kill") + 1])
    except (OSError, ValueError):
        return 0


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARACTERS:].strip()


def die_with_parent() -> None:
    """Called first thing in a child: it ends when its parent does, and before it when memory does.

    PR_SET_PDEATHSIG is Linux's; elsewhere the parent's own `stop` is all there is.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = os.environ.get(PARENT_VARIABLE, "")
    if parent and os.getppid() != int(parent):  # it died before we asked to be told
        os.kill(os.getpid(), signal.SIGKILL)
    Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJ), encoding="ascii")
