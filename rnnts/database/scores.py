"""Realised scores: written as the truth comes in, until all of it is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, or_, select

from rnnts.database.issues import PUBLISHED, SHARED, Kind, PublicationRow
from rnnts.database.rows import columns_of, rows_of
from rnnts.database.schema import publication as publications
from rnnts.database.schema import score as table
from rnnts.failpoints import hit
from rnnts.panels.arrays import AnyArray, FloatArray, IntArray

_COLUMNS = (
    "publication", "series", "step", "method", "n", "absolute_error", "naive_absolute_error",
    "pinball", "covered_80", "covered_95",
)  # fmt: skip
_PAGE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class ScoreRows:
    """Sums over the targets whose truth is known; one row a series, and one a step.

    Args:
        publication: Ids, [rows].
        series: Keys of `rnnts_series`; 0 in the rows by step, [rows].
        step: 1 to horizon; 0 in the rows by series, [rows].
        method: As published, or "seasonal_naive" scored beside it, [rows].
        n: Targets whose truth is known, [rows].
        absolute_error: Sum, in the source's unit, [rows].
        naive_absolute_error: Sum of seasonal naive's on the same targets, [rows].
        pinball: Sum of the mean over the levels; NaN for a point method, [rows].
        covered_80: Targets inside the 80 % range; NaN where there is none, [rows].
        covered_95: Targets inside the 95 % range; NaN where there is none, [rows].
    """

    publication: IntArray
    series: IntArray
    step: IntArray
    method: AnyArray
    n: IntArray
    absolute_error: FloatArray
    naive_absolute_error: FloatArray
    pinball: FloatArray
    covered_80: FloatArray
    covered_95: FloatArray

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in _COLUMNS}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"expected columns of one length, got {lengths}")

    def __len__(self) -> int:
        return len(self.publication)


def write_scores(connection: Connection, rows: ScoreRows, scored_as_of: datetime) -> None:
    """Write the scores of publications in place of what stood there for them.

    Args:
        connection: In a writing transaction.
        rows: All rows of each publication that occurs.
        scored_as_of: The as_of of the truth.
    """
    for publication in np.unique(rows.publication).tolist():
        connection.execute(delete(table).where(table.c.publication == publication))
    values = _dicts(rows, scored_as_of)
    half = len(values) // 2
    _insert(connection, values[:half])
    hit("score.half")
    _insert(connection, values[half:])


def scores_of(
    connection: Connection,
    panel: str,
    *,
    by_step: bool = False,
    publication: Sequence[int] | None = None,
    as_of: datetime | None = None,
    kinds: Iterable[Kind] = SHARED,
) -> ScoreRows:
    """The scores of what is published of a panel, by publication, series, step and method.

    Args:
        connection: Any.
        panel: Its name.
        by_step: Rows by step instead of rows by series.
        publication: Only of these.
        as_of: Only what was scored as of this instant or before.
        kinds: Of publications.
    """
    statement = (
        select(*(table.c[name] for name in _COLUMNS))
        .join(publications, publications.c.id == table.c.publication)
        .where(publications.c.panel == panel, publications.c.kind.in_(tuple(kinds)))
        .where(publications.c.status.in_(PUBLISHED))
        .where(table.c.step > 0 if by_step else table.c.series > 0)
        .order_by(table.c.publication, table.c.series, table.c.step, table.c.method)
    )
    if publication is not None:
        statement = statement.where(table.c.publication.in_(publication))
    if as_of is not None:
        statement = statement.where(table.c.scored_as_of <= as_of)
    columns = list(zip(*connection.execute(statement).all(), strict=True))
    return _rows(columns or [()] * len(_COLUMNS))


def publications_to_score(
    connection: Connection,
    panel: str,
    as_of: datetime,
    since: datetime,
    kinds: Iterable[Kind] = SHARED,
) -> tuple[PublicationRow, ...]:
    """What was issued from `since` until before `as_of` and is not wholly scored, oldest first."""
    scored = (
        select(
            table.c.publication,
            func.min(table.c.n).label("least"),
            func.count(table.c.series.distinct()).label("series"),
        )
        .where(table.c.series > 0)
        .group_by(table.c.publication)
        .subquery()
    )
    columns = publications.c
    statement = (
        select(*columns_of(publications, PublicationRow))
        .outerjoin(scored, scored.c.publication == columns.id)
        .where(columns.panel == panel, columns.kind.in_(tuple(kinds)))
        .where(columns.status.in_(PUBLISHED))
        .where(columns.issued_at >= since, columns.issued_at < as_of)
        .where(
            or_(
                scored.c.least.is_(None),
                scored.c.least < columns.horizon,
                scored.c.series < columns.series,
            )
        )
        .order_by(columns.issued_at, columns.id)
    )
    return rows_of(connection, statement, PublicationRow)


def _insert(connection: Connection, values: list[dict[str, Any]]) -> None:
    for start in range(0, len(values), _PAGE):
        connection.execute(insert(table), values[start : start + _PAGE])


def _dicts(rows: ScoreRows, scored_as_of: datetime) -> list[dict[str, Any]]:
    columns = {name: getattr(rows, name).tolist() for name in _COLUMNS}
    for name in ("pinball", "covered_80", "covered_95"):
        columns[name] = [None if value != value else value for value in columns[name]]  # noqa: PLR0124 - NaN
    for name in ("covered_80", "covered_95"):
        columns[name] = [None if value is None else int(value) for value in columns[name]]
    return [
        dict(zip(columns, row, strict=True), scored_as_of=scored_as_of)
        for row in zip(*columns.values(), strict=True)
    ]


def _rows(columns: Sequence[Sequence[Any]]) -> ScoreRows:
    whole = [np.array(columns[index], np.int64) for index in (0, 1, 2, 4)]
    sums = [np.array(column, np.float64) for column in columns[5:]]  # None becomes NaN
    method = np.array(columns[3], str)
    return ScoreRows(whole[0], whole[1], whole[2], method, whole[3], *sums)
