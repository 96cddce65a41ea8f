"""Become another program that Linux ends when our parent dies: `bound_child.py PROGRAM ARGUMENT…`.

A program of its own, because running Python between fork and exec is unsafe beside threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; it outlives the exec


def main(program: list[str]) -> None:
    """Replace this process; on other systems than Linux a killed parent leaves it behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # Whatever a shell without job control starts with & inherits a deaf ear, and so would we.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(program[0], program)  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    main(sys.argv[1:])
