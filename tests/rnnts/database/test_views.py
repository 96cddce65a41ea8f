from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Connection, text

from rnnts.config import SourceConfig
from rnnts.database.catalogue import register_series
from rnnts.database.engine import Database
from rnnts.database.forecasts import ForecastRows
from rnnts.database.leases import hold
from rnnts.database.publications import Manifest, flip, stage
from rnnts.database.views import SourceColumns, create_view, source_columns, view_name
from rnnts.errors import ConfigurationError
from rnnts.panels.panel import Key, SeriesInfo
from tests.rnnts.database.staged import NIGHT, published

QUANTILES = [
    "q025", "q05", "q10", "q20", "q30", "q40", "q50", "q60", "q70", "q80", "q90", "q95", "q975",
]  # fmt: skip
FORECAST = ["issued_at", "target_time", "point", *QUANTILES, "model_version", "method", "quality"]
NEW_YORK = "America/New_York"
KEYS = (("origin", "TEXT"), ("carrier", "TEXT"))


def _columns(connection: Connection, view: str) -> list[str]:
    return list(connection.exec_driver_sql(f'SELECT * FROM "{view}" LIMIT 0').keys())  # noqa: S608 - of ours


def _publish_at(database: Database, instants: list[datetime], keys: dict[str, Key]) -> None:
    """One series with those target times, published."""
    with database.writing() as connection:
        info = SeriesInfo("one", tuple(keys.items()), 0, 1)
        key = register_series(connection, "loads", [info], NIGHT)["one"]
    count = len(instants)
    rows = ForecastRows(
        np.full(count, key),
        np.arange(1, count + 1),
        np.array([int(instant.timestamp()) for instant in instants]),
        np.tile(np.arange(13.0), (count, 1)),
        np.full(count, "network"),
        np.full(count, "fresh"),
    )
    manifest = Manifest(
        "loads", NIGHT, "night", "5" * 64, "6" * 64, None, None, count, 1, 0, degraded=False
    )
    with hold(database, "loads", "night") as lease:
        flip(database, lease, stage(database, lease, manifest, [rows]).id)


def _times(
    database: Database, sample: object, timezone: str, instants: list[datetime]
) -> list[object]:
    """What a view's time column says of instants, where the source's stamps look like `sample`."""
    _publish_at(database, instants, {"id": "one"})
    with database.writing() as connection:
        create_view(connection, "loads", SourceColumns((("id", "TEXT"),), "ts", sample, timezone))
        query = text("SELECT ts FROM rnnts_loads_forecast ORDER BY target_time")
        return list(connection.scalars(query))


def test_the_views_over_all_panels_have_exactly_their_columns(database: Database) -> None:
    with database.reading() as connection:
        for view in ("rnnts_latest_forecast", "rnnts_all_forecast"):
            assert _columns(connection, view) == ["panel", "series_id", *FORECAST]


def test_a_panels_view_carries_the_sources_keys_and_time(database: Database) -> None:
    columns = SourceColumns(KEYS, "time_hour", "2013-12-01 06:00:00", "UTC")
    with database.writing() as connection:
        assert create_view(connection, "loads", columns) == "rnnts_loads_forecast"
    published(database)
    published(database, NIGHT - timedelta(days=1))  # late: it is not live
    with database.reading() as connection:
        names = ["origin", "carrier", "time_hour", "series_id", *FORECAST]
        assert _columns(connection, "rnnts_loads_forecast") == names
        rows = connection.execute(
            text(
                "SELECT origin, carrier, time_hour, series_id, point "
                "FROM rnnts_loads_forecast ORDER BY series_id, target_time"
            )
        ).all()
    assert len(rows) == 12
    assert tuple(rows[0][:4]) == ("EWR", "AA", "2013-12-02 07:00:00", "EWR/AA")


