"""What the screen Night reads of one panel."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from rnnts.database.issues import PUBLISHED
from rnnts.database.schema import decision, forecast, model_version, publication, run, series
from rnnts.database.screens.values import MAX_ROWS, Decision, Issue, Run

_ISSUE = (
    "issued_at", "kind", "status", "revision", "version_id", "horizon", "series", "skipped",
    "rows", "degraded", "published_at",
)  # fmt: skip
ISSUE_COLUMNS = (publication.c.id.label("publication"), *(publication.c[name] for name in _ISSUE))


def issues(
    connection: Connection, panel: str, until: datetime, limit: int = 100
) -> tuple[Issue, ...]:
    """The newest nights of a panel issued until an instant, newest first, held ones too."""
    query = (
        select(*ISSUE_COLUMNS)
        .where(
            publication.c.panel == panel,
            publication.c.kind == "night",
            publication.c.issued_at <= until,
            publication.c.status.in_((*PUBLISHED, "held")),
        )
        .order_by(publication.c.issued_at.desc(), publication.c.revision.desc())
        .limit(min(limit, MAX_ROWS))
    )
    return tuple(issue_of(row) for row in connection.execute(query))


def issue_of(row: Row[Any]) -> Issue:
    """A row of ISSUE_COLUMNS as a value."""
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Issue(**{**facts, "degraded": bool(facts["degraded"])})


def series_by(connection: Connection, publication_id: int) -> tuple[tuple[str, str, int], ...]:
    """How many series a publication forecasts by which method and of which quality.

    Each series is looked up by its key: reading past all the other steps takes more than twice as
    long.
    """
    home = select(publication.c.panel).where(publication.c.id == publication_id)
    keys = select(series.c.id).where(series.c.panel == home.scalar_subquery())
    query = (
        select(forecast.c.method, forecast.c.quality, func.count())
        .where(
            forecast.c.publication == publication_id,
            forecast.c.series.in_(keys),
            forecast.c.step == 1,
        )
        .group_by(forecast.c.method, forecast.c.quality)
        .order_by(func.count().desc(), forecast.c.method, forecast.c.quality)
    )
    return tuple((method, quality, count) for method, quality, count in connection.execute(query))


def last_decision(connection: Connection, panel: str, until: datetime) -> Decision | None:
    """What was decided last, about a retrain up to an instant."""
    columns = (
        "action", "version_id", "reason", "decided_by", "recorded_at", "effective_from",
    )  # fmt: skip
    query = (
        select(*(decision.c[name] for name in columns))
        .join(model_version, model_version.c.version_id == decision.c.version_id)
        .where(decision.c.panel == panel, model_version.c.as_of <= until)
        .order_by(decision.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Decision(**dict(row._mapping))  # noqa: SLF001 - as above


def newest_runs(
    connection: Connection, panel: str, as_of: datetime, limit: int = 20
) -> tuple[Run, ...]:
    """What ran for one instant of a panel, newest first."""
    columns = ("step", "as_of", "status", "message", "started_at")
    query = (
        select(*(run.c[name] for name in columns))
        .where(run.c.panel == panel, run.c.as_of == as_of)
        .order_by(run.c.id.desc())
        .limit(limit)
    )
    return tuple(Run(**dict(row._mapping)) for row in connection.execute(query))  # noqa: SLF001
