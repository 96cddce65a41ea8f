"""The cases: real series as SQLite tables, each with the part that is held out.

Nothing is chosen on what is held out. The files stand in the folder that RNNTS_TEST_DATA names,
but for the flights, which a package carries.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from deployments.demo import load_flights
from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.zones import zone_offsets
from tests.benchmarks.accuracy.case import Case, Instants

END = np.datetime64("2015-09-01T00", "s")
"""Where series whose dates are conventional, or years apart, are made to end together."""
HOUR = np.timedelta64(3600, "s")
DAY = np.timedelta64(86_400, "s")
KEYED = 'source = { table = "readings", series = "series_id", time = "at", value = "value" }'
ALONE = 'source = { table = "readings", time = "at", value = "value" }'
EVENTS = (
    'source = {{ table = "readings", series = "series_id", time = "at", value = "value", '
    'aggregate = "mean" }}\nfrequency = "{frequency}"'
)
NEW_YORK = "America/New_York"


def m4() -> Iterator[Case]:
    """M4 Hourly: 414 series whose training parts are made to end together, then 48 hours."""
    horizon = 48
    parts = {name: _frame(f"m4_hourly_{name}") for name in ("train", "test")}
    known = {
        str(key): np.concatenate([values, _of(parts["test"], key)])
        for key, values in _grouped(parts["train"]).items()
    }
    steps = max(len(values) for values in known.values())
    labels = END + (np.arange(steps) - (steps - horizon)) * HOUR
    values = _ending_together(list(known.values()), steps)
    yield Case(
        panel="m4",
        ids=tuple(known),
        labels=labels,
        values=values,
        origins=np.array([steps - horizon]),
        horizon=horizon,
        seasons=(24, 168),
        read=168,
        section=KEYED,
        write=partial(write_matrix, ids=tuple(known), labels=labels, values=values),
    )


def ett() -> Iterator[Case]:
    """ETTh1: two years of seven hourly series; the last 20 windows of 48 hours."""
    horizon, windows = 48, 20
    series = _grouped(_frame("ett_h1"))
    values = np.stack(list(series.values()))
    steps = values.shape[1]
    labels = np.datetime64("2016-07-01T00", "s") + np.arange(steps) * HOUR
    yield Case(
        panel="ett",
        ids=tuple(series),
        labels=labels,
        values=values,
        origins=steps - horizon * np.arange(windows, 0, -1),
        horizon=horizon,
        seasons=(24, 168),
        read=168,
        section=KEYED,
        write=partial(write_matrix, ids=tuple(series), labels=labels, values=values),
    )


FREQUENCIES = ("5min", "10min", "15min", "30min", "1h")
FILLED = 0.8
"""The frequency of a metric is the finest at which so many steps have a reading."""
HELD_OUT = 0.2
MOST_DAYS = 7
"""Days held out of a panel of metrics: a fifth of its middle series, so many at most."""


def nab() -> Iterator[Case]:
    """16 metrics, one panel a frequency; each cut at its last midnight, then moved to END.

    A series is moved by whole days, so that its clock stays, but for the minutes by which its
    readings lie beside the grid. Readings off the grid make their panel one of events: the mean.
    """
    frame = _frame("nab_metrics")
    frame["at"] = pd.to_datetime(frame["timestamp"])
    by_frequency: dict[str, dict[str, pd.DataFrame]] = {name: {} for name in FREQUENCIES}
    for key, rows in frame.groupby("series_id", sort=True):
        name = frequency_of(rows["at"])
        by_frequency[name][str(key)] = _moved(rows, name)
    for name, series in by_frequency.items():
        if series:
            yield _metrics(name, series)


def frequency_of(stamps: "pd.Series[pd.Timestamp]") -> str:
    """The finest frequency at which most steps have a reading.

    >>> frequency_of(pd.Series(pd.date_range("2020", periods=100, freq="7min")))
    '10min'
    """
    for name in FREQUENCIES:
        there = stamps.dt.floor(name).nunique()
        if there >= FILLED * ((stamps.max() - stamps.min()) / pd.Timedelta(name) + 1):
            return name
    return FREQUENCIES[-1]


def _moved(rows: pd.DataFrame, frequency: str) -> pd.DataFrame:
    """A metric that ends at END, with the phase of its readings taken away."""
    step = pd.Timedelta(frequency)
    phase = (rows["at"] - rows["at"].dt.floor(frequency)).mode()[0]
    regular = ((rows["at"] - phase) == (rows["at"] - phase).dt.floor(frequency)).mean() > FILLED
    at = rows["at"] - (phase if regular else pd.Timedelta(0))
    midnight = (at.max() + step).normalize()
    moved = rows.assign(at=at + (pd.Timestamp(END) - midnight))
    return moved[moved["at"] < pd.Timestamp(END)]


def _metrics(frequency: str, series: dict[str, pd.DataFrame]) -> Case:
    step = np.timedelta64(pd.Timedelta(frequency).to_timedelta64())
    per_day = int(DAY / step)
    first = min(rows["at"].min() for rows in series.values()).floor(frequency)
    labels = np.arange(np.datetime64(first, "s"), END, step.astype("timedelta64[s]"))
    grid = pd.DatetimeIndex(labels)
    means = [
        rows.groupby(rows["at"].dt.floor(frequency))["value"].mean().reindex(grid).to_numpy()
        for rows in series.values()
    ]
    days = float(
        np.median([(rows["at"].max() - rows["at"].min()).days for rows in series.values()])
    )
    windows = int(np.clip(round(HELD_OUT * days), 1, MOST_DAYS))
    on_grid = all(
        (rows["at"] == rows["at"].dt.floor(frequency)).mean() > FILLED for rows in series.values()
    )
    rows = [
        (key, at.isoformat(), float(value))
        for key, readings in series.items()
        for at, value in zip(readings["at"], readings["value"], strict=True)
    ]
    return Case(
        panel=f"nab_{frequency}",
        ids=tuple(series),
        labels=labels,
        values=np.stack(means),
        origins=len(labels) - per_day * np.arange(windows, 0, -1),
        horizon=per_day,
        seasons=(per_day, 7 * per_day),
        read=2 * per_day,
        section=KEYED if on_grid else EVENTS.format(frequency=frequency),
        write=partial(write_rows, rows=rows),
        minutes=8.0,
    )


def temperatures() -> Iterator[Case]:
    """Daily minimum temperatures of Melbourne; 14 days ahead over the last fifth."""
    rows = _frame("daily_min_temperatures")
    days = pd.date_range(rows["timestamp"].min(), rows["timestamp"].max(), freq="D")
    values = rows.set_index(pd.to_datetime(rows["timestamp"]))["value"].reindex(days).to_numpy()
    yield _alone("temperatures", days.to_numpy(), values, horizon=14, seasons=(7, 365), read=56)


def sunspots() -> Iterator[Case]:
    """Monthly sunspots since 1749; 12 months ahead over the last fifth."""
    rows = _frame("sunspots_monthly")
    months = pd.to_datetime(rows["timestamp"]).to_numpy()
    yield _alone(
        "sunspots", months, rows["value"].to_numpy(), horizon=12, seasons=(12, 132), read=60
    )


def _alone(
    panel: str,
    labels: Instants,
    values: FloatArray,
    *,
    horizon: int,
    seasons: tuple[int, ...],
    read: int,
) -> Case:
    """A series of its own; windows side by side over the last fifth."""
    windows = int(HELD_OUT * len(values)) // horizon
    rows = [
        (str(label.astype("datetime64[D]")), float(value))
        for label, value in zip(labels, values, strict=True)
        if not np.isnan(value)
    ]
    return Case(
        panel=panel,
        ids=("all",),
        labels=labels.astype("datetime64[s]"),
        values=values[None].astype(np.float64),
        origins=len(values) - horizon * np.arange(windows, 0, -1),
        horizon=horizon,
        seasons=seasons,
        read=read,
        section=ALONE,
        write=partial(write_rows, rows=rows),
        minutes=3.0,
    )


FLIGHTS = f"""\
source    = {{ table = "flights", series = ["origin", "carrier"], time = "time_hour", \
value = "dep_time", aggregate = "count" }}
frequency = "1h"
timezone  = "{NEW_YORK}\""""
FIRST_NIGHT = np.datetime64("2013-11-20T07", "s")
"""02:00 in New York."""
NIGHTS = 28


