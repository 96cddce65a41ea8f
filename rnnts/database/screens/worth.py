"""What forecasts were worth, once the truth is known."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select

from rnnts.database.schema import score, series
from rnnts.database.screens.values import ListedSeries, Realised

NAIVE = "seasonal_naive"


def _as_published() -> ColumnElement[bool]:
    """Of the scores by series, those of what was published.

    Seasonal naive is scored beside every forecast; it counts only where nothing else was there.
    """
    beside = score.alias()
    another = exists().where(
        beside.c.publication == score.c.publication,
        beside.c.series == score.c.series,
        beside.c.step == 0,
        beside.c.method != NAIVE,
    )
    return and_(score.c.step == 0, score.c.series > 0, or_(score.c.method != NAIVE, ~another))


_SUMS = (
    func.coalesce(func.sum(score.c.n), 0),
    func.coalesce(func.sum(score.c.absolute_error), 0.0),
    func.coalesce(func.sum(score.c.naive_absolute_error), 0.0),
    func.coalesce(func.sum(case((score.c.covered_80.is_not(None), score.c.n), else_=0)), 0),
    func.coalesce(func.sum(score.c.covered_80), 0),
    func.coalesce(func.sum(score.c.covered_95), 0),
)


def _realised(sums: Sequence[Any]) -> Realised:
    n, error, naive, ranged, covered_80, covered_95 = sums
    return Realised(
        int(n), float(error), float(naive), int(ranged), int(covered_80), int(covered_95)
    )


def realised(connection: Connection, publications: Sequence[int]) -> dict[int, Realised]:
    """What each of these publications was worth, pooled over its series."""
    query = (
        select(score.c.publication, *_SUMS)
        .where(score.c.publication.in_(publications), _as_published())
        .group_by(score.c.publication)
    )
    return {row[0]: _realised(row[1:]) for row in connection.execute(query)}


def worst_series(
    connection: Connection, publications: Sequence[int], limit: int = 5
) -> tuple[ListedSeries, ...]:
    """The series that lost most against seasonal naive in these publications."""
    lost = func.sum(score.c.absolute_error) - func.sum(score.c.naive_absolute_error)
    query = (
        select(series.c.id, series.c.series_id, *_SUMS)
        .join(series, series.c.id == score.c.series)
        .where(score.c.publication.in_(publications), _as_published())
        .group_by(series.c.id, series.c.series_id)
        .having(lost > 0)
        .order_by(lost.desc(), series.c.id)
        .limit(limit)
    )
    return tuple(
        ListedSeries(row[0], row[1], None, None, _realised(row[2:]))
        for row in connection.execute(query)
    )


def realised_by_series(
    connection: Connection, publications: Sequence[int], keys: Sequence[int]
) -> dict[int, Realised]:
    """What each of these series got from these publications, pooled over them."""
    query = (
        select(score.c.series, *_SUMS)
        .where(score.c.publication.in_(publications), score.c.series.in_(keys), _as_published())
        .group_by(score.c.series)
    )
    return {row[0]: _realised(row[1:]) for row in connection.execute(query)}
