from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread

import numpy as np
import pytest
from sqlalchemy import Connection, Table, delete, insert, select, text

from rnnts import failpoints
from rnnts.database import publications, schema
from rnnts.database.engine import Database
from rnnts.database.forecasts import ForecastRows, forecast_rows
from rnnts.database.issues import live, publication
from rnnts.database.issues import publications as publications_of
from rnnts.database.leases import hold
from rnnts.database.outbox import waiting_messages
from rnnts.database.publications import flip, stage
from rnnts.database.runs import record, runs_of
from rnnts.errors import ConfigurationError, IntegrityError
from tests.rnnts.database.staged import (
    HORIZON,
    NIGHT,
    chunks_of,
    forecast_of,
    manifest_of,
    published,
    registered,
    staged,
)

DAY = timedelta(days=1)


def _latest(connection: Connection) -> list[tuple[object, ...]]:
    rows = connection.execute(text("SELECT issued_at, point FROM rnnts_latest_forecast ORDER BY 2"))
    return [tuple(row) for row in rows]


def _issues(database: Database) -> dict[int, tuple[str, int, str]]:
    table = schema.publication.c
    with database.reading() as connection:
        rows = connection.execute(select(table.id, table.kind, table.revision, table.status))
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _all(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM rnnts_all_forecast")) or 0)


def test_staged_rows_are_seen_by_no_reader(database: Database) -> None:
    with hold(database, "loads", "night") as lease:
        row = staged(database, lease)
    assert (row.status, row.rows) == ("staged", 4 * HORIZON)
    assert _all(database) == 0
    with database.reading() as connection:
        assert _latest(connection) == []
        assert live(connection, "loads") is None
        assert publication(connection, "loads", NIGHT, "night") is None


def test_a_flip_makes_the_whole_publication_live(database: Database) -> None:
    flipped = published(database)
    assert (flipped.status, flipped.noop, flipped.rows) == ("live", False, 12)
    assert flipped.exit_code == 3  # one series fell back
    with database.reading() as connection:
        assert len(_latest(connection)) == 12
        row = live(connection, "loads")
    assert row is not None
    assert (row.id, row.issued_at, row.degraded) == (flipped.publication, NIGHT, True)
    assert row.published_at is not None


def test_a_reader_sees_the_whole_old_or_the_whole_new_publication(database: Database) -> None:
    published(database)
    seen: set[tuple[tuple[object, ...], ...]] = set()
    ended = Event()

    def read() -> None:
        while not ended.is_set():
            with database.reading() as connection:
                seen.add(tuple(_latest(connection)))

    with database.reading() as connection:
        old = tuple(_latest(connection))
    reader = Thread(target=read)
    reader.start()
    try:
        published(database, NIGHT + DAY, level=100.0)
    finally:
        ended.set()
        reader.join()
    with database.reading() as connection:
        new = tuple(_latest(connection))
    assert seen <= {old, new}
    assert old != new


def test_rows_come_back_bit_for_bit_with_null_for_levels_not_asked_for(
    database: Database,
) -> None:
    keys = registered(database)
    rows = forecast_of(keys)
    rows.quantiles[:] = np.random.default_rng(1).normal(size=rows.quantiles.shape) * 1e300
    rows.quantiles[0, 6], rows.quantiles[1, 6] = 5e-324, 1.7976931348623157e308
    rows.quantiles[:, [0, 12]] = np.nan
    with hold(database, "loads", "night") as lease:
        row = stage(database, lease, manifest_of(), chunks_of(rows))
        flip(database, lease, row.id)
    with database.reading() as connection:
        found = forecast_rows(connection, row.id)
        few = forecast_rows(connection, row.id, [keys[2], keys[0]])
        assert connection.scalar(text("SELECT count(q025) FROM rnnts_latest_forecast")) == 0
        assert connection.scalar(
            text("SELECT count(*) FROM rnnts_latest_forecast WHERE point = q50")
        ) == len(rows)
    np.testing.assert_array_equal(found.quantiles, rows.quantiles)
    for name in ("series", "step", "target", "method", "quality"):
        np.testing.assert_array_equal(getattr(found, name), getattr(rows, name))
    assert few.series.tolist() == [keys[0]] * HORIZON + [keys[2]] * HORIZON


def test_publishing_again_changes_nothing_and_says_so(database: Database) -> None:
    first = published(database)
    again = published(database, level=50.0)
    assert (again.noop, again.publication, again.exit_code) == (True, first.publication, 0)
    assert again.message == "already published"
    assert list(_issues(database).values()) == [("night", 1, "live")]


def test_a_newer_night_supersedes_and_a_late_one_is_superseded(database: Database) -> None:
    published(database, NIGHT)
    newer = published(database, NIGHT + 2 * DAY)
    late = published(database, NIGHT + DAY)
    assert (newer.status, late.status) == ("live", "superseded")
    assert [status for _, _, status in _issues(database).values()] == [
        "superseded",
        "live",
        "superseded",
    ]
    assert _all(database) == 36
    with database.reading() as connection:
        row = live(connection, "loads")
        nights = publications_of(connection, "loads")
    assert row is not None
    assert row.issued_at == NIGHT + 2 * DAY
    assert [one.issued_at for one in nights] == [NIGHT + 2 * DAY, NIGHT + DAY, NIGHT]


def test_a_backfill_never_goes_live(database: Database) -> None:
    assert published(database, NIGHT, "backfill").status == "superseded"
    assert _all(database) == 12
    with database.reading() as connection:
        assert live(connection, "loads") is None


def test_a_backfill_of_a_published_night_is_there_already(database: Database) -> None:
    published(database, NIGHT)
    published(database, NIGHT + DAY)
    assert published(database, NIGHT, "backfill").noop


def test_a_night_takes_the_place_of_its_backfill(database: Database) -> None:
    published(database, NIGHT, "backfill")
    assert published(database, NIGHT).status == "live"
    assert _all(database) == 12


def test_a_shadow_is_seen_by_no_reader_and_hides_nothing(database: Database) -> None:
    published(database, NIGHT, "shadow")
    published(database, NIGHT, "hindcast")
    assert published(database, NIGHT).status == "live"
    assert _all(database) == 12
    assert [status for _, _, status in _issues(database).values()] == [
        "superseded",
        "superseded",
        "live",
    ]


def test_replace_makes_the_next_revision_and_one_is_live(database: Database) -> None:
    published(database)
    second = published(database, level=50.0, replace=True)
    assert (second.status, second.revision) == ("live", 2)
    assert [one[1:] for one in _issues(database).values()] == [(1, "replaced"), (2, "live")]
    assert _all(database) == 12


def test_replacing_an_older_night_moves_nothing_that_is_live(database: Database) -> None:
    published(database, NIGHT)
    newer = published(database, NIGHT + DAY)
    assert published(database, NIGHT, replace=True).status == "superseded"
    with database.reading() as connection:
        row = live(connection, "loads")
    assert row is not None
    assert row.id == newer.publication
    assert _all(database) == 24


def test_a_backfill_may_not_replace_what_is_live(database: Database) -> None:
    published(database)
    with pytest.raises(ConfigurationError, match="ISSUE_LIVE"):
        published(database, NIGHT, "backfill", replace=True)


def test_what_a_dead_run_staged_is_discarded(database: Database) -> None:
    keys = registered(database)
    with hold(database, "loads", "night") as lease:

        def dying() -> Iterator[ForecastRows]:
            yield next(chunks_of(forecast_of(keys, level=7.0)))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stage(database, lease, manifest_of(), dying())
    flipped = published(database)
    assert (flipped.publication, flipped.revision, flipped.rows) == (1, 1, 12)
    assert _all(database) == 12


def test_a_fenced_writer_neither_stages_nor_flips(database: Database) -> None:
    keys = registered(database)
    with hold(database, "loads", "night") as sleeper:
        row = staged(database, sleeper)
        with database.writing() as connection:
            connection.execute(text("UPDATE rnnts_lease SET expires = expires - 31"))
        with hold(database, "loads", "night", wait_seconds=0):
            with pytest.raises(IntegrityError, match="FENCED loads: token 1, current 2"):
                flip(database, sleeper, row.id)
            chunks = chunks_of(forecast_of(keys))
            with pytest.raises(IntegrityError, match="FENCED"):
                stage(database, sleeper, manifest_of(NIGHT + DAY), chunks)
    assert _all(database) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE rnnts_forecast SET q90 = q90 + 1 WHERE step = 2",
        "UPDATE rnnts_forecast SET method = 'baseline' WHERE step = 2",
        "UPDATE rnnts_forecast SET q05 = NULL WHERE step = 2",
        "DELETE FROM rnnts_forecast WHERE step = 3",
        "DELETE FROM rnnts_forecast",
        "UPDATE rnnts_publication SET digest = 'another'",
        "UPDATE rnnts_publication SET series = 5",
    ],
)
def test_rows_that_are_not_those_staged_are_not_published(database: Database, damage: str) -> None:
    with hold(database, "loads", "night") as lease:
        row = staged(database, lease)
        with database.writing() as connection:
            connection.execute(text(damage))
        with pytest.raises(IntegrityError, match="STAGE_MISMATCH loads"):
            flip(database, lease, row.id)
    assert _issues(database)[row.id][2] == "staged"


