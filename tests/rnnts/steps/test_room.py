"""A panel larger than the memory: told with its size, and what fits beside it is published."""

from datetime import timedelta
from pathlib import Path

import pytest

from rnnts.errors import ConfigurationError
from rnnts.steps import room
from rnnts.steps.check import check
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.snapshots import load_panel
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

HOURS = 400
NIGHT = BEGIN + timedelta(hours=HOURS)
WEATHER = """
[panels.loads.covariates.weather]
table = "weather"
time = "at"
past = ["temp", "wind"]
"""
NEEDED = room.COPIES * room.CELL * 2 * HOURS


def test_a_panel_beyond_the_memory_is_refused_with_its_size_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24), "b": wave(HOURS, 24, 1)})
    snapshot = ingest(project, "loads", NIGHT).snapshot_id
    monkeypatch.setattr("rnnts.steps.room.machine_bytes", lambda: NEEDED - 1)
    for work in (
        lambda: check(project, "loads", NIGHT),
        lambda: forecast(project, "loads", snapshot, NIGHT),
    ):
        with pytest.raises(ConfigurationError, match="PANEL_TOO_LARGE loads") as caught:
            work()
        assert "2 series of 400 steps" in str(caught.value)
        assert "source.where" in str(caught.value)
    monkeypatch.setattr("rnnts.steps.room.machine_bytes", lambda: NEEDED)
    assert forecast(project, "loads", snapshot, NIGHT).series == 2


def test_the_numbers_of_covariates_need_room_where_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24), "b": wave(HOURS, 24, 1)}, more=WEATHER)
    change(project, "CREATE TABLE weather (at TEXT, temp, wind)")
    change(project, "INSERT INTO weather SELECT DISTINCT at, 1.0, 2.0 FROM readings")
    snapshot = ingest(project, "loads", NIGHT).snapshot_id
    numbers = 3 * HOURS  # two columns, and a code
    needed = NEEDED + room.COPIES * room.CELL * numbers
    monkeypatch.setattr("rnnts.steps.room.machine_bytes", lambda: needed - 1)
    with pytest.raises(ConfigurationError, match=f"400 steps and {numbers:,} numbers of cov"):
        load_panel(project, snapshot, with_covariates=True)
    assert load_panel(project, snapshot).covariates is None
    monkeypatch.setattr("rnnts.steps.room.machine_bytes", lambda: needed)
    assert load_panel(project, snapshot, with_covariates=True).covariates is not None


@pytest.mark.parametrize(("says", "most"), [("1048576\n", 1 << 20), ("max\n", None)])
def test_a_container_has_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, most: int | None
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(room, "GROUP_LIMIT", limit)
    installed = room.machine_bytes()
    assert installed > 1 << 20
    limit.write_text(says)
    assert room.machine_bytes() == (most or installed)
