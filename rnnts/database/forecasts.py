"""Rows of `rnnts_forecast` in bulk: checked, digested, written and read as arrays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, text

from rnnts.config import LEVELS
from rnnts.database.engine import Database
from rnnts.database.schema import QUANTILE_COLUMNS
from rnnts.failpoints import hit
from rnnts.panels.arrays import AnyArray, FloatArray, IntArray

METHODS = (
    "network", "network_previous", "seasonal_naive", "last_value", "profile", "baseline",
)  # fmt: skip
QUALITIES = ("cold", "fallback", "imputed", "late", "fresh")
MEDIAN = LEVELS.index(0.5)
PAGE_ROWS = 50_000
PARTITION = 1000
"""Publications a partition holds, on PostgreSQL."""
_ADVISORY_LOCK = 0x726E6E7470  # "rnntp": one process at a time makes partitions

_COLUMNS = (
    "publication", "series", "step", "target_time", "point", *QUANTILE_COLUMNS, "method", "quality",
)  # fmt: skip
_TYPES = ("int8", "int8", "int4", "timestamptz", *["float8"] * (1 + len(LEVELS)), "text", "text")
_INSERT = (
    f"INSERT INTO rnnts_forecast ({', '.join(_COLUMNS)}) "  # noqa: S608 - names of ours
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_COPY = f"COPY rnnts_forecast ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_EPOCH = {
    "sqlite": "CAST(strftime('%s', target_time) AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM target_time) AS bigint)",
}
_ROW = np.dtype(
    [
        ("step", "<i8"),
        ("target", "<i8"),
        ("quantiles", "<f8", (len(LEVELS),)),
        ("method", "<i8"),
        ("quality", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class ForecastRows:
    """Forecast rows, a series after another, each with its steps in order.

    Args:
        series: Keys of `rnnts_series`, [rows].
        step: 1 to horizon, [rows].
        target: Labels of the target steps, epoch seconds UTC, [rows].
        quantiles: In the source's unit, NaN for levels not asked for, [rows, 13].
        method: Of METHODS, [rows].
        quality: Of QUALITIES, [rows].
    """

    series: IntArray
    step: IntArray
    target: IntArray
    quantiles: FloatArray
    method: AnyArray
    quality: AnyArray

    def __post_init__(self) -> None:
        count = len(self.series)
        plain = (self.step, self.target, self.method, self.quality)
        if any(len(column) != count for column in plain) or self.quantiles.shape != (
            count,
            len(LEVELS),
        ):
            raise ValueError(
                f"expected {count} rows of {len(LEVELS)} quantiles, got lengths "
                f"{[len(column) for column in plain]} and quantiles of {self.quantiles.shape}"
            )
        # SQLite keeps no -0.0; adding 0.0 makes it 0.0, so that bits are the same on both
        object.__setattr__(self, "quantiles", self.quantiles + 0.0)

    def __len__(self) -> int:
        return len(self.series)

    def part(self, start: int, end: int) -> "ForecastRows":
        """The rows from `start` up to `end`."""
        cut = slice(start, end)
        return ForecastRows(
            self.series[cut],
            self.step[cut],
            self.target[cut],
            self.quantiles[cut],
            self.method[cut],
            self.quality[cut],
        )


class RowDigest:
    """Hash of the rows of a publication, whatever the order of its series.

    Args:
        horizon: Steps of each series.
    """

    def __init__(self, horizon: int) -> None:
        self.rows = 0
        self._horizon = horizon
        self._series: dict[int, bytes] = {}
        self._levels: AnyArray | None = None

    def add(self, rows: ForecastRows) -> None:
        """Take in the rows of whole series.

        Raises:
            ValueError: A series is not whole or comes twice, or a level that is asked for
                is missing in some row.
        """
        blocks = self._blocks(rows)
        if not blocks:
            return
        missing = np.isnan(rows.quantiles)  # [rows, quantiles]
        if self._levels is None:
            self._levels = missing[0]
        if (missing != self._levels).any():
            raise ValueError("a quantile that was asked for is missing (NaN) in some rows")
        packed = np.empty(len(rows), _ROW)
        packed["step"], packed["target"] = rows.step, rows.target
        packed["quantiles"] = np.where(missing, np.nan, rows.quantiles)  # one NaN of the many
        packed["method"] = _codes(rows.method, METHODS)
        packed["quality"] = _codes(rows.quality, QUALITIES)
        for number, series in enumerate(blocks):
            block = packed[number * self._horizon : (number + 1) * self._horizon]
            if series in self._series:
                raise ValueError(f"series {series} comes twice")
            self._series[series] = sha256(block.tobytes()).digest()
        self.rows += len(rows)

    def hexdigest(self) -> str:
        """The hash of all that was taken in."""
        whole = sha256()
        for series in sorted(self._series):
            whole.update(series.to_bytes(8, "little") + self._series[series])
        return whole.hexdigest()

    @property
    def series(self) -> int:
        """How many series were taken in."""
        return len(self._series)

    def _blocks(self, rows: ForecastRows) -> list[int]:
        """The series of `rows`, each of which has its steps 1 to horizon there."""
        if len(rows) % self._horizon == 0:
            series = rows.series.reshape(-1, self._horizon)
            steps = rows.step.reshape(-1, self._horizon)
            in_order = (steps == np.arange(1, self._horizon + 1)).all()
            if in_order and (series == series[:, :1]).all():
                return [int(key) for key in series[:, 0]]
        raise ValueError(f"expected whole series, each with its steps 1 to {self._horizon}")


def write_rows(connection: Connection, publication: int, rows: ForecastRows) -> None:
    """Write rows under a publication; values that are not finite are refused by the table."""
    half = len(rows) // 2
    write = _write_sqlite if connection.dialect.name == "sqlite" else _write_postgresql
    write(connection, publication, rows.part(0, half))
    hit("publish.stage_rows_half")
    write(connection, publication, rows.part(half, len(rows)))


def delete_rows(
    connection: Connection, publication: int, series: Sequence[int] | None = None
) -> int:
    """Delete the rows of a publication, or those of some of its series; give how many."""
    statement = text("DELETE FROM rnnts_forecast WHERE publication = :publication")
    if series is None:
        return connection.execute(statement, {"publication": publication}).rowcount
    one = text(f"{statement.text} AND series = :series")
    return sum(
        connection.execute(one, {"publication": publication, "series": key}).rowcount
        for key in series
    )


def count_rows(connection: Connection, publication: int) -> int:
    """How many rows a publication has."""
    statement = text("SELECT count(*) FROM rnnts_forecast WHERE publication = :publication")
    return int(connection.scalar(statement, {"publication": publication}) or 0)


def forecast_rows(
    connection: Connection, publication: int, series: Sequence[int] | None = None
) -> ForecastRows:
    """The rows of a publication, or those of a few of its series, by series key and step.

    Args:
        connection: Any.
        publication: Its id.
        series: Keys of `rnnts_series`, a few; all of many come in `forecast_pages`.
    """
    if series is None:
        return _select(connection, "", {"publication": publication})
    values = {"publication": publication, "series": list(series)}
    return _select(connection, "AND series IN :series", values)


def forecast_pages(
    database: Database, publication: int, horizon: int, page_rows: int = PAGE_ROWS
) -> Iterator[ForecastRows]:
    """The rows of a publication in pages of whole series; no lock outlives its page."""
    limit = max(1, page_rows // horizon) * horizon
    after = (-1, 0)
    condition = "AND (series, step) > (:after, :after_step) ORDER BY series, step LIMIT :rows"
    while True:
        values = {
            "publication": publication,
            "after": after[0],
            "after_step": after[1],
            "rows": limit,
        }
        page = database.run_reading(
            lambda connection, values=values: _select(connection, condition, values)  # type: ignore[misc] # bound now
        )
        if len(page) == 0:
            return
        after = (int(page.series[-1]), int(page.step[-1]))
        yield page


def ensure_partition(connection: Connection, publication: int) -> None:
    """See that PostgreSQL has a partition for the rows of a publication."""
    if connection.dialect.name == "sqlite":
        return
    number = publication // PARTITION
    name = f"rnnts_forecast_{number}"
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None:
        return
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    connection.execute(
        text(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF rnnts_forecast "
            f"FOR VALUES FROM ({number * PARTITION}) TO ({(number + 1) * PARTITION})"
        )
    )


def _write_sqlite(connection: Connection, publication: int, rows: ForecastRows) -> None:
    raw: Any = connection.connection.driver_connection
    targets = _each(str, rows.target)
    quantiles = rows.quantiles.T.tolist()  # [quantiles, rows]; sqlite3 makes NaN to NULL
    raw.executemany(_INSERT, _tuples(publication, rows, targets, quantiles))


def _write_postgresql(connection: Connection, publication: int, rows: ForecastRows) -> None:
    raw: Any = connection.connection.driver_connection
    targets = _each(lambda instant: instant, rows.target)
    objects = rows.quantiles.astype(object)
    objects[np.isnan(rows.quantiles)] = None
    with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for row in _tuples(publication, rows, targets, objects.T.tolist()):
            copy.write_row(row)


def _tuples(
    publication: int, rows: ForecastRows, targets: list[object], quantiles: list[list[Any]]
) -> Iterator[tuple[object, ...]]:
    return zip(
        [publication] * len(rows),
        rows.series.tolist(),
        rows.step.tolist(),
        targets,
        quantiles[MEDIAN],
        *quantiles,
        rows.method.tolist(),
        rows.quality.tolist(),
        strict=True,
    )


def _each(shown: Callable[[datetime], object], seconds: IntArray) -> list[object]:
    """`shown` of each instant; few are distinct, so each is made once."""
    distinct, where = np.unique(seconds, return_inverse=True)
    made = [shown(datetime.fromtimestamp(second, UTC)) for second in distinct.tolist()]
    return [made[index] for index in where.tolist()]


def _codes(names: AnyArray, known: tuple[str, ...]) -> IntArray:
    distinct, where = np.unique(np.asarray(names, str), return_inverse=True)
    return np.array([known.index(name) for name in distinct.tolist()], np.int64)[where]


def _select(connection: Connection, condition: str, values: dict[str, object]) -> ForecastRows:
    ordered = condition if "ORDER BY" in condition else f"{condition} ORDER BY series, step"
    epoch = _EPOCH[connection.dialect.name]
    statement = text(
        f"SELECT series, step, {epoch}, method, quality, {', '.join(QUANTILE_COLUMNS)} "  # noqa: S608 - names of ours
        f"FROM rnnts_forecast WHERE publication = :publication {ordered}"
    )
    if ":series" in condition:
        statement = statement.bindparams(bindparam("series", expanding=True))
    rows = connection.execute(statement, values).all()
    columns = list(zip(*rows, strict=True)) or [()] * (5 + len(LEVELS))
    return ForecastRows(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.int64),
        np.array(columns[5:], np.float64).T.reshape(len(rows), len(LEVELS)),
        np.array(columns[3], str),
        np.array(columns[4], str),
    )