def flights() -> Iterator[Case]:
    """Departures an hour from New York, 48 hours ahead on 28 nights from 20 November 2013."""
    horizon = 48
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "flights.db"
        load_flights(database)
        with sqlite3.connect(database) as connection:
            rows = pd.read_sql_query(COUNTED, connection)
        connection.close()
    rows["at"] = pd.to_datetime(rows["time_hour"], utc=True).dt.tz_localize(None)
    grid = pd.date_range(rows["at"].min(), rows["at"].max(), freq="h")
    table = rows.pivot_table(index="series_id", columns="at", values="n").reindex(columns=grid)
    counts = table.to_numpy(np.float64)
    begun = np.maximum.accumulate(~np.isnan(counts), axis=1)  # a series lives from its first event
    labels = grid.to_numpy().astype("datetime64[s]")
    first = int(np.searchsorted(labels, FIRST_NIGHT))
    clock: IntArray = zone_offsets(labels.astype(np.int64), NEW_YORK) // 3_600
    yield Case(
        panel="departures",
        ids=tuple(str(key) for key in table.index),
        labels=labels,
        values=np.where(begun, np.nan_to_num(counts), np.nan),
        origins=first + 24 * np.arange(NIGHTS),
        horizon=horizon,
        seasons=(24, 168),
        read=168,
        section=FLIGHTS,
        write=_write_flights,
        clock=clock,
    )


