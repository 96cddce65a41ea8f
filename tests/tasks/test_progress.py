import logging

import pytest

from tasks.progress import logged


def test_a_training_writes_a_line_a_tenth_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    report = logged(logging.getLogger("rnnts.test"))
    with caplog.at_level(logging.INFO):
        for step in range(1001):
            report({"step": step, "steps": 1000, "loss": 0.5})
    assert [record.getMessage() for record in caplog.records][:2] == [
        "training: step 100 of 1000, loss 0.5000",
        "training: step 200 of 1000, loss 0.5000",
    ]
    assert len(caplog.records) == 10


def test_what_has_no_steps_yet_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logged(logging.getLogger("rnnts.test"))({"loss": None})
    assert caplog.records == []
