"""What the list of series and the screen of one series read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from rnnts.config import LEVELS
from rnnts.database.issues import PUBLISHED, SHARED
from rnnts.database.schema import QUANTILE_COLUMNS, forecast, publication, series
from rnnts.database.screens.night import ISSUE_COLUMNS, issue_of
from rnnts.database.screens.values import (
    MAX_ROWS,
    NOTHING_REALISED,
    ForecastRow,
    Issue,
    KnownSeries,
    ListedSeries,
    SeriesQuery,
)
from rnnts.database.screens.worth import realised_by_series


def count_series(connection: Connection, asked: SeriesQuery) -> int:
    """How many series the search finds, in all pages."""
    return int(
        connection.execute(_found(select(func.count()).select_from(series), asked)).scalar_one()
    )


def _found(query: Select[Any], asked: SeriesQuery) -> Select[Any]:
    query = query.where(series.c.panel == asked.panel)
    if asked.search:
        query = query.where(series.c.series_id.icontains(asked.search, autoescape=True))
    return query


def list_series(
    connection: Connection, asked: SeriesQuery, publications: Sequence[int]
) -> tuple[ListedSeries, ...]:
    """One page of series by name, and one line more where there is a next page.

    Args:
        connection: To the results database.
        asked: Which ones.
        publications: The newest first; its forecast says method and quality, all of them count
            for what was realised.
    """
    query = _found(select(series.c.id, series.c.series_id), asked)
    if asked.after is not None:
        last = series.alias()
        name = select(last.c.series_id).where(last.c.id == asked.after).scalar_subquery()
        query = query.where(series.c.series_id > name)
    query = query.order_by(series.c.series_id).limit(min(asked.limit, MAX_ROWS) + 1)
    names: dict[int, str] = {row[0]: row[1] for row in connection.execute(query)}
    how = _methods(connection, publications[:1], tuple(names))
    worth = realised_by_series(connection, publications, tuple(names))
    return tuple(
        ListedSeries(
            key,
            name,
            how[key][0] if key in how else None,
            how[key][1] if key in how else None,
            worth.get(key, NOTHING_REALISED),
        )
        for key, name in names.items()
    )


def _methods(
    connection: Connection, publications: Sequence[int], keys: Sequence[int]
) -> dict[int, tuple[str, str]]:
    query = select(forecast.c.series, forecast.c.method, forecast.c.quality).where(
        forecast.c.publication.in_(publications),
        forecast.c.series.in_(keys),
        forecast.c.step == 1,
    )
    return {key: (method, quality) for key, method, quality in connection.execute(query)}


SPARK_STEPS = 200


def sparks(
    connection: Connection, publications: Sequence[int], keys: Sequence[int]
) -> dict[int, tuple[float, ...]]:
    """The point forecasts of some series in one publication, SPARK_STEPS of each, in order."""
    query = (
        select(forecast.c.series, forecast.c.point)
        .where(
            forecast.c.publication.in_(publications),
            forecast.c.series.in_(keys),
            forecast.c.step <= SPARK_STEPS,
        )
        .order_by(forecast.c.series, forecast.c.step)
    )
    points: dict[int, list[float]] = {}
    for key, point in connection.execute(query):
        points.setdefault(key, []).append(point)
    return {key: tuple(values) for key, values in points.items()}


def find_series(connection: Connection, key: int) -> KnownSeries | None:
    """A series by its integer key."""
    query = select(series.c.id, series.c.panel, series.c.series_id).where(series.c.id == key)
    row = connection.execute(query).one_or_none()
    return None if row is None else KnownSeries(*row)


def forecast_rows(
    connection: Connection, publication_id: int, key: int, after_step: int = 0
) -> tuple[ForecastRow, ...]:
    """The first MAX_ROWS targets of one series after a step, in order."""
    query = (
        select(
            forecast.c.step, forecast.c.target_time, forecast.c.point, forecast.c.method,
            forecast.c.quality, *(forecast.c[name] for name in QUANTILE_COLUMNS),
        )
        .where(
            forecast.c.publication == publication_id, forecast.c.series == key,
            forecast.c.step > after_step,
        )
        .order_by(forecast.c.step)
        .limit(MAX_ROWS)
    )  # fmt: skip
    return tuple(
        ForecastRow(step, time, point, tuple(levels[: len(LEVELS)]), method, quality)
        for step, time, point, method, quality, *levels in connection.execute(query)
    )


def issues_with(
    connection: Connection, key: int, until: datetime, limit: int = 14
) -> tuple[Issue, ...]:
    """The newest published nights, and those made up later, that forecast one series."""
    holds = exists().where(
        forecast.c.publication == publication.c.id,
        forecast.c.series == key,
        forecast.c.step == 1,
    )
    home = select(series.c.panel).where(series.c.id == key).scalar_subquery()
    query = (
        select(*ISSUE_COLUMNS)
        .where(
            publication.c.panel == home,
            publication.c.kind.in_(SHARED),
            publication.c.status.in_(PUBLISHED),
            publication.c.issued_at <= until,
            holds,
        )
        .order_by(publication.c.issued_at.desc(), publication.c.revision.desc())
        .limit(min(limit, MAX_ROWS))
    )
    return tuple(issue_of(row) for row in connection.execute(query))
