"""What an ingested source becomes, and what is said where it cannot be."""

import math
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.config import Frequency
from rnnts.database import source_read
from rnnts.database.engine import Database
from rnnts.database.runs import newest_result, runs_of
from rnnts.database.snapshots import snapshot_row
from rnnts.errors import ConfigurationError, NoUsableDataError
from rnnts.panels.grid import SECONDS
from tests.rnnts.steps.ground import PANEL, Ground, at, hour, readings, same


@pytest.fixture
def ground(tmp_path: Path, empty_sqlite: Database) -> Ground:
    ground = Ground(tmp_path, empty_sqlite)
    ground.create()
    return ground


@pytest.fixture
def both(tmp_path: Path, empty_database: Database) -> Ground:
    return Ground(tmp_path, empty_database)


def test_a_table_becomes_a_panel_on_both_databases(both: Ground) -> None:
    both.create("feeder TEXT, at TEXT, load DOUBLE PRECISION")
    both.insert(readings([1.0, 2.0, None, 4.0]) + readings([7.0, 8.0], "b", first=2))
    result = both.ingest(hour(4))
    panel = both.panel(result.snapshot_id)
    assert [info.series_id for info in panel.series] == ["a", "b"]
    assert same(panel.values[0], [1, 2, None, 4])
    assert same(panel.values[1], [None, None, 7, 8])
    assert (result.series, result.rows, result.watermark) == (2, 6, hour(3))
    assert panel.grid.label_of(np.array([panel.first_step]))[0] == hour(0).timestamp()


def test_typed_columns_of_postgresql_give_the_same_values(
    tmp_path: Path, empty_postgresql: Database
) -> None:
    ground = Ground(tmp_path, empty_postgresql)
    ground.create("feeder uuid, at timestamptz, load numeric")
    feeder = "7f0c3a58-98a3-4a4c-9c55-2f0f3f3f0001"
    ground.insert([{"feeder": feeder, "at": hour(n), "load": n + 0.5} for n in range(3)])
    assert same(ground.values(hour(3), feeder), [0.5, 1.5, 2.5])


def test_a_snapshot_is_found_again_by_panel_and_instant(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0]))
    result = ground.ingest(hour(2))
    with ground.database.reading() as connection:
        row = snapshot_row(connection, PANEL, hour(2))
        found = newest_result(connection, PANEL, "ingest", hour(2))
    assert row is not None
    assert found is not None
    assert row.snapshot_id == result.snapshot_id == found["snapshot_id"]


def test_ingesting_twice_gives_the_same_id_and_says_so(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0]))
    first, second = ground.ingest(hour(2)), ground.ingest(hour(2))
    assert first.snapshot_id == second.snapshot_id
    with ground.database.reading() as connection:
        runs = runs_of(connection, PANEL)
        count = connection.exec_driver_sql("SELECT count(*) FROM rnnts_snapshot").scalar()
    assert [run.status for run in runs] == ["noop", "done"]
    assert count == 1


def test_several_keys_of_any_type_make_one_series_each(
    tmp_path: Path, empty_sqlite: Database
) -> None:
    ground = Ground(tmp_path, empty_sqlite)
    file = ground.folder / "rnnts.toml"
    file.write_text(file.read_text().replace('["feeder"]', '["region", "feeder"]'))
    ground.create("region TEXT, feeder INTEGER, at TEXT, load REAL")
    ground.insert([{"region": "a/b", "feeder": 7, "at": at(0), "load": 1.0}])
    panel = ground.panel(ground.ingest(hour(1)).snapshot_id)
    assert panel.series[0].series_id == "a\\/b/7"
    assert panel.series[0].keys == (("region", "a/b"), ("feeder", 7))


def test_without_keys_the_table_is_one_series(tmp_path: Path, empty_sqlite: Database) -> None:
    ground = Ground(tmp_path, empty_sqlite)
    file = ground.folder / "rnnts.toml"
    file.write_text(file.read_text().replace('series = ["feeder"], ', ""))
    ground.create()
    ground.insert(readings([1.0, 2.0]))
    assert same(ground.values(hour(2), "all"), [1, 2])


def test_a_query_a_view_and_a_table_without_row_numbers_read_like_a_table(
    tmp_path: Path, empty_sqlite: Database
) -> None:
    ground = Ground(tmp_path, empty_sqlite)
    ground.create("feeder TEXT, at TEXT, load REAL, PRIMARY KEY (feeder, at)) WITHOUT ROWID --")
    ground.insert(readings([1.0, 2.0, 3.0]))
    without_rowid = ground.ingest(hour(3)).snapshot_id
    ground.run("CREATE VIEW seen AS SELECT * FROM readings")
    file = ground.folder / "rnnts.toml"
    config = file.read_text()
    values = []
    for source in (
        'table = "readings"',
        'table = "seen"',
        'query = "SELECT * FROM readings -- all\\n;"',
    ):
        file.write_text(config.replace('table = "readings"', source))
        values.append(ground.values(hour(3)))
    assert all(same(one, [1, 2, 3]) for one in values)
    assert same(ground.panel(without_rowid).values[0], [1, 2, 3])


