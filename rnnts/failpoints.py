"""Named places where a test may make the process die, stop, fail or run out of disk.

`RNNTS_FAILPOINT=name:action[@nth]` arms one. Unset, `hit` is bound to a no-op at import.
"""

import errno
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from itertools import count

from rnnts.errors import ConfigurationError

FAILPOINTS = frozenset(
    """
    lease.acquired lease.renewing lease.releasing
    ingest.before_read ingest.page_read ingest.read_done ingest.snapshot_half
    ingest.snapshot_before_rename ingest.snapshot_renamed ingest.before_commit
    window.half window.before_rename
    train.child_started train.epoch_end train.checkpoint_half train.child_done
    train.weights_renamed train.manifest_renamed train.before_commit
    evaluate.half evaluate.before_commit promote.switched promote.committed
    forecast.weights_verified forecast.chunk_half forecast.chunk_done
    publish.stage_rows_half publish.stage_chunk_committed publish.staged
    publish.gates_passed publish.token_locked publish.flipped
    publish.before_commit publish.commit_sent publish.committed
    score.half score.before_commit notify.sent_unmarked
    tidy.rows_deleted tidy.file_unlinked
    """.split()  # noqa: SIM905 - a block of words reads better than forty quotes
)

VARIABLE = "RNNTS_FAILPOINT"


class FailpointError(Exception):
    """Raised by the action `raise`; nothing of ours catches it."""


def hit(name: str) -> None:
    """Say that the running code has reached the failpoint `name`."""
    _armed(name)


def _act(action: str, name: str) -> None:
    verb, _, argument = action.partition("=")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    elif verb == "raise":
        raise FailpointError(name)
    elif verb == "pause":
        time.sleep(float(argument))  # noqa: TID251 - the pause is what was asked for
    elif verb == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
    elif verb == "cut":
        _cut_sockets()


def _cut_sockets() -> None:
    """Shut every connected TCP socket of this process, as a dying network would."""
    import socket  # noqa: PLC0415 - only where a test asks

    import psutil  # noqa: PLC0415

    for connection in psutil.Process().net_connections("tcp"):
        if connection.status == psutil.CONN_ESTABLISHED and connection.fd >= 0:
            with socket.socket(fileno=os.dup(connection.fd)) as copy:
                copy.shutdown(socket.SHUT_RDWR)


ACTIONS = ("kill", "term", "raise", "pause=SECONDS", "enospc", "cut")
_SETTING = re.compile(
    r"(?P<name>[a-z_.]+):(?P<action>kill|term|raise|pause=\d+(\.\d+)?|enospc|cut)(@(?P<nth>[1-9]\d*))?"
)


def _parse(setting: str) -> Callable[[str], None]:
    match = _SETTING.fullmatch(setting)
    if match is None or match["name"] not in FAILPOINTS:
        raise ConfigurationError(
            "FAILPOINT_UNKNOWN",
            expected="name:action[@nth]",
            got=repr(setting),
            where=f"environment variable {VARIABLE}",
            do=f"unset it, or take an action of {', '.join(ACTIONS)} and a name of "
            f"{', '.join(sorted(FAILPOINTS))}",
        )
    name, action = match["name"], match["action"]
    wanted, hits = int(match["nth"] or 1), count(1)

    def armed(reached: str) -> None:
        if reached == name and next(hits) == wanted:
            _act(action, name)

    return armed


def _nothing(_name: str) -> None:
    """The unarmed case."""


def _arm() -> Callable[[str], None]:
    setting = os.environ.get(VARIABLE, "")
    if not setting:
        return _nothing
    try:
        return _parse(setting)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error


_armed = _arm()