def test_a_user_joins_the_forecast_to_the_source_without_thinking(database: Database) -> None:
    published(database)
    with database.writing() as connection:
        connection.execute(
            text("CREATE TABLE flights (origin TEXT, carrier TEXT, time_hour TEXT, n INTEGER)")
        )
        stamps = {"first": "2013-12-02T02:00:00", "second": "2013-12-02T03:00:00"}
        connection.execute(
            text("INSERT INTO flights VALUES ('EWR', 'AA', :first, 5), ('JFK', 'B6', :second, 7)"),
            stamps,
        )
        create_view(
            connection, "loads", SourceColumns(KEYS, "time_hour", stamps["first"], NEW_YORK)
        )
        joined = connection.execute(
            text(
                "SELECT n, target_time = issued_at FROM flights "
                "JOIN rnnts_loads_forecast USING (origin, carrier, time_hour) ORDER BY n"
            )
        ).all()
    assert [tuple(row) for row in joined] == [(5, True), (7, False)]


def test_names_that_rnnts_uses_too_get_a_prefix(database: Database) -> None:
    columns = SourceColumns(
        (("Method", "TEXT"), ("point", "TEXT"), ("source_point", "TEXT")), "target_time", 0, "UTC"
    )
    with database.writing() as connection:
        create_view(connection, "loads", columns)
        names = _columns(connection, "rnnts_loads_forecast")
    assert names[:4] == [
        "source_Method", "source_point", "source_source_point", "source_target_time",
    ]  # fmt: skip


def test_keys_have_the_types_of_the_source(database: Database) -> None:
    keys: dict[str, Key] = {
        "code": "007", "number": 2**40, "share": 0.1, "on": True, "none": None, "strange": "x",
    }  # fmt: skip
    kinds = ("TEXT", "BIGINT", "DOUBLE PRECISION", "BOOLEAN", "VARCHAR(9)", "no_such_type")
    _publish_at(database, [NIGHT], keys)
    with database.writing() as connection:
        columns = SourceColumns(tuple(zip(keys, kinds, strict=True)), "ts", None, "UTC")
        create_view(connection, "loads", columns)
        (row,) = connection.execute(text("SELECT * FROM rnnts_loads_forecast")).all()
    assert tuple(row[:6]) == tuple(keys.values())
    assert type(row[1]) is int
    assert type(row[2]) is float


@pytest.mark.parametrize("name", ["o'clock", 'say "x"; DROP TABLE rnnts_run--', "a%sb:c", "é\\n"])
def test_a_hostile_column_name_is_only_a_name(database: Database, name: str) -> None:
    _publish_at(database, [NIGHT], {name: "value"})
    with database.writing() as connection:
        create_view(connection, "loads", SourceColumns(((name, "TEXT"),), "ts", None, "UTC"))
        (row,) = connection.execute(text("SELECT * FROM rnnts_loads_forecast")).all()
        assert next(iter(row._mapping)) == name
        assert row[0] == "value"


AROUND_SPRING = [datetime(2013, 3, 10, hour, tzinfo=UTC) for hour in (6, 7)]
AROUND_AUTUMN = [datetime(2013, 11, 3, hour, tzinfo=UTC) for hour in (5, 6)]


