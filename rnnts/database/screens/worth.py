"""What forecasts were worth, once the truth is known."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from rnnts.database.schema import score, series
from rnnts.database.screens.values import NOTHING_REALISED, ListedSeries, Realised

NAIVE = "seasonal_naive"
_BY_SERIES = and_(score.c.step == 0, score.c.series > 0)
_BY_STEP = and_(score.c.series == 0, score.c.step > 0)


def _alone() -> ColumnElement[bool]:
    """Of the scores of seasonal naive, those of series for which nothing else was published.

    Seasonal naive is scored beside every forecast; it counts only where nothing else was there.
    """
    beside = score.alias()
    another = select(beside.c.publication).where(  # the key alone: `*` would fetch the row
        beside.c.publication == score.c.publication,
        beside.c.series == score.c.series,
        beside.c.step == 0,
        beside.c.method != NAIVE,
    )
    return and_(score.c.method == NAIVE, ~another.exists())


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


def states(connection: Connection, publications: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Of each publication that is scored, what changes whenever its scores do.

    Scores are written all at once, those by step with those by series.
    """
    query = (
        select(score.c.publication, score.c.method, func.max(score.c.scored_as_of), *_SUMS)
        .where(score.c.publication.in_(publications), _BY_STEP)
        .group_by(score.c.publication, score.c.method)
        .order_by(score.c.publication, score.c.method)
    )
    found: dict[int, tuple[Any, ...]] = {}
    for key, *facts in connection.execute(query):
        found[key] = (*found.get(key, ()), *facts)
    return found


def realised(connection: Connection, publications: Sequence[int]) -> dict[int, Realised]:
    """What each of these publications was worth, pooled over its series.

    Of 10,000 series the sums by step are a hundred rows; only seasonal naive's mix what was
    published with what stands beside it, so those are taken series by series.
    """
    found: dict[int, Realised] = {}
    for which in (and_(_BY_STEP, score.c.method != NAIVE), and_(_BY_SERIES, _alone())):
        query = (
            select(score.c.publication, *_SUMS)
            .where(score.c.publication.in_(publications), which)
            .group_by(score.c.publication)
        )
        for key, *sums in connection.execute(query):
            found[key] = found.get(key, NOTHING_REALISED).plus(_realised(sums))
    return found


def worst_series(
    connection: Connection, publications: Sequence[int], limit: int = 5
) -> tuple[ListedSeries, ...]:
    """The series that lost most against seasonal naive in these publications.

    What seasonal naive itself forecast loses nothing against it, so only the others are ranked.
    """
    lost = func.sum(score.c.absolute_error - score.c.naive_absolute_error)
    query = (
        select(score.c.series)
        .where(score.c.publication.in_(publications), _BY_SERIES, score.c.method != NAIVE)
        .group_by(score.c.series)
        .having(lost > 0)
        .order_by(lost.desc(), score.c.series)
        .limit(limit)
    )
    keys = connection.scalars(query).all()
    named = select(series.c.id, series.c.series_id).where(series.c.id.in_(keys))
    names: dict[int, str] = {row[0]: row[1] for row in connection.execute(named)}
    pooled = realised_by_series(connection, publications, keys)
    return tuple(ListedSeries(key, names[key], None, None, pooled[key]) for key in keys)


def realised_by_series(
    connection: Connection, publications: Sequence[int], keys: Sequence[int]
) -> dict[int, Realised]:
    """What each of these series got from these publications, pooled over them."""
    published = or_(score.c.method != NAIVE, _alone())
    query = (
        select(score.c.series, *_SUMS)
        .where(score.c.publication.in_(publications), score.c.series.in_(keys))
        .where(score.c.step == 0, published)
        .group_by(score.c.series)
    )
    return {row[0]: _realised(row[1:]) for row in connection.execute(query)}