def test_a_forecast_that_is_not_what_its_manifest_says_is_not_staged(database: Database) -> None:
    keys = registered(database)
    whole = forecast_of(keys)
    holed = forecast_of(keys)
    holed.quantiles[4, 3] = np.nan
    cases = [[whole.part(0, 9)], [whole.part(0, 11)], [whole, whole], [holed]]
    with hold(database, "loads", "night") as lease:
        for chunks in cases:
            with pytest.raises(IntegrityError, match="STAGE_MISMATCH"):
                stage(database, lease, manifest_of(), chunks)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("column", [3, 6])
def test_a_value_that_is_not_finite_is_refused_by_the_table(
    database: Database, value: float, column: int
) -> None:
    rows = forecast_of(registered(database))
    rows.quantiles[5, column] = value
    with (
        hold(database, "loads", "night") as lease,
        pytest.raises(IntegrityError, match=r"DB_CONSTRAINT.*finite_"),
    ):
        stage(database, lease, manifest_of(), [rows])


def test_a_point_that_is_no_number_is_refused_by_the_table(database: Database) -> None:
    rows = forecast_of(registered(database))
    rows.quantiles[:, 6] = np.nan
    with hold(database, "loads", "night") as lease, pytest.raises(IntegrityError, match="point"):
        stage(database, lease, manifest_of(), [rows])


