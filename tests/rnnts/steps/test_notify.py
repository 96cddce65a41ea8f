import logging
from pathlib import Path

import pytest

from rnnts.database.migrate import ensure_schema
from rnnts.database.outbox import add_message, waiting_messages
from rnnts.errors import ConfigurationError
from rnnts.project import Project
from rnnts.steps import notify as module
from rnnts.steps.notify import notify
from tests.rnnts.steps.small_project import lay_out


class CrashError(Exception):
    """A process that dies at a failpoint."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = lay_out(tmp_path, {})
    ensure_schema(made.database)
    with made.database.writing() as connection:
        for night in range(3):
            payload = {"issued_at": f"2026-01-0{night + 1}T02:00:00+00:00", "message": "live"}
            add_message(connection, f"published/{night}", "loads", "published", payload)
        add_message(connection, "other", "elsewhere", "published", {})
    return made


def test_what_waits_goes_out_once_the_oldest_first(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        result = notify(project, "loads")
        assert (result.sent, result.waiting) == (3, 0)
        assert notify(project, "loads").sent == 0
    lines = [record.getMessage() for record in caplog.records if record.name == module.__name__]
    assert lines[0] == "loads published 2026-01-01T02:00:00+00:00 live"
    assert len(lines) == 3


def test_other_panels_keep_their_messages(project: Project) -> None:
    notify(project, "loads")
    with project.database.reading() as connection:
        assert [message.key for message in waiting_messages(connection)] == ["other"]


def test_a_crash_between_sending_and_marking_sends_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise CrashError(name)

    with monkeypatch.context() as patched:
        patched.setattr(module, "hit", die)
        with pytest.raises(CrashError, match="sent_unmarked"):
            notify(project, "loads")
    assert notify(project, "loads").sent == 3


def test_an_unknown_panel_is_named(project: Project) -> None:
    with pytest.raises(ConfigurationError, match="PANEL_UNKNOWN"):
        notify(project, "laods")
