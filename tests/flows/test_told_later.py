import json
from pathlib import Path

import pytest

from flows.told_later import told_later
from rnnts.errors import InfrastructureError
from rnnts.project import open_project

AT = "2013-12-02T07:00:00+00:00"


def kept(config: str) -> list[dict[str, object]]:
    files = (Path(config).parent / ".rnnts" / "spool").glob("*.json")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


@pytest.mark.parametrize("at", [AT, None])
def test_a_flow_whose_database_is_down_is_kept_in_a_file_and_fails(
    config: str, at: str | None
) -> None:
    shown = open_project(config).database.shown
    down = InfrastructureError("DB_UNREACHABLE", got="refused", do="start it", where=shown)
    with (
        pytest.raises(InfrastructureError, match="DB_UNREACHABLE"),
        told_later(config, "loads", "nightly_forecast", at),
    ):
        raise down
    (one,) = kept(config)
    assert (one["panel"], one["step"]) == ("loads", "nightly_forecast")
    assert one["as_of"] == (at and "2013-12-02T07:00:00Z")
    assert one["message"] == str(down)


def test_a_flow_that_fails_otherwise_is_in_the_ledger_already(config: str) -> None:
    down = InfrastructureError("DB_UNREACHABLE", got="refused", do="start it", where="the source")
    with (
        pytest.raises(InfrastructureError),
        told_later(config, "loads", "nightly_forecast", AT),
    ):
        raise down
    assert kept(config) == []
