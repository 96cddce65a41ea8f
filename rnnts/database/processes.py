"""Which process holds a lease or does a run, and whether it is known to be gone."""

import os
import socket
from functools import cache
from pathlib import Path

import psutil

_SECONDS = 1.0
"""Start times of one process, read twice, differ by less (ticks of the kernel's clock)."""


def this_process() -> str:
    """The running process, as host/machine/number/start."""
    number = os.getpid()
    return (
        f"{socket.gethostname()}/{_machine()}/{number}/{psutil.Process(number).create_time():.2f}"
    )


def is_gone(process: str) -> bool:
    """Whether it surely ended: a process of this machine that no longer runs.

    Of other machines nothing is known; there a lease has to expire.
    """
    host, _, rest = process.partition("/")
    machine, _, rest = rest.partition("/")
    number, _, start = rest.partition("/")
    if (host, machine) != (socket.gethostname(), _machine()) or not number.isdigit():
        return False
    try:
        alive = psutil.Process(int(number))
        another = abs(alive.create_time() - float(start)) > _SECONDS
        return bool(another or alive.status() == psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError):
        return True
    except psutil.AccessDenied:
        return False


def shown(process: str) -> str:
    """The process for a person.

    >>> shown("db1/1f2e-4026531836/4711/1763900000.00")
    'process 4711 on db1'
    """
    host, _, rest = process.partition("/")
    return f"process {rest.split('/')[1]} on {host}" if rest.count("/") else process


@cache
def _machine() -> str:
    """Boot and process namespace: two containers of one name count processes apart."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    known = boot.read_text(encoding="ascii").strip()[:8] if boot.exists() else "?"
    return f"{known}-{namespace.stat().st_ino if namespace.exists() else 0}"
