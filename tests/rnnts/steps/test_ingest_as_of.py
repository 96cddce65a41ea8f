"""What was not visible changes nothing; what was read before need not be read again."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rnnts.database import source_read
from rnnts.database.engine import Database
from rnnts.database.migrate import ensure_schema
from tests.rnnts.steps.ground import START, Ground, at, hour, readings, same


@pytest.fixture
def ground(tmp_path: Path, empty_sqlite: Database) -> Ground:
    ground = Ground(tmp_path, empty_sqlite)
    ground.create()
    return ground


def forget(ground: Ground) -> None:
    """Forget every snapshot, so that the next one reads everything."""
    ground.run("DELETE FROM rnnts_snapshot", "DELETE FROM rnnts_run")


ODD = datetime(2024, 2, 20, 13, 37, tzinfo=UTC)


@pytest.mark.parametrize("frequency", ["1h", "1D"])
@pytest.mark.parametrize("aggregate", ["", 'aggregate = "count"', 'aggregate = "sum"'])
def test_rows_that_cannot_be_seen_yet_change_no_bit(
    ground: Ground, frequency: str, aggregate: str
) -> None:
    ground.configure(aggregate, f'frequency = "{frequency}"\ntimezone = "America/New_York"')
    each = 1 if frequency == "1h" else 24
    random = np.random.default_rng(1)
    ground.insert(
        [
            {"feeder": series, "at": at(5 + each * n), "load": float(random.normal())}
            for series in ("a", "b")
            for n in range(1_300 // each)
        ]
    )
    before = ground.ingest(ODD)
    later = f"at >= '2024-02-20 {'08' if frequency == '1h' else '05'}:00:00'"  # in New York
    changes = (
        f"UPDATE readings SET load = load * 1e6 + 1 WHERE {later}",  # noqa: S608 - of the test
        f"DELETE FROM readings WHERE {later} AND feeder = 'a'",  # noqa: S608 - of the test
        "INSERT INTO readings SELECT feeder, '2024-02-20 08:01:11', 5e9 FROM readings",
        "INSERT INTO readings VALUES ('new', '2024-02-20 08:30:00', 1)",
        "INSERT INTO readings VALUES ('b', '2024-02-20 15:30:00+01:00', 'text')",
    )
    for change in changes:
        ground.run(change)
        assert ground.ingest(ODD).snapshot_id == before.snapshot_id
        forget(ground)
        assert ground.ingest(ODD).snapshot_id == before.snapshot_id


def test_what_became_known_later_changes_no_bit(ground: Ground) -> None:
    ground.run("ALTER TABLE readings ADD known TEXT")
    ground.configure('known_at = "known"')
    ground.insert([{**row, "known": at(30)} for row in readings([1.0] * 24)])
    before = ground.ingest(hour(40)).snapshot_id
    ground.insert([{**row, "known": at(41)} for row in readings([2.0] * 24)])
    assert ground.ingest(hour(40)).snapshot_id == before
    assert ground.ingest(hour(41)).snapshot_id != before


def test_a_visible_change_changes_the_id(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0, 3.0]))
    before = ground.ingest(hour(3)).snapshot_id
    ground.run(f"UPDATE readings SET load = 9 WHERE at = '{at(2)}'")  # noqa: S608 - of the test
    assert ground.ingest(hour(3)).snapshot_id != before


@pytest.mark.parametrize(
    "aggregate", ["", 'aggregate = "count"', 'aggregate = "sum"', 'aggregate = "last"']
)
def test_reading_only_what_is_new_gives_the_id_of_reading_everything(
    tmp_path: Path, empty_database: Database, aggregate: str
) -> None:
    ground = Ground(tmp_path, empty_database, aggregate)
    stamp = "TEXT" if empty_database.dialect == "sqlite" else "timestamptz"
    ground.create(f"feeder TEXT, at {stamp}, load DOUBLE PRECISION")
    random = np.random.default_rng(2)
    lives = {"a": (0, 3_000), "gone": (0, 700), "late": (2_900, 3_000), "gaps": (5, 3_000)}
    ground.insert(
        [
            {"feeder": name, "at": hour(n + 0.25), "load": float(random.normal())}
            for name, (first, last) in lives.items()
            for n in range(first, last, 50 if name == "gaps" else 1)
        ]
    )
    ground.ingest(hour(2_500))
    second = ground.ingest(hour(2_950))
    third = ground.ingest(hour(3_000))
    assert third.rows < second.rows + 200 < 6_000
    forget(ground)
    full = ground.ingest(hour(3_000))
    assert full.snapshot_id == third.snapshot_id
    assert full.rows > third.rows


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            "DELETE FROM readings WHERE feeder = 'b' AND at >= '2024-02-20'", id="vanished"
        ),
        pytest.param("UPDATE readings SET load = NULL WHERE feeder = 'b'", id="nothing left"),
        pytest.param("DELETE FROM readings WHERE at >= '2024-04-20'", id="the end is gone"),
        pytest.param("UPDATE readings SET load = 7 WHERE at >= '2024-04-20'", id="revised"),
        pytest.param("UPDATE readings SET load = 'x' WHERE at = '2024-04-30 00:00:00'", id="text"),
    ],
)
def test_changes_within_the_revision_span_are_seen_as_by_a_full_read(
    ground: Ground, change: str
) -> None:
    ground.insert(readings([float(n % 24) for n in range(3_000)]) + readings([1.0] * 3_000, "b"))
    ground.ingest(hour(2_990))
    if "UPDATE readings SET load = NULL" in change:
        forget(ground)  # all of it is older than any span
    ground.run(change)
    found = ground.ingest(hour(3_000)).snapshot_id
    forget(ground)
    assert ground.ingest(hour(3_000)).snapshot_id == found


def test_a_new_recipe_reads_everything_again(ground: Ground) -> None:
    ground.insert(readings([float(n) for n in range(3_000)]))
    ground.ingest(hour(2_990))
    ground.configure(panel='frequency = "1h"\nminimum = 1000')
    result = ground.ingest(hour(3_000))
    assert result.rows == 3_000
    assert np.nanmin(ground.panel(result.snapshot_id).values) == 1000


def test_a_lost_chunk_is_read_again(ground: Ground) -> None:
    ground.insert(readings([float(n) for n in range(3_000)]))
    first = ground.ingest(hour(3_000))
    store = ground.project.store
    for name in list(store.names("chunk"))[:1] + list(store.names("series")):
        store.remove(name)
    again = ground.ingest(hour(3_000))
    assert (again.snapshot_id, again.rows) == (first.snapshot_id, 3_000)
    assert same(ground.panel(again.snapshot_id).values[0], range(3_000))


rows = st.lists(
    st.fixed_dictionaries(
        {
            "feeder": st.sampled_from(["a", "b", ""]),
            "at": st.integers(0, 20).map(lambda n: at(n / 2)),
            "load": st.sampled_from([1.0, 2.0, -0.0, 0.0, 0.1, 1e300, None, "x"]),
            "known": st.sampled_from([at(1), at(2), at(30), None]),
        }
    ),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), table=rows, known=st.booleans())
def test_shuffled_and_repeated_rows_give_the_same_snapshot(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    data: st.DataObject,
    table: list[dict[str, Any]],
    known: bool,  # noqa: FBT001 - hypothesis
) -> None:
    folder = tmp_path_factory.mktemp("shuffled")
    source = 'known_at = "known"' if known else ""
    file = folder / "rnnts.db"
    file.write_bytes(sqlite_template.read_bytes())
    ground = Ground(folder, Database(f"sqlite:///{file}", wait_seconds=5), source)
    ground.create("feeder TEXT, at TEXT, load REAL, known TEXT")
    outcomes = []
    again = data.draw(st.permutations([*table, *table[: len(table) // 2]]))
    for order in (table, again):
        ground.run("DELETE FROM readings")
        ground.insert(order)
        forget(ground)
        outcomes.append(_outcome(ground))
    assert outcomes[0] == outcomes[1]


def _outcome(ground: Ground) -> str:
    try:
        return ground.ingest(hour(10)).snapshot_id
    except Exception as error:  # noqa: BLE001 - the kind of failure is the outcome
        return getattr(error, "code", type(error).__name__)


def test_rows_that_change_during_the_read_are_read_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_read, "PAGE_ROWS", 10)
    ground.configure('phase = "0h"')  # so that no sample is read before
    ground.insert(readings([float(n) for n in range(35)]))
    change = _change_at_page(ground, monkeypatch, pages={2})
    assert same(ground.values(hour(35)), [100, *range(1, 35)])
    assert change["calls"] == 8
    assert "SOURCE_MOVING" not in ground.findings()


def test_a_table_that_never_rests_is_used_as_read_last(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_read, "PAGE_ROWS", 10)
    ground.configure('phase = "0h"')  # so that no sample is read before
    ground.insert(readings([float(n) for n in range(35)]))
    change = _change_at_page(ground, monkeypatch, pages={2, 6, 10})
    ground.ingest(hour(35))
    assert change["calls"] == 12
    assert ground.findings()["SOURCE_MOVING"].severity == "warning"


def test_writers_of_other_tables_and_rows_at_the_end_disturb_nobody(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_read, "PAGE_ROWS", 10)
    ground.configure('phase = "0h"')  # so that no sample is read before
    ground.insert(readings([float(n) for n in range(35)]))
    ground.run("CREATE TABLE other (a INTEGER)")
    change = _change_at_page(
        ground,
        monkeypatch,
        pages={1, 2, 3},
        sql=f"INSERT INTO other VALUES (1); INSERT INTO readings VALUES ('z', '{at(1)}', 1.0)",  # noqa: S608 - of the test
    )
    ground.ingest(hour(35))
    assert change["calls"] == 4


def _change_at_page(
    ground: Ground,
    monkeypatch: pytest.MonkeyPatch,
    pages: set[int],
    sql: str = "UPDATE readings SET load = 100 + (SELECT count(*) FROM changes) WHERE rowid = 1; "
    "INSERT INTO changes VALUES (1)",
) -> dict[str, int]:
    """Let another connection write after certain pages; count the pages."""
    ground.run("CREATE TABLE IF NOT EXISTS changes (a INTEGER)")
    count = {"calls": 0}

    def hit(name: str) -> None:
        if name != "ingest.page_read":
            return
        count["calls"] += 1
        if count["calls"] in pages:
            with sqlite3.connect(str(ground.database.file)) as other:
                other.executescript(sql)
            other.close()

    monkeypatch.setattr(source_read, "hit", hit)
    return count


def test_a_source_may_be_written_while_it_is_read(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_schema(ground.database)
    monkeypatch.setattr(source_read, "PAGE_ROWS", 10)
    ground.configure('phase = "0h"')  # so that no sample is read before
    ground.insert(readings([float(n) for n in range(50)]))
    started = START - timedelta(hours=1)
    _change_at_page(
        ground,
        monkeypatch,
        pages={1, 2, 3, 4},
        sql=f"INSERT INTO readings VALUES ('early', '{started:%Y-%m-%d %H:%M:%S}', 1.0)",  # noqa: S608 - of the test
    )
    assert ground.ingest(hour(50)).series == 2
