"""Whether a panel has room in the memory of this machine, told before it is filled."""

import os
from pathlib import Path

from rnnts.errors import ConfigurationError

COPIES = 3
"""A panel as it was read, as it is believed, and what is being computed of it."""
CELL = 8
"""Bytes of a value."""
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may take; "max" or no such file: all that the machine has."""
MEBIBYTE = 1 << 20


def machine_bytes() -> int:
    """Memory that this process may have at most: the machine's, or less where a container says."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if not GROUP_LIMIT.is_file():
        return installed
    limit = GROUP_LIMIT.read_text("ascii").strip()
    return min(installed, int(limit)) if limit.isdecimal() else installed


def check_room(panel: str, series: int, steps: int, covariates: int = 0) -> None:
    """Refuse a panel whose dense values, and covariates' numbers, this machine cannot hold.

    Args:
        panel: The panel's name.
        series: How many.
        steps: Of each.
        covariates: Their numbers, with the code of each entry.

    Raises:
        ConfigurationError: PANEL_TOO_LARGE.
    """
    needed, there = COPIES * CELL * (series * steps + covariates), machine_bytes()
    if needed <= there:
        return
    beside = f" and {covariates:,} numbers of covariates" if covariates else ""
    raise ConfigurationError(
        "PANEL_TOO_LARGE",
        panel=panel,
        expected=f"a panel that fits the {there // MEBIBYTE:,} MiB of memory of this machine",
        got=f"{series:,} series of {steps:,} steps{beside}, which need {needed // MEBIBYTE:,} MiB",
        do="split the panel in two with source.where, leave out old rows there, choose a coarser "
        "frequency, or run it on a larger machine",
    )
