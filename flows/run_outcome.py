"""How a run ends: its exit code, and the Prefect state that says the same."""

from collections.abc import Callable, Iterable
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from rnnts.errors import RnntsError

Json = dict[str, Any]

BUG = 1
DEGRADED = 3
WORST_FIRST = (BUG, 6, 5, 2, 4, 3, 0)
"""The order in which exit codes of several panels count."""


def combined(codes: Iterable[int]) -> int:
    """The exit code of several runs: the first of `WORST_FIRST` that occurs.

    >>> combined([0, 3, 4]), combined([2, 5, 0]), combined([])
    (4, 5, 0)
    """
    occurred = set(codes)
    return next((code for code in WORST_FIRST if code in occurred), 0)


def concluded(work: Callable[[], Json]) -> State[Json]:
    """Do the work of a run and say how it ended: Completed, Degraded, or Failed with one sentence.

    Args:
        work: Gives back the result, with its `exit_code` (0 or 3) and `message`. An error of ours
            that it raises is a Failed run without traceback; any other is a bug and passes.
    """
    try:
        result = work()
    except RnntsError as error:
        return Failed(message=str(error), data=error)
    name = "Degraded" if result["exit_code"] == DEGRADED else "Completed"
    return Completed(name=name, message=result["message"], data=result)