def flights_and_holidays() -> Iterator[Case]:
    """The same with the one line that says which holidays there are."""
    for case in flights():
        yield replace(case, section=f'{case.section}\nholidays  = "US"')


COUNTED = """
SELECT origin || '/' || carrier AS series_id, time_hour, count(dep_time) AS n FROM flights
WHERE dep_time IS NOT NULL GROUP BY origin, carrier, time_hour"""


def _write_flights(database: Path) -> None:
    load_flights(database)


def write_matrix(
    database: Path, *, ids: tuple[str, ...], labels: Instants, values: FloatArray
) -> None:
    """Lay series out as one row a step; NaN is no row.

    What is held out stands there too: nothing at or after the instant of an issue may matter.
    """
    texts = np.datetime_as_string(labels, unit="s").tolist()
    write_rows(
        database,
        rows=[
            (key, texts[column], float(values[row, column]))
            for row, key in enumerate(ids)
            for column in np.flatnonzero(~np.isnan(values[row])).tolist()
        ],
    )


def write_rows(database: Path, *, rows: Sequence[tuple[object, ...]]) -> None:
    """Write the table `readings`; rows of two are (at, value), of three (series_id, at, value)."""
    keyed = len(rows[0]) == len(("series_id", "at", "value"))
    columns = ("series_id TEXT, " if keyed else "") + "at TEXT, value REAL"
    marks = ", ".join("?" * len(rows[0]))
    with sqlite3.connect(database) as connection:
        connection.execute(f"CREATE TABLE readings ({columns})")
        connection.executemany(f"INSERT INTO readings VALUES ({marks})", rows)  # noqa: S608 - marks
    connection.close()


def _frame(name: str) -> pd.DataFrame:
    folder = os.environ.get("RNNTS_TEST_DATA")
    if not folder:
        raise SystemExit(f"set RNNTS_TEST_DATA to the folder that holds {name}.csv.gz")
    return pd.read_csv(Path(folder) / f"{name}.csv.gz")


def _grouped(frame: pd.DataFrame) -> dict[str, FloatArray]:
    groups = frame.groupby("series_id", sort=False)["value"]
    return {str(key): values.to_numpy(np.float64) for key, values in groups}


def _of(frame: pd.DataFrame, key: str) -> FloatArray:
    values: FloatArray = frame.loc[frame["series_id"] == key, "value"].to_numpy(np.float64)
    return values


def _ending_together(series: list[FloatArray], steps: int) -> FloatArray:
    values = np.full((len(series), steps), np.nan)
    for row, one in enumerate(series):
        values[row, steps - len(one) :] = one
    return values
