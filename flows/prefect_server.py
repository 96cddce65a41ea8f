"""A Prefect server of our own on loopback: its settings, its start, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from rnnts.errors import InfrastructureError

HOST = "127.0.0.1"
START_SECONDS = 120.0
"""A first start migrates its database: 8 s alone, 30 s and more beside other work on 2 cores."""
STOP_SECONDS = 10.0
POLL_SECONDS = 0.1

HARDENED = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}
"""Where Prefect as shipped is more open than a machine of ours should be."""


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def api_url(port: int) -> str:
    """Where a server on that port answers."""
    return f"http://{HOST}:{port}/api"


def environment(home: Path, port: int) -> dict[str, str]:
    """Variables for a server and for whoever talks to it; no other setting of Prefect counts."""
    inherited = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    return (
        inherited
        | HARDENED
        | {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": api_url(port),
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port}",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "rnnts",
        }
    )


def launch(
    command: Sequence[str], env: Mapping[str, str], log: Path, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that does not outlive this one; its output in `log`.

    Its own session, because a Ctrl-C in the terminal is ours to pass on, in order.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, str(Path(__file__).with_name("bound_child.py")), *command],
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def start(home: Path, port: int, *, lasting: bool) -> subprocess.Popen[bytes]:
    """Start a server; it does not answer yet.

    Args:
        home: Its database and its log, `server.log`; made with access for this user alone.
        port: Free, on loopback.
        lasting: With schedules and UI; else only what one run needs, which starts sooner.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start"]
    command += ["--host", HOST, "--port", str(port)]
    if not lasting:
        command += ["--no-services", "--no-ui"]
    return launch(command, environment(home, port), home / "server.log")


def answers(url: str, seconds: float = 2.0) -> bool:
    """Whether an API answers at this URL within so many seconds."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=seconds) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (OSError, ValueError):
        return False


def wait_until_it_answers(
    server: subprocess.Popen[bytes], home: Path, port: int, seconds: float = START_SECONDS
) -> None:
    """Return once the server answers.

    Raises:
        InfrastructureError: PREFECT_SERVER_FAILED, with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while not answers(api_url(port)):
        if server.poll() is not None or time.monotonic() > deadline:
            log = home / "server.log"
            tail = " ".join(log.read_text("utf-8", "replace").split())[-300:]
            raise InfrastructureError(
                "PREFECT_SERVER_FAILED",
                expected=f"an answer from {api_url(port)} within {seconds:.0f} s",
                got=f"none; its log ends with: {tail or 'nothing'}",
                where=str(log),
                do="read that log; on a busy machine run again, else remove the folder beside it",
            )
        time.sleep(POLL_SECONDS)  # noqa: TID251 - a socket that does not listen yet gives no event


def stop(process: subprocess.Popen[bytes], first: signal.Signals = signal.SIGTERM) -> None:
    """End a process started in a session of its own, and whatever it left in that session."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for last in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, last)
        except ProcessLookupError:
            return
