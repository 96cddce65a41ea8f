"""Steps that a run can do without: when one fails, a finding says so and the run goes on."""

from typing import TypeVar

from prefect import Task
from prefect.logging import get_run_logger

from rnnts.errors import RnntsError
from rnnts.failpoints import FailpointError
from tasks.note import note
from tasks.policy import Json

R = TypeVar("R")


def attempt(
    as_of: str, step: Task[..., R], config: str, panel: str, *arguments: Json | str
) -> R | None:
    """Do a step for a panel and give back its result; whatever goes wrong in it costs no forecast.

    Args:
        as_of: The run's instant, for the finding.
        step: A task whose first parameters are `config` and `panel`.
        config: Path of the project's `rnnts.toml`.
        panel: Name of a panel.
        arguments: The task's own.

    Returns:
        None where it failed.
    """
    try:
        return step(config, panel, *arguments)
    except FailpointError:
        raise  # a test wants to see this process fail
    except Exception as error:  # noqa: BLE001 - a fault in a side step must not cost the night
        message = str(error) if isinstance(error, RnntsError) else repr(error)
        get_run_logger().warning("%s failed, and the run goes on: %s", step.name, message)
        _noted(config, panel, step.name, as_of, message)
        return None


def _noted(config: str, panel: str, step: str, as_of: str, message: str) -> None:
    try:
        note(config, panel, step, as_of, message)
    except RnntsError:
        get_run_logger().warning("the finding about %s could not be written either", step)
