"""Keeps a few child processes running: restarts with back-off, and one order to end them all."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from flows.prefect_server import stop
from rnnts.errors import InfrastructureError

LOOK_SECONDS = 0.5
QUICK_SECONDS = 30.0
"""A child that lived shorter did not come up; one that came up and died is started anew."""
QUICK_DEATHS = 3
BACK_OFF_SECONDS = 1.0
"""Doubled with each quick death."""
LONGEST_WAIT_SECONDS = 300.0


@dataclass(slots=True)
class Charge:
    """A child, how it is started and asked to end, and how it has fared."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    ends_on: signal.Signals = signal.SIGTERM
    vital: bool = True  # the others are of no use without it
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0  # monotonic seconds
    quick_deaths: int = 0
    not_before: float = 0.0

    def up(self) -> subprocess.Popen[bytes]:
        """Start it."""
        self.process, self.started_at = self.start(), time.monotonic()
        return self.process

    def down(self) -> None:
        """End it, and what it has started."""
        if self.process is not None:
            stop(self.process, self.ends_on)
            self.process = None


def watch(charges: Sequence[Charge], ended: Event, say: Callable[[str], None]) -> None:
    """Keep every charge running until `ended` is set; end none of them.

    Raises:
        InfrastructureError: CHILD_FAILS after three quick deaths of a vital one.
    """
    while not ended.wait(LOOK_SECONDS):
        for charge in charges:
            if charge.process is not None and charge.process.poll() is not None:
                _bury(charge, say)
            if charge.process is None and time.monotonic() >= charge.not_before:
                charge.up()


def _bury(charge: Charge, say: Callable[[str], None]) -> None:
    """Note a death, and when to start again."""
    lived = time.monotonic() - charge.started_at
    code = None if charge.process is None else charge.process.returncode
    charge.down()
    charge.quick_deaths = charge.quick_deaths + 1 if lived < QUICK_SECONDS else 0
    if charge.vital and charge.quick_deaths >= QUICK_DEATHS:
        raise InfrastructureError(
            "CHILD_FAILS",
            expected=f"{charge.name} to stay up",
            got=f"its end with code {code}, {QUICK_DEATHS} times within {QUICK_SECONDS:.0f} s",
            do=f"read {charge.name}.log in the folder named above",
        )
    wait = min(BACK_OFF_SECONDS * 2**charge.quick_deaths, LONGEST_WAIT_SECONDS)
    charge.not_before = time.monotonic() + wait
    say(f"{charge.name} ended with code {code}; starting it again in {wait:.0f} s")
