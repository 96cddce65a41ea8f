"""Files of the artefact store that rows name, and rows that say that theirs are gone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, exists, select, update

from rnnts.database.schema import (
    calibration,
    decision,
    forecast,
    model_version,
    publication,
    scorecard,
)

Json = Any
REMOVED = "removed by tidy"
"""Stands where a row named a file that is gone; whoever asks for it gets ARTEFACT_MISSING."""
_IN_JSON: tuple[tuple[Column[Any], tuple[str, ...]], ...] = (
    (model_version.c.manifest, ("weights", "name")),
    (model_version.c.manifest, ("probe",)),
    (model_version.c.manifest, ("scored", "weights", "name")),
    (model_version.c.manifest, ("scored", "probe")),
    (scorecard.c.scores, ("artefacts", "errors")),
    (scorecard.c.scores, ("artefacts", "detail")),
    (scorecard.c.scores, ("artefacts", "residuals")),
    (scorecard.c.scores, ("artefacts", "calibration")),
    (decision.c.numbers, ("safeguards", "artefact")),
)
_PLAIN = (model_version.c.weights_name, calibration.c.artefact)


def named_files(connection: Connection) -> set[str]:
    """Every file that some version, scorecard, decision or calibration names."""
    plain = {name for column in _PLAIN for name in connection.scalars(select(column))}
    return plain | {
        _found(value, path)
        for column, path in _IN_JSON
        for value in connection.scalars(select(column))
    }


def forget_files(connection: Connection, version_id: str) -> None:
    """Let every row about a version say that its files are removed; what was measured stays."""
    for column in _PLAIN:
        table = column.table
        connection.execute(
            update(table)
            .where(table.c.version_id == version_id, column != "")
            .values({column.name: REMOVED})
        )
    for column, path in _IN_JSON:
        table = column.table
        key = next(iter(table.primary_key))
        rows = select(key, column).where(table.c.version_id == version_id)
        for row_key, value in connection.execute(rows).all():
            marked = _marked(value, path)
            if marked != value:
                change = update(table).where(key == row_key).values({column.name: marked})
                connection.execute(change)


def version_ids(connection: Connection) -> set[str]:
    """Every version that has a row, of whatever panel."""
    return set(connection.scalars(select(model_version.c.version_id)))


def versions_in_detail(connection: Connection, panel: str) -> set[str]:
    """Versions that made a publication whose rows stand in `rnnts_forecast`."""
    rows = exists().where(forecast.c.publication == publication.c.id)
    query = (
        select(publication.c.version_id)
        .where(publication.c.panel == panel, publication.c.version_id.is_not(None), rows)
        .distinct()
    )
    return set(connection.scalars(query))


def _found(value: Json, path: Sequence[str]) -> str:
    """The text at a path, "" where none stands there."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _marked(value: Json, path: Sequence[str]) -> Json:
    """The same with REMOVED at a path, where something stands there."""
    head, *rest = path
    if not isinstance(value, dict) or not value.get(head):
        return value
    return {**value, head: _marked(value[head], rest) if rest else REMOVED}
