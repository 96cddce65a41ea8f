import logging
import sys
from typing import Any, cast

import pytest
from prefect.states import Failed

from rnnts.errors import ConfigurationError, InfrastructureError, IntegrityError
from tasks import ingest as ingest_module
from tasks import train as train_module
from tasks.policy import LASTING, may_help, one_sentence


def helps(error: Exception) -> bool:
    return may_help(cast("Any", None), cast("Any", None), Failed(data=error))


def test_what_failed_around_us_is_tried_again() -> None:
    assert helps(InfrastructureError("DB_UNREACHABLE", got="refused", do="start it"))


@pytest.mark.parametrize("code", sorted(LASTING))
def test_what_would_fail_again_is_not_tried_again(code: str) -> None:
    assert not helps(InfrastructureError(code, got="it", do="mend it"))


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("COLUMN_MISSING", got="no column", do="name one"),
        IntegrityError("FENCED", got="token 7", do="wait"),
        KeyError("snapshot_id"),
        TimeoutError("an hour"),
    ],
)
def test_neither_a_mistake_nor_a_refusal_nor_a_fault_is_tried_again(error: Exception) -> None:
    assert not helps(error)


def test_a_task_keeps_nothing_and_is_ended_when_it_hangs() -> None:
    for task in (ingest_module.ingest, train_module.train):
        assert task.persist_result is False
        assert task.retries == 2
        assert task.timeout_seconds


def record_of(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        return logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())


def test_an_error_of_ours_is_logged_without_traceback() -> None:
    record = record_of(ConfigurationError("X", got="y", do="z"))
    assert one_sentence(record)
    assert record.exc_info is None


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    record = record_of(KeyError("x"))
    assert one_sentence(record)
    assert record.exc_info is not None