@pytest.mark.parametrize(
    ("sample", "timezone", "expected"),
    [
        ("2013-12-01 06:00:00", "UTC", ["2013-03-10 06:00:00", "2013-03-10 07:00:00"]),
        ("2013-12-01 06:00:00", NEW_YORK, ["2013-03-10 01:00:00", "2013-03-10 03:00:00"]),
        ("2013-12-01T06:00", NEW_YORK, ["2013-03-10T01:00", "2013-03-10T03:00"]),
        ("2013-12-01T06:00:00Z", NEW_YORK, ["2013-03-10T06:00:00Z", "2013-03-10T07:00:00Z"]),
        (
            "2013-12-01 06:00:00.250+00:00",
            NEW_YORK,
            ["2013-03-10 06:00:00.000+00:00", "2013-03-10 07:00:00.000+00:00"],
        ),
        ("2013-12-01", "Asia/Tokyo", ["2013-03-10", "2013-03-10"]),
        (1385877600, NEW_YORK, [1362895200, 1362898800]),
        (1385877600000.0, NEW_YORK, [1362895200000, 1362898800000]),
    ],
)
def test_the_time_column_has_the_form_of_the_sources_stamps(
    database: Database, sample: object, timezone: str, expected: list[object]
) -> None:
    assert _times(database, sample, timezone, AROUND_SPRING) == expected


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (NIGHT, AROUND_SPRING),
        (datetime(2013, 12, 1, 6), [datetime(2013, 3, 10, 1), datetime(2013, 3, 10, 3)]),  # noqa: DTZ001 - naive on purpose
        (date(2013, 12, 1), [date(2013, 3, 10)] * 2),
    ],
)
def test_a_typed_time_column_keeps_its_type(
    postgresql_database: Database, sample: object, expected: list[object]
) -> None:
    assert _times(postgresql_database, sample, NEW_YORK, AROUND_SPRING) == expected


@pytest.mark.parametrize("timezone", [NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "UTC"])
def test_wall_clocks_in_sql_are_those_of_zoneinfo(database: Database, timezone: str) -> None:
    begin = datetime(2005, 1, 1, tzinfo=UTC)
    instants = [begin + timedelta(hours=97 * number, minutes=15 * number) for number in range(3000)]
    instants += [*AROUND_SPRING, *AROUND_AUTUMN]
    found = _times(database, "2013-12-01 06:00:00", timezone, sorted(instants))
    zone = ZoneInfo(timezone)
    expected = [
        instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for instant in sorted(instants)
    ]
    assert found == expected


def test_a_view_that_fits_is_left_alone_and_one_that_does_not_is_renewed(
    database: Database,
) -> None:
    def identity(connection: Connection) -> object:
        if database.dialect == "sqlite":
            return connection.scalar(text("PRAGMA schema_version"))
        return connection.scalar(text("SELECT 'rnnts_loads_forecast'::regclass::oid"))

    first = SourceColumns(KEYS, "time_hour", None, "UTC")
    with database.writing() as connection:
        create_view(connection, "loads", first)
        before = identity(connection)
        create_view(connection, "loads", first)
        assert identity(connection) == before
        create_view(connection, "loads", SourceColumns(KEYS[:1], "at", None, "UTC"))
        assert identity(connection) != before
        assert _columns(connection, view_name("loads"))[:3] == ["origin", "at", "series_id"]


@pytest.mark.postgresql
def test_a_view_that_others_stand_on_is_not_torn_away(postgresql_database: Database) -> None:
    with postgresql_database.writing() as connection:
        create_view(connection, "loads", SourceColumns(KEYS, "time_hour", None, "UTC"))
        connection.execute(text("CREATE VIEW mine AS SELECT point FROM rnnts_loads_forecast"))
    with (
        pytest.raises(ConfigurationError, match="VIEW_IN_USE"),
        postgresql_database.writing() as connection,
    ):
        create_view(connection, "loads", SourceColumns(KEYS[:1], "at", None, "UTC"))


def test_the_columns_of_a_source_are_looked_up_with_a_stamp(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text('CREATE TABLE flights ("Origin" VARCHAR(3), t TEXT, v INTEGER)'))
    config = SourceConfig(table="flights", series=("Origin",), time="t", value="v")
    source = Database(database.url, read_only=True)
    empty = source_columns(source, config, NEW_YORK)
    assert empty == SourceColumns((("Origin", "VARCHAR(3)"),), "t", None, NEW_YORK)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO flights VALUES ('EWR', NULL, 1), ('EWR', '2013', 1)"))
    assert source_columns(source, config, NEW_YORK).sample == "2013"
    source.close()
