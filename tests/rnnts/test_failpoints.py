import errno
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from rnnts import failpoints
from rnnts.errors import ConfigurationError
from rnnts.failpoints import ACTIONS, FAILPOINTS, VARIABLE, FailpointError, hit

ROOT = Path(__file__).parents[2]


def run(setting: str, code: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a process with a failpoint armed."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={VARIABLE: setting, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


HIT = "from rnnts.failpoints import hit; hit('window.half'); print('alive', flush=True)"


def test_an_unarmed_failpoint_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", failpoints._nothing)
    for name in FAILPOINTS:
        hit(name)


@pytest.mark.parametrize(
    ("action", "signal_number"), [("kill", signal.SIGKILL), ("term", signal.SIGTERM)]
)
def test_an_armed_failpoint_ends_the_process(action: str, signal_number: int) -> None:
    ended = run(f"window.half:{action}", HIT)
    assert ended.returncode == -signal_number
    assert "alive" not in ended.stdout


def test_another_failpoint_than_the_armed_one_does_nothing() -> None:
    assert run("ingest.before_read:kill", HIT).stdout == "alive\n"


def test_raising_is_no_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("window.half:raise"))
    with pytest.raises(FailpointError, match="half"):
        hit("window.half")


def test_the_third_hit_is_the_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("window.half:raise@3"))
    hit("window.half")
    hit("ingest.before_read")
    hit("window.half")
    with pytest.raises(FailpointError):
        hit("window.half")
    hit("window.half")


def test_the_disk_is_full_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("window.half:enospc"))
    with pytest.raises(OSError, match="No space left") as caught:
        hit("window.half")
    assert caught.value.errno == errno.ENOSPC


def test_a_pause_lasts_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("window.half:pause=0.05"))
    begun = monotonic()
    hit("window.half")
    assert monotonic() - begun >= 0.05


def test_cutting_shuts_every_connection() -> None:
    ended = run(
        "window.half:cut",
        """
import socket
from rnnts.failpoints import hit
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
hit("window.half")
print(client.recv(1), accepted.recv(1))
""",
    )
    assert ended.stdout == "b'' b''\n", ended.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "window.hal:kill",
        "window.half",
        "window.half:explode",
        "window.half:kill@0",
        "window.half:kill@second",
        "window.half:pause",
        "window.half:pause=long",
        "kill",
    ],
)
def test_an_unknown_failpoint_or_action_is_refused(setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        failpoints._parse(setting)
    assert caught.value.code == "FAILPOINT_UNKNOWN"
    assert repr(setting) in str(caught.value)
    assert all(action in str(caught.value) for action in ACTIONS)


def test_a_process_with_an_unknown_failpoint_ends_with_2_and_no_traceback() -> None:
    ended = run("window.hal:kill", HIT)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("FAILPOINT_UNKNOWN")
    assert "Traceback" not in ended.stderr


def test_every_failpoint_is_hit_somewhere() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "rnnts").rglob("*.py"))
    named = set(re.findall(r"\bhit\(\s*\"([a-z_.]+)\"", code))
    assert named <= FAILPOINTS
    assert named == FAILPOINTS, f"never hit: {sorted(FAILPOINTS - named)}"