def test_the_schema_allows_one_live_publication_a_panel(database: Database) -> None:
    published(database)
    published(database, NIGHT + DAY)
    with pytest.raises(IntegrityError, match="DB_CONSTRAINT"), database.writing() as connection:
        connection.execute(text("UPDATE rnnts_publication SET status = 'live'"))


@pytest.mark.parametrize("table", [schema.series, schema.publication])
def test_what_is_live_cannot_lose_what_it_refers_to(database: Database, table: Table) -> None:
    published(database)
    with pytest.raises(IntegrityError, match="DB_CONSTRAINT"), database.writing() as connection:
        connection.execute(delete(table))


def test_a_naive_instant_is_refused(database: Database) -> None:
    naive = NIGHT.replace(tzinfo=None)
    with pytest.raises(ConfigurationError, match="time zone"), database.writing() as connection:
        connection.execute(
            insert(schema.finding).values(
                code="X",
                severity="info",
                panel="loads",
                evidence="",
                remedy="",
                count=1,
                first_seen=naive,
                last_seen=NIGHT,
            )
        )


def test_flip_ledger_and_outbox_are_one_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reach(name: str) -> None:
        if name == "publish.before_commit":
            raise KeyboardInterrupt

    with hold(database, "loads", "night") as lease:
        row = staged(database, lease)
        monkeypatch.setattr(publications, "hit", reach)
        with (
            pytest.raises(KeyboardInterrupt),
            record(database, "loads", "publish", NIGHT) as run,
        ):
            flip(database, lease, row.id, run=run)
        monkeypatch.setattr(publications, "hit", failpoints.hit)
        with database.reading() as connection:
            assert live(connection, "loads") is None
            assert waiting_messages(connection) == ()
            assert runs_of(connection)[0].status == "failed"
        with record(database, "loads", "publish", NIGHT) as run:
            flipped = flip(database, lease, row.id, run=run)
    with database.reading() as connection:
        (message,) = waiting_messages(connection)
        ended = runs_of(connection)[0]
    assert message.key == f"published/loads/{NIGHT.isoformat()}/night/1"
    assert message.payload == flipped.to_json()
    assert (ended.status, ended.exit_code, ended.result) == ("done", 3, flipped.to_json())


def test_every_failpoint_of_publishing_is_reached_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    monkeypatch.setattr(failpoints, "_armed", reached.append)
    published(database)
    assert list(dict.fromkeys(name for name in reached if name.startswith("publish."))) == [
        "publish.stage_rows_half",
        "publish.stage_chunk_committed",
        "publish.staged",
        "publish.gates_passed",
        "publish.token_locked",
        "publish.flipped",
        "publish.before_commit",
        "publish.commit_sent",
        "publish.committed",
    ]
    assert {"lease.acquired", "lease.renewing", "lease.releasing"} <= set(reached)
    assert reached.count("publish.stage_chunk_committed") == 2


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "moment",
    ["publish.stage_rows_half", "publish.stage_chunk_committed", "publish.token_locked",
     "publish.before_commit", "publish.commit_sent", "publish.committed"],
)  # fmt: skip
def test_a_connection_cut_at_any_moment_leaves_one_publication(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    published(postgresql_database, NIGHT - DAY)
    armed = failpoints._parse(f"{moment}:cut")
    monkeypatch.setattr(failpoints, "_armed", armed)
    flipped = published(postgresql_database)
    assert (flipped.status, flipped.noop) == ("live", False)
    assert list(_issues(postgresql_database).values()) == [
        ("night", 1, "superseded"),
        ("night", 1, "live"),
    ]
    assert _all(postgresql_database) == 24


@pytest.mark.postgresql
def test_partitions_are_made_as_publications_need_them(postgresql_database: Database) -> None:
    with postgresql_database.writing() as connection:
        connection.execute(text("SELECT setval('rnnts_publication_id_seq', 3999)"))
    assert published(postgresql_database).publication == 4000
    assert published(postgresql_database, NIGHT + DAY).publication == 4001
    with postgresql_database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM rnnts_forecast_4")) == 24