def test_a_condition_narrows_the_source_even_with_percent_and_colon(both: Ground) -> None:
    both.create("feeder TEXT, at TEXT, load DOUBLE PRECISION")
    both.configure("where = \"feeder LIKE 'a%' AND feeder <> ':x'\"")
    both.insert(readings([1.0]) + readings([2.0], "b"))
    assert both.ingest(hour(1)).series == 1


def test_a_panel_can_be_loaded_from_a_later_step_on(ground: Ground) -> None:
    ground.insert(readings([float(n) for n in range(1500)]))
    snapshot = ground.ingest(hour(1500)).snapshot_id
    whole = ground.panel(snapshot)
    part = ground.panel(snapshot, whole.first_step + 1400)
    assert same(part.values[0], whole.values[0, 1400:].tolist())
    assert part.first_step == whole.first_step + 1400


def test_an_empty_table_names_the_instant_and_leaves_a_finding(ground: Ground) -> None:
    ground.insert(readings([1.0], first=48))
    with pytest.raises(NoUsableDataError, match=r"0 rows up to 2024-01-02.*is the loader late\?"):
        ground.ingest(hour(24))
    with ground.database.reading() as connection:
        run = runs_of(connection, PANEL)[0]
    assert (run.status, run.exit_code) == ("failed", 4)
    assert ground.findings()["SOURCE_EMPTY"].severity == "error"


def test_a_missing_table_names_the_nearest(tmp_path: Path, empty_database: Database) -> None:
    ground = Ground(tmp_path, empty_database)
    ground.run("CREATE TABLE reading (a TEXT)", "CREATE TABLE zebras (a TEXT)")
    with pytest.raises(ConfigurationError, match="no table 'readings'; nearest: reading") as caught:
        ground.ingest(hour(1))
    assert caught.value.code == "SOURCE_MISSING"


def test_a_column_of_other_case_is_missing_on_both_databases(both: Ground) -> None:
    both.create('feeder TEXT, at TEXT, "Load" DOUBLE PRECISION')
    with pytest.raises(
        ConfigurationError, match="no column 'load'; there are: feeder, at, Load"
    ) as caught:
        both.ingest(hour(1))
    assert caught.value.code == "COLUMN_MISSING"


def test_a_condition_that_is_no_sql_is_told_as_such(both: Ground) -> None:
    both.create("feeder TEXT, at TEXT, load DOUBLE PRECISION")
    both.configure('where = "feeder ==== 3 ("')
    with pytest.raises(ConfigurationError) as caught:
        both.ingest(hour(1))
    assert caught.value.code == "SOURCE_SQL"


def test_names_with_quotes_and_sql_in_them_work(both: Ground) -> None:
    name = 'x"; DROP TABLE flights--'
    doubled = name.replace('"', '""')
    both.run(
        "CREATE TABLE flights (a INTEGER)",
        f'CREATE TABLE "{doubled}" (feeder TEXT, at TEXT, "{doubled}" DOUBLE PRECISION)',
        f"INSERT INTO \"{doubled}\" VALUES ('a', '{at(0)}', 5.0)",  # noqa: S608 - on purpose
    )
    file = both.folder / "rnnts.toml"
    toml = name.replace('"', '\\"')
    file.write_text(file.read_text().replace("readings", toml).replace('"load"', f'"{toml}"'))
    assert same(both.values(hour(1)), [5])
    both.run("SELECT * FROM flights")


@pytest.mark.parametrize("frequency", [name for name in SECONDS if name != "1MS"])
def test_frequency_and_phase_come_from_the_labels(ground: Ground, frequency: Frequency) -> None:
    ground.configure(panel="")
    step = SECONDS[frequency] // 60
    begin = datetime(2024, 1, 3, 0, 7, tzinfo=UTC)
    rows = [
        {"feeder": "a", "at": str(begin + timedelta(minutes=step * n))[:19], "load": float(n)}
        for n in range(12)
    ]
    ground.insert(rows)
    panel = ground.panel(ground.ingest(begin + timedelta(minutes=step * 12)).snapshot_id)
    assert panel.grid.frequency == frequency
    assert same(panel.values[0], range(12))
    assert "LABEL_OFF_GRID" not in ground.findings()


