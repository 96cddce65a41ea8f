"""Runs that fail because the results database is out of reach: the next that has it tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

from rnnts.database.spool import spool
from rnnts.errors import InfrastructureError
from rnnts.project import open_project
from rnnts.steps.instants import parse_instant


@contextmanager
def told_later(config: str, panel: str, flow: str, as_of: str | None) -> Iterator[None]:
    """Keep such a failure of the block in a file; every other one is in the ledger already.

    Args:
        config: Path of the project's `rnnts.toml`.
        panel: Name of a panel, "" where the run is nobody's.
        flow: Name of the flow.
        as_of: The run's instant, as ISO text.
    """
    try:
        yield
    except InfrastructureError as error:
        at = None if as_of is None else parse_instant(as_of)
        spool(open_project(config).database, panel, flow, at, error)
        raise
