"""Wherever an ingest dies, the next one leaves what an undisturbed one does and nothing beside."""

from pathlib import Path

import pytest

from rnnts import failpoints
from rnnts.database.engine import Database
from rnnts.failpoints import FAILPOINTS, FailpointError
from tests.rnnts.steps.ground import Ground, hour, readings

OURS = sorted(name for name in FAILPOINTS if name.startswith("ingest."))
TABLES = ("rnnts_snapshot", "rnnts_series", "rnnts_finding")


@pytest.fixture
def ground(tmp_path: Path, empty_sqlite: Database) -> Ground:
    ground = Ground(tmp_path, empty_sqlite)
    ground.create()
    ground.insert(readings([1.0, "x", *[2.0] * 1_500]))
    return ground


def contents(ground: Ground) -> list[object]:
    """What stands in the tables, clocks apart, and which files the store has."""
    found: list[object] = []
    with ground.database.reading() as connection:
        for table in TABLES:
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings().all()  # noqa: S608 - of the test
            found.append([{**row, "recorded_at": None} for row in rows])
    store = ground.project.store
    found += [list(store.names(kind)) for kind in ("chunk", "series", "snapshot")]
    return [*found, list((store.root / "tmp").iterdir())]


def test_every_failpoint_of_ingest_is_reached(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: set[str] = set()
    monkeypatch.setattr(failpoints, "_armed", reached.add)
    ground.ingest(hour(1_502))
    assert {name for name in reached if name.startswith("ingest.")} == set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_an_ingest_that_died_anywhere_is_made_whole_by_the_next(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def die(reached: str) -> None:
        if reached == name:
            raise FailpointError(name)

    with monkeypatch.context() as armed:
        armed.setattr(failpoints, "_armed", die)
        with pytest.raises(FailpointError):
            ground.ingest(hour(1_502))
    with ground.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM rnnts_snapshot").scalar() == 0
    ground.ingest(hour(1_502))
    found = contents(ground)
    ground.run(*(f"DELETE FROM {table}" for table in TABLES))  # noqa: S608 - of the test
    ground.ingest(hour(1_502))
    assert contents(ground) == found
