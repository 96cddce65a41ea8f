"""Model versions, their scorecards and calibrations, and who is champion when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, insert, select, update

from rnnts.database.instants import database_now
from rnnts.database.rows import columns_of, first_of, known, rows_of
from rnnts.database.schema import calibration as calibrations
from rnnts.database.schema import decision as decided
from rnnts.database.schema import model_version as versions_table
from rnnts.database.schema import scorecard as scorecards
from rnnts.database.upsert import insert_into
from rnnts.failpoints import hit

Json = Any
VersionStatus = Literal["candidate", "champion", "retired", "rejected"]
Action = Literal["promote", "reject", "rollback"]
"""A promotion and a rollback make a champion; `Decision.action` says which it was."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One row of `rnnts_model_version`."""

    version_id: str
    panel: str
    as_of: datetime
    snapshot_id: str
    windows_id: str
    status: VersionStatus
    manifest: Json
    weights_name: str  # in the artefact store
    weights_sha256: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ScorecardRow:
    """One row of `rnnts_scorecard`."""

    scorecard_id: str
    panel: str
    version_id: str
    snapshot_id: str
    as_of: datetime
    scores: Json
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One row of `rnnts_decision`."""

    id: int
    panel: str
    action: Action
    version_id: str
    replaces: str | None
    scorecard_id: str | None
    reason: str
    numbers: Json
    decided_by: str
    effective_from: datetime | None  # None: rejected
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One row of `rnnts_calibration`."""

    calibration_id: str
    panel: str
    version_id: str | None
    as_of: datetime
    artefact: str
    summary: Json
    recorded_at: datetime


def add_version(  # noqa: PLR0913 - one argument a column
    connection: Connection,
    *,
    version_id: str,
    panel: str,
    as_of: datetime,
    snapshot_id: str,
    windows_id: str,
    manifest: Json,
    weights_name: str,
    weights_sha256: str,
    status: Literal["candidate", "rejected"] = "candidate",
) -> VersionRow:
    """Record what was trained; a version that is known stays as it is."""
    connection.execute(
        insert_into(connection, versions_table)
        .values(
            version_id=version_id,
            panel=panel,
            as_of=as_of,
            snapshot_id=snapshot_id,
            windows_id=windows_id,
            status=status,
            manifest=manifest,
            weights_name=weights_name,
            weights_sha256=weights_sha256,
            recorded_at=database_now(),
        )
        .on_conflict_do_nothing(index_elements=["version_id"])
    )
    return known(version(connection, version_id))


def version(connection: Connection, version_id: str) -> VersionRow | None:
    """A version by its id."""
    statement = _versions().where(versions_table.c.version_id == version_id)
    return first_of(connection, statement, VersionRow)


def versions(connection: Connection, panel: str, limit: int = 50) -> tuple[VersionRow, ...]:
    """The versions of a panel, those of the newest instant first."""
    columns = versions_table.c
    statement = _versions().where(columns.panel == panel)
    statement = statement.order_by(columns.as_of.desc(), columns.recorded_at.desc())
    return rows_of(connection, statement.limit(limit), VersionRow)


def add_scorecard(
    connection: Connection,
    *,
    scorecard_id: str,
    panel: str,
    version_id: str,
    snapshot_id: str,
    as_of: datetime,
    scores: Json,
) -> None:
    """Record the scores of a version; a scorecard that is known stays as it is."""
    connection.execute(
        insert_into(connection, scorecards)
        .values(
            scorecard_id=scorecard_id,
            panel=panel,
            version_id=version_id,
            snapshot_id=snapshot_id,
            as_of=as_of,
            scores=scores,
            recorded_at=database_now(),
        )
        .on_conflict_do_nothing(index_elements=["scorecard_id"])
    )


def scorecard(connection: Connection, scorecard_id: str) -> ScorecardRow | None:
    """A scorecard by its id."""
    statement = select(*columns_of(scorecards, ScorecardRow))
    statement = statement.where(scorecards.c.scorecard_id == scorecard_id)
    return first_of(connection, statement, ScorecardRow)


def scorecard_of(connection: Connection, version_id: str) -> ScorecardRow | None:
    """The newest scorecard of a version."""
    statement = select(*columns_of(scorecards, ScorecardRow))
    statement = statement.where(scorecards.c.version_id == version_id)
    statement = statement.order_by(scorecards.c.as_of.desc(), scorecards.c.recorded_at.desc())
    return first_of(connection, statement, ScorecardRow)


def promote(  # noqa: PLR0913 - one argument a column
    connection: Connection,
    *,
    panel: str,
    version_id: str,
    scorecard_id: str | None,
    reason: str,
    numbers: Json,
    effective_from: datetime,
    decided_by: str = "gate",
    action: Literal["promote", "rollback"] = "promote",
) -> DecisionRow:
    """Make a version champion from an instant on; the same decision twice is one.

    `status` follows the promotion that is effective last: a retrain made up for an instant of the
    past takes nothing from a champion promoted since.
    """
    found = _decision(connection, action, version_id, scorecard_id, effective_from)
    if found is not None:
        return found
    before = champion(connection, panel, effective_from)
    _decide(
        connection,
        panel=panel,
        action=action,
        version_id=version_id,
        replaces=before.version_id if before else None,
        scorecard_id=scorecard_id,
        reason=reason,
        numbers=numbers,
        decided_by=decided_by,
        effective_from=effective_from,
    )
    _set_status(connection, version_id, "retired")
    _crown(connection, panel)
    hit("promote.switched")
    return known(_decision(connection, action, version_id, scorecard_id, effective_from))


