import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from rnnts.dashboard.serving import listening
from rnnts.errors import ConfigurationError, InfrastructureError
from tests.rnnts.dashboard.nights import Story, project_at, week

PROGRAM = """
from rnnts.dashboard import serve
from rnnts.project import open_project
serve(open_project({file!r}), "127.0.0.1", 0)
"""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "forecasts.example"])  # noqa: S104 - refused
def test_without_a_login_only_this_machine_is_served(host: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTH_REQUIRED") as refused:
        listening(host, 0)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_names_of_this_machine_are_bound(host: str) -> None:
    with closing(listening(host, 0)) as sock:
        assert sock.getsockname()[0].startswith("127.")


def test_a_port_in_use_is_named_with_a_remedy() -> None:
    with closing(listening("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(InfrastructureError, match=f"PORT_TAKEN: expected port {port} free"):
            listening("127.0.0.1", port)


def test_the_page_is_served_until_it_is_interrupted(tmp_path: Path) -> None:
    project = project_at(tmp_path, [Story("departures", week())])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(file=str(project.file))],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        line = process.stderr.readline()
        url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        answer = httpx.get(url, timeout=30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert answer.status_code == 200
    assert "departures" in answer.text
    assert "server" not in answer.headers
    # 0 where whoever started the tests ignores SIGINT, as behind an & in a script
    assert process.returncode in {-signal.SIGINT, 130, 1, 0}
    assert "Traceback" not in said or "KeyboardInterrupt" in said
    with pytest.raises(OSError, match="refused"), closing(socket.socket()) as sock:
        sock.connect(("127.0.0.1", int(url.rpartition(":")[2])))
