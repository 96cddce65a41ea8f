"""TensorFlow loaded without its banners: what it says of itself is no news of a run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
QUIET = "2"
"""Errors alone. It binds TensorFlow only once its logging stands: 2.21 says more before that."""
BANNERS = (
    r"WARNING: All log messages before absl::InitializeLog\(\)"
    r"|[IW]\d{4} [\d:.]+ +\d+ \S+\]"  # absl's lines below the level of an error
    r"|E\d{4} .*failed call to cuInit.*\(303\)"  # there is no driver, so there is no GPU either
)
SIEVE = """
import re, sys
banner = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not banner.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""
"""A process of its own: it still hands on what a process says that dies while it loads."""
SIEVE_SECONDS = 5.0
"""A program started meanwhile by another thread keeps the sieve's pipe; nobody waits for that."""


def load_tensorflow() -> None:
    """Import TensorFlow: its errors reach stderr, its banners do not.

    Whoever sets TF_CPP_MIN_LOG_LEVEL to 0 or 1 wants to read them, and does.
    """
    if "tensorflow" in sys.modules:
        return
    if os.environ.setdefault(LEVEL, QUIET) < QUIET:
        return  # the next import says it all
    with sieved(BANNERS):
        import tensorflow as tf

        tf.config.list_physical_devices()  # else it looks for a GPU, and says so, at its first use


@contextmanager
def sieved(unwanted: str) -> Iterator[None]:
    """Keep lines that begin like a pattern from the stderr of this process, C++ included."""
    try:
        sieve = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-c", SIEVE, unwanted],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; it ends when we do
        )
    except OSError:  # no process to be had: no reason to go without TensorFlow
        yield
        return
    assert sieve.stdin is not None  # noqa: S101 - a pipe was asked for
    stderr = os.dup(2)
    os.dup2(sieve.stdin.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        sieve.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            sieve.wait(SIEVE_SECONDS)