def test_months_begin_at_local_midnight_of_their_first_day(ground: Ground) -> None:
    ground.configure(panel='timezone = "America/New_York"\n')
    months = [datetime(2022 + n // 12, 1 + n % 12, 1, tzinfo=UTC) for n in range(30)]
    ground.insert(
        [
            {"feeder": "a", "at": f"{month:%Y-%m-%d}", "load": float(n)}
            for n, month in enumerate(months)
        ]
    )
    panel = ground.panel(ground.ingest(datetime(2024, 7, 1, 4, tzinfo=UTC)).snapshot_id)
    assert panel.grid.frequency == "1MS"
    assert same(panel.values[0], range(30))
    first = panel.grid.label_of(np.array([panel.first_step, panel.first_step + 6]))
    assert [str(label) for label in first.astype("datetime64[s]")] == [
        "2022-01-01T05:00:00",
        "2022-07-01T04:00:00",
    ]
    assert ground.findings() == {}


def test_months_may_be_labelled_by_their_last_day(ground: Ground) -> None:
    ground.configure('label = "end"', panel="")
    ends = [datetime(2022 + n // 12, 1 + n % 12, 1, tzinfo=UTC) for n in range(1, 31)]
    ground.insert(
        [
            {"feeder": "a", "at": f"{end - timedelta(days=1):%Y-%m-%d}", "load": float(n)}
            for n, end in enumerate(ends)
        ]
    )
    panel = ground.panel(ground.ingest(datetime(2024, 7, 1, tzinfo=UTC)).snapshot_id)
    assert panel.grid.frequency == "1MS"
    assert same(panel.values[0], range(30))
    labels = panel.grid.label_of(np.arange(panel.first_step, panel.first_step + 3))
    assert [str(label)[:10] for label in labels.astype("datetime64[s]")] == [
        "2022-01-31",
        "2022-02-28",
        "2022-03-31",
    ]
    assert ground.findings() == {}


def test_labels_of_no_frequency_ask_for_one(ground: Ground) -> None:
    ground.configure(panel="")
    ground.insert(
        readings([1.0] * 12)
        + [{"feeder": "a", "at": at(n + n / 7), "load": 1.0} for n in range(20)]
    )
    with pytest.raises(ConfigurationError) as caught:
        ground.ingest(hour(100))
    assert caught.value.code == "FREQUENCY_UNKNOWN"


def test_the_grid_stays_when_later_labels_would_say_otherwise(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0, 3.0]))
    first = ground.panel(ground.ingest(hour(3)).snapshot_id).grid
    ground.insert([{"feeder": "a", "at": at(n + 0.5), "load": 1.0} for n in range(3, 40)])
    second = ground.panel(ground.ingest(hour(50)).snapshot_id).grid
    assert first == second
    assert "LABEL_OFF_GRID" in ground.findings()


def test_a_series_that_comes_later_is_said_to_be_new(ground: Ground) -> None:
    ground.insert(readings([1.0, 2.0]))
    ground.ingest(hour(2))
    assert "SERIES_NEW" not in ground.findings()
    ground.insert(readings([3.0, 4.0], "b", first=2))
    ground.ingest(hour(4))
    assert ground.findings()["SERIES_NEW"].series_id == "b"
    assert "'a'" in ground.findings()["SERIES_RENAMED"].evidence


def test_the_source_is_only_read(
    tmp_path: Path, empty_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source.db"
    with sqlite3.connect(source) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE readings (feeder TEXT, at TEXT, load REAL)")
        connection.executemany(
            "INSERT INTO readings VALUES (:feeder, :at, :load)", readings([1.0, 2.0])
        )
    connection.close()
    before = source.read_bytes()
    monkeypatch.setattr("rnnts.database.journal.library_is_fixed", lambda: False)
    ground = Ground(tmp_path, empty_sqlite, f'url = "sqlite:///{source}"')
    ground.ingest(hour(2))
    assert source.read_bytes() == before
    assert "source.db is in WAL mode" in ground.findings()["SQLITE_WAL_BUG"].evidence


def test_many_series_over_many_spans_come_back_as_they_were(ground: Ground) -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(700, 3))
    rows = [
        {"feeder": f"s{series}", "at": at(700 * step), "load": float(values[series, step])}
        for series in range(700)
        for step in range(3)
    ]
    ground.insert(rows)
    panel = ground.panel(ground.ingest(hour(2_000)).snapshot_id)
    names = [info.series_id for info in panel.series]
    assert names == sorted(names, key=str.encode)
    for series in (0, 17, 511, 512, 699):
        assert same(panel.values[names.index(f"s{series}"), ::700], values[series].tolist())
    assert np.isnan(panel.values).sum() == panel.values.size - values.size


def test_a_key_with_a_value_for_each_row_is_refused(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnts.panels.identity.MAX_SERIES", 10)
    ground.insert([{"feeder": f"row{n}", "at": at(n), "load": 1.0} for n in range(20)])
    with pytest.raises(ConfigurationError) as caught:
        ground.ingest(hour(20))
    assert caught.value.code == "SERIES_LIMIT"


def test_the_result_is_plain_json(ground: Ground) -> None:
    ground.insert(readings([1.0, math.pi]))
    result = ground.ingest(hour(2)).to_json()
    assert result["watermark"] == "2024-01-01T01:00:00+00:00"
    assert result["rows"] == 2


def test_a_connection_that_breaks_in_the_middle_is_read_again(
    tmp_path: Path, empty_postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_read, "PAGE_ROWS", 10)
    ground = Ground(tmp_path, empty_postgresql)
    ground.create("feeder TEXT, at timestamptz, load DOUBLE PRECISION")
    ground.insert([{"feeder": "a", "at": hour(n), "load": float(n)} for n in range(35)])
    pages = []

    def hit(name: str) -> None:
        pages.append(name)
        if len(pages) == 2:
            ground.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND state = 'idle in transaction'"
            )

    monkeypatch.setattr(source_read, "hit", hit)
    assert same(ground.values(hour(35)), range(35))
    assert len(pages) == 2 + 4 + 4
