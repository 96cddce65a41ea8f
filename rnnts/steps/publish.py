"""Publish: a staged forecast, written where no reader looks, then made live in one transaction.

The gates have decided in `forecast`, where the history is: what is staged is what goes live, row
for row, and its id says so. Here nothing is chosen any more, only verified.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import ForecastRows
from rnnts.database.leases import hold
from rnnts.database.publications import Flipped, Manifest, flip, stage
from rnnts.database.runs import record
from rnnts.errors import IntegrityError
from rnnts.steps.results import PublicationResult
from rnnts.steps.staged import Block, Staged, blocks_of

if TYPE_CHECKING:
    from rnnts.project import Project
    from rnnts.steps.results import Kind

CHUNK_ROWS = 20_000
"""Rows of a transaction: SQLite's other writers wait for 0.1 s."""


def publish(
    project: "Project",
    panel: str,
    staged_id: str,
    issued_at: datetime,
    *,
    kind: "Kind" = "night",
    replace: bool = False,
) -> PublicationResult:
    """Make a staged forecast what readers see, or say that it stands already.

    Guarantees: a reader sees all of it or none. A night goes live if nothing newer is; another
    kind never does. A failure leaves what readers see as it was.

    Args:
        project: The project.
        panel: The panel's name.
        staged_id: What `forecast` gave.
        issued_at: The instant that it belongs to.
        kind: night, backfill, shadow or hindcast.
        replace: Whether an issue that is published gets a next revision.

    Returns:
        exit_code 3 where some series fell back, 0 where all is well or was done before.

    Raises:
        IntegrityError: STAGE_MISMATCH, ARTEFACT_MISSING, ARTEFACT_CORRUPT, FENCED.
        InfrastructureError: LEASE_BUSY, and those of the database.
        ConfigurationError: ISSUE_LIVE where a backfill would replace what is live.
    """
    with record(project.database, panel, "publish", issued_at) as run:
        staged = Staged.load(project.store, staged_id)
        _check_issue(staged, panel, issued_at, staged_id)
        with hold(project.database, panel, "night") as lease:
            row = stage(
                project.database,
                lease,
                _manifest(staged, staged_id, issued_at, kind),
                _chunks(project, staged),
                replace=replace,
            )
            flipped = flip(
                project.database,
                lease,
                row.id,
                run=run,
                describe=lambda done: _result(done).to_json(),
            )
        result = _result(flipped)
        if flipped.noop:
            run.noop(result.to_json(), flipped.message)
    return result


def _check_issue(staged: Staged, panel: str, issued_at: datetime, staged_id: str) -> None:
    found = (staged.panel, staged.issued_at)
    if found != (panel, issued_at.astimezone(UTC).isoformat()):
        raise IntegrityError(
            "STAGE_MISMATCH",
            panel=panel,
            expected=f"a forecast of {panel} for {issued_at.isoformat()}",
            got=f"one of {staged.panel} for {staged.issued_at}",
            where=f"staged forecast {staged_id[:12]}",
            do="give the id that `rnnts forecast` printed for this instant",
        )


def _manifest(staged: Staged, staged_id: str, issued_at: datetime, kind: "Kind") -> Manifest:
    return Manifest(
        panel=staged.panel,
        issued_at=issued_at,
        kind=kind,
        staged_id=staged_id,
        snapshot_id=staged.snapshot_id,
        version_id=staged.version_id,
        calibration_id=staged.calibration_id,
        horizon=staged.horizon,
        series=staged.series,
        skipped=len(staged.skipped),
        degraded=staged.degraded,
    )


def _chunks(project: "Project", staged: Staged) -> Iterator[ForecastRows]:
    """The rows in transactions of CHUNK_ROWS, whole series each."""
    with project.database.reading() as connection:
        keys = series_keys(connection, staged.panel)
    together = max(1, CHUNK_ROWS // staged.horizon)
    for block in blocks_of(project.store, staged):
        for start in range(0, len(block.series), together):
            yield rows_of(staged, block, slice(start, start + together), keys)


def rows_of(staged: Staged, block: Block, part: slice, keys: Mapping[str, int]) -> ForecastRows:
    """Some series of a block as rows of the table; a level not asked for is missing."""
    series = np.array([keys[name] for name in block.series[part]], np.int64)
    steps, horizon = np.arange(1, staged.horizon + 1), staged.horizon
    quantiles = np.full((len(series), horizon, len(LEVELS)), np.nan)
    places = [LEVELS.index(level) for level in staged.levels]
    quantiles[:, :, places] = block.quantiles[part]
    return ForecastRows(
        np.repeat(series, horizon),
        np.tile(steps, len(series)),
        np.tile(np.array(staged.targets, np.int64), len(series)),
        quantiles.reshape(-1, len(LEVELS)),
        np.repeat(block.method[part], horizon),
        np.repeat(block.quality[part], horizon),
    )


def _result(flipped: Flipped) -> PublicationResult:
    return PublicationResult(
        panel=flipped.panel,
        issued_at=flipped.issued_at,
        publication=flipped.publication,
        status=flipped.status,
        noop=flipped.noop,
        rows=flipped.rows,
        exit_code=flipped.exit_code,
        message=flipped.message,
    )
