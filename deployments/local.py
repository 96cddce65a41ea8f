"""The whole of rnnts on one machine: Prefect server, every panel's schedules and the page.

`python -m deployments.local --config rnnts.toml`; one Ctrl-C ends all, schedules stay active.
"""

import argparse
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from deployments.supervisor import Charge, watch
from flows.prefect_server import HOST, environment, launch, start, wait_until_it_answers
from rnnts.database.migrate import upgrade
from rnnts.errors import InfrastructureError, RnntsError
from rnnts.project import Project, open_project

ROOT = Path(__file__).resolve().parents[1]
PREFECT_PORT = 4200
PAGE_PORT = 4280


def main(words: Sequence[str] | None = None) -> int:
    """Run until a signal comes.

    Returns:
        0 when it was asked to end, else the exit code of what went wrong.
    """
    options = argparse.ArgumentParser(prog="python -m deployments.local", description=__doc__)
    options.add_argument("--config", default="rnnts.toml", metavar="FILE")
    options.add_argument("--prefect-port", type=int, default=PREFECT_PORT, metavar="PORT")
    options.add_argument("--page-port", type=int, default=PAGE_PORT, metavar="PORT")
    given = options.parse_args(words)
    try:
        _run(open_project(given.config), given.prefect_port, given.page_port)
    except RnntsError as error:
        _say(str(error))
        return error.exit_code
    return 0


def _run(project: Project, prefect_port: int, page_port: int) -> None:
    """Start everything in order, watch over it, end it in the opposite order."""
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    home = project.root / ".rnnts" / "prefect" / "server"
    with _alone(home):
        _refuse_taken(prefect_port, "--prefect-port")
        _refuse_taken(page_port, "--page-port")
        upgrade(project.database)
        _say(f"starting; what the parts say stands in {home}/*.log")
        charges = _charges(project, home, prefect_port, page_port)
        try:
            wait_until_it_answers(charges[0].up(), home, prefect_port)
            _say(f"Prefect   http://{HOST}:{prefect_port}")
            _say(f"the page  http://{HOST}:{page_port}")
            _say("Ctrl-C ends all")
            watch(charges, ended, _say)
        finally:
            for charge in reversed(charges):
                charge.down()
    _say("ended; the schedules stay active for the next start")


def _charges(project: Project, home: Path, prefect_port: int, page_port: int) -> list[Charge]:
    """Server, schedules and page, in the order of their start."""
    environ = environment(home, prefect_port)
    config = str(project.file)
    serve = [sys.executable, "-m", "deployments.serve", "--config", config]
    page = [sys.executable, "-c", "from rnnts.cli import main; main()", "dashboard"]
    page += ["--config", config, "--host", HOST, "--port", str(page_port)]

    def child(name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        return launch(command, environ, home / f"{name}.log", ROOT)

    return [
        Charge("server", lambda: start(home, prefect_port, lasting=True)),
        Charge("schedules", lambda: child("schedules", serve), signal.SIGINT),
        Charge("page", lambda: child("page", page), vital=False),
    ]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the home; two supervisors over one would end each other's runs."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise InfrastructureError(
                "ALREADY_UP",
                got=f"another one running for this project, process {lock.read() or 'unknown'}",
                where=str(home),
                do="use that one, or end it first",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _refuse_taken(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InfrastructureError(
                "PORT_TAKEN",
                expected=f"port {port} of {HOST} free",
                got=error.strerror or "taken",
                do=f"end what listens there, or choose another with {option}",
            ) from error


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