def reject(
    connection: Connection,
    *,
    panel: str,
    version_id: str,
    scorecard_id: str | None,
    reason: str,
    numbers: Json,
    decided_by: str = "gate",
) -> DecisionRow:
    """Refuse a candidate, and say why; the same decision twice is one."""
    found = _decision(connection, "reject", version_id, scorecard_id, None)
    if found is not None:
        return found
    _decide(
        connection,
        panel=panel,
        action="reject",
        version_id=version_id,
        scorecard_id=scorecard_id,
        reason=reason,
        numbers=numbers,
        decided_by=decided_by,
    )
    if known(version(connection, version_id)).status == "candidate":
        _set_status(connection, version_id, "rejected")
    hit("promote.switched")
    return known(_decision(connection, "reject", version_id, scorecard_id, None))


def champion(connection: Connection, panel: str, at: datetime) -> VersionRow | None:
    """The version of the newest promotion effective at or before an instant."""
    return first_of(connection, _champions(panel, at), VersionRow)


def previous_champions(connection: Connection, panel: str, at: datetime) -> tuple[VersionRow, ...]:
    """Who was champion before the one of `at`, the last first, each once."""
    return champions(connection, panel, at)[1:]


def champions(
    connection: Connection, panel: str, at: datetime | None = None
) -> tuple[VersionRow, ...]:
    """Everyone who was champion up to an instant, or ever will be, the last first, each once."""
    found = rows_of(connection, _champions(panel, at), VersionRow)
    return tuple({row.version_id: row for row in found}.values())


def decisions(connection: Connection, panel: str, limit: int = 50) -> tuple[DecisionRow, ...]:
    """What was decided about a panel's versions, the last first."""
    statement = select(*columns_of(decided, DecisionRow)).where(decided.c.panel == panel)
    return rows_of(connection, statement.order_by(decided.c.id.desc()).limit(limit), DecisionRow)


def add_calibration(
    connection: Connection,
    *,
    calibration_id: str,
    panel: str,
    version_id: str | None,
    as_of: datetime,
    artefact: str,
    summary: Json,
) -> None:
    """Record a calibration; one that is known stays as it is."""
    connection.execute(
        insert_into(connection, calibrations)
        .values(
            calibration_id=calibration_id,
            panel=panel,
            version_id=version_id,
            as_of=as_of,
            artefact=artefact,
            summary=summary,
            recorded_at=database_now(),
        )
        .on_conflict_do_nothing(index_elements=["calibration_id"])
    )


def calibration(connection: Connection, calibration_id: str) -> CalibrationRow | None:
    """A calibration by its id."""
    statement = select(*columns_of(calibrations, CalibrationRow))
    statement = statement.where(calibrations.c.calibration_id == calibration_id)
    return first_of(connection, statement, CalibrationRow)


def calibration_at(
    connection: Connection, panel: str, version_id: str | None, as_of: datetime
) -> CalibrationRow | None:
    """The newest calibration of a version, of no instant later than `as_of`."""
    columns = calibrations.c
    statement = (
        select(*columns_of(calibrations, CalibrationRow))
        .where(columns.panel == panel, columns.as_of <= as_of)
        .where(columns.version_id.is_not_distinct_from(version_id))
        .order_by(columns.as_of.desc(), columns.recorded_at.desc())
    )
    return first_of(connection, statement, CalibrationRow)


def _versions() -> Select[Any]:
    return select(*columns_of(versions_table, VersionRow))


def _champions(panel: str, at: datetime | None) -> Select[Any]:
    statement = (
        _versions()
        .join(decided, decided.c.version_id == versions_table.c.version_id)
        .where(decided.c.panel == panel, decided.c.action != "reject")
        .order_by(decided.c.effective_from.desc(), decided.c.id.desc())
    )
    return statement if at is None else statement.where(decided.c.effective_from <= at)


def _crown(connection: Connection, panel: str) -> None:
    """Let `status` name the version of the promotion that is effective last."""
    last = known(first_of(connection, _champions(panel, None), VersionRow))
    connection.execute(
        update(versions_table)
        .where(versions_table.c.panel == panel, versions_table.c.status == "champion")
        .values(status="retired")
    )
    _set_status(connection, last.version_id, "champion")


def _set_status(connection: Connection, version_id: str, status: VersionStatus) -> None:
    connection.execute(
        update(versions_table)
        .where(versions_table.c.version_id == version_id)
        .values(status=status)
    )


def _decide(connection: Connection, **values: Json) -> None:
    connection.execute(insert(decided).values(**values, recorded_at=database_now()))


def _decision(
    connection: Connection,
    action: Action,
    version_id: str,
    scorecard_id: str | None,
    effective_from: datetime | None,
) -> DecisionRow | None:
    statement = (
        select(*columns_of(decided, DecisionRow))
        .where(decided.c.action == action, decided.c.version_id == version_id)
        .where(decided.c.scorecard_id.is_not_distinct_from(scorecard_id))
        .where(decided.c.effective_from.is_not_distinct_from(effective_from))
        .order_by(decided.c.id.desc())
    )
    return first_of(connection, statement, DecisionRow)
