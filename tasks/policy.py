"""What all tasks share: what may be tried again, how soon, and how long one may take."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from rnnts.errors import InfrastructureError, RnntsError

Json = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")

RETRIES = 2
BACK_OFF_SECONDS: list[float] = [10, 60]
"""A database that restarts is back within a minute; the core has already waited for locks."""

STEP_SECONDS = 3600
"""Ten million rows take minutes; beyond an hour a step hangs, and the next night would meet it."""
TRAIN_SECONDS = 24 * 3600
"""Training keeps its own budget of time and memory; this ends only what no longer keeps it."""

TRAINING = "rnnts-training"
"""Tag of trainings. A limit on it in Prefect (`make up` sets 1) keeps them from competing."""

LASTING = frozenset(
    {
        "DB_READ_ONLY",
        "DISK_FULL",
        "PERMISSION",
        "STORE_READ_ONLY",
        "TRAIN_MEMORY",
        "TRAIN_TIMEOUT",
    }
)
"""Failures of the infrastructure that a second attempt meets again."""


def may_help(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again can help: the surroundings failed, and may have recovered."""
    error = state.data
    return isinstance(error, InfrastructureError) and error.code not in LASTING


def step_task(
    *, tags: Sequence[str] = (), seconds: float = STEP_SECONDS
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A decorator: the function as a task of which only ids and instants are ever kept.

    Args:
        tags: What limits in Prefect may count.
        seconds: After so long it hangs, and is ended.
    """
    return task(
        tags=tags,
        retries=RETRIES,
        retry_delay_seconds=BACK_OFF_SECONDS,
        retry_condition_fn=may_help,
        timeout_seconds=seconds,
        cache_policy=NO_CACHE,  # a step has effects, and knows itself what it has done
        persist_result=False,
    )


def one_sentence(record: logging.LogRecord) -> bool:
    """Keep every log record, but an error of ours without its traceback: its message says all."""
    if record.exc_info and isinstance(record.exc_info[1], RnntsError):
        record.exc_info = None
    return True


logging.getLogger("prefect.task_runs").addFilter(one_sentence)
