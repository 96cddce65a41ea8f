"""Forecast: every series of a panel, by the best rung that its history allows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.database.catalogue import retire_series
from rnnts.database.findings import record_findings
from rnnts.database.leases import hold
from rnnts.database.runs import record
from rnnts.errors import NoUsableDataError
from rnnts.findings import Finding
from rnnts.learning.predict import BLOCK
from rnnts.steps.nights import Given, Night
from rnnts.steps.provenance import Provenance
from rnnts.steps.results import StagedResult
from rnnts.steps.rungs import NETWORKS, Outcome, forecast_of
from rnnts.steps.staged import Block, Staged, keep_block

if TYPE_CHECKING:
    from rnnts.panels.arrays import IntArray
    from rnnts.project import Project
    from rnnts.steps.results import Kind


def forecast(
    project: "Project",
    panel: str,
    snapshot_id: str,
    issued_at: datetime,
    *,
    kind: "Kind" = "night",
) -> StagedResult:
    """Forecast every series and stage the result as files; no table shows any of it yet.

    Guarantees: equal snapshot, champion and calibration give an equal id and equal bits. Every
    series that is known has rows or a finding. A network is loaded only after its hash was
    checked, and TensorFlow only if a network serves.

    Raises:
        NoUsableDataError: NOTHING_TO_FORECAST where no rung can serve any series.
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT of the snapshot; ARTEFACT_UNSAFE of
            the weights; FENCED.
        InfrastructureError: STORE_READ_ONLY, DISK_FULL, LEASE_BUSY.
    """
    with record(project.database, panel, "forecast", issued_at) as run:
        given = Given.of(project, panel, snapshot_id, issued_at, kind)
        night = Night.of(given)
        outcome = forecast_of(night)
        _note(project, panel, issued_at, kind, outcome.rungs.findings)
        staged = _staged(project, night, outcome, snapshot_id, issued_at)
        staged = replace(staged, inputs=Provenance.of(given).to_json())
        result = StagedResult(
            panel=panel,
            staged_id=staged.keep(project.store),
            issued_at=issued_at,
            series=staged.series,
            skipped=len(staged.skipped),
            methods=staged.methods,
            degraded=staged.degraded,
        )
        run.done(result.to_json())
    return result


def _note(
    project: "Project",
    panel: str,
    issued_at: datetime,
    kind: "Kind",
    findings: Sequence[Finding],
) -> None:
    """Write down what was noticed; a look back at the past retires nobody."""
    if not findings:
        return
    codes = {"SERIES_RETIRED", "NO_ROWS"} if kind == "night" else set()
    retired = [str(finding.series) for finding in findings if finding.code in codes]
    with (
        hold(project.database, panel, "night") as lease,
        project.database.writing(lease) as connection,
    ):
        record_findings(connection, findings, issued_at)
        retire_series(connection, panel, retired, issued_at)


def _staged(
    project: "Project",
    night: Night,
    outcome: Outcome,
    snapshot_id: str,
    issued_at: datetime,
) -> Staged:
    """Keep the forecasts block by block, and describe them."""
    method = outcome.rungs.method
    served = np.flatnonzero(method != "skipped")
    if not served.size:
        raise NoUsableDataError(
            "NOTHING_TO_FORECAST",
            panel=night.panel.name,
            expected="at least one series that some method can forecast",
            got=f"none of {len(method)}",
            do="the findings of this panel say why, series by series",
        )
    chunks = [keep_block(project.store, block) for block in blocks_made(night, outcome)]
    used = night.serving if np.isin(method, NETWORKS).any() else None
    return Staged(
        panel=night.panel.name,
        issued_at=issued_at.astimezone(UTC).isoformat(),
        snapshot_id=snapshot_id,
        version_id=used.version.version_id if used else None,
        calibration_id=used.calibration_id if used else None,
        horizon=night.rules.horizon,
        levels=night.levels,
        outputs=used.config.levels if used else (),
        origin=night.origin,
        targets=tuple(targets_of(night).tolist()),
        methods=dict(sorted(Counter(method[served].tolist()).items())),
        skipped=tuple(
            night.panel.series[row].series_id for row in np.flatnonzero(method == "skipped")
        ),
        degraded=outcome.rungs.degraded,
        chunks=tuple(chunks),
    )


def blocks_made(night: Night, outcome: Outcome) -> Iterator[Block]:
    """The forecasts of the series that have one, in order, in blocks."""
    served = np.flatnonzero(outcome.rungs.method != "skipped")
    for start in range(0, served.size, BLOCK):
        rows = served[start : start + BLOCK]
        yield Block(
            tuple(night.panel.series[row].series_id for row in rows),
            outcome.quantiles[rows],
            outcome.raw[rows],
            outcome.rungs.method[rows],
            outcome.quality[rows],
            outcome.age[rows],
        )


def targets_of(night: Night) -> "IntArray":
    """Labels of the steps that are forecast, epoch seconds, [horizon]."""
    return night.panel.grid.label_of(np.arange(night.origin, night.origin + night.rules.horizon))
