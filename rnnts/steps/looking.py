"""A source, looked at as of an instant: nothing is kept, in no table and in no store."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from rnnts.database.findings import fold
from rnnts.database.migrate import schema_version
from rnnts.database.snapshots import newest_snapshot
from rnnts.errors import IntegrityError
from rnnts.findings import Finding
from rnnts.panels.freeze import Block, Freezer, Limits
from rnnts.panels.panel import Panel
from rnnts.steps.covariate_facts import Described, describe_covariates, described_findings
from rnnts.steps.covariates import Span, look_at_covariates
from rnnts.steps.instants import aware
from rnnts.steps.intaking import nothing_usable, take_in
from rnnts.steps.room import check_room
from rnnts.steps.snapshots import manifest
from rnnts.steps.timeline import Errand

if TYPE_CHECKING:
    from rnnts.panels.grid import Grid
    from rnnts.project import Project


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What can be seen of a source."""

    panel: Panel
    rows: int  # read, those that cannot be seen yet included
    later: int  # of them, stamped after the instant
    findings: tuple[Finding, ...]
    covariates: tuple[Described, ...] = ()  # their columns


def look(project: "Project", panel: str, as_of: datetime) -> Look:
    """Read a panel's source as `ingest` would, and keep nothing.

    Raises:
        RnntsError: As `ingest`; PANEL_TOO_LARGE.
    """
    errand = Errand(project, panel, project.panel(panel), aware(as_of))
    with TemporaryDirectory(prefix="rnnts-look-") as folder:
        taken = take_in(errand, Path(folder), _grid_before(errand))
        intake = taken.intake
        limits = Limits(errand.config.minimum, errand.config.maximum)
        freezer = Freezer(intake, taken.sheets.spans(), limits, {})
        blocks = list(freezer.blocks()) if intake.seen else []
        watermark = freezer.watermark if intake.seen else None
        if watermark is None:
            raise nothing_usable(errand, taken)
        found = _joined(panel, intake.view.grid, freezer, blocks, watermark)
    described, said = _look_beside(errand, found)
    findings = [*taken.findings, *taken.of_rows(errand), *said]
    return Look(found, intake.rows, intake.later, fold(findings), described)


def _look_beside(errand: Errand, panel: Panel) -> tuple[tuple[Described, ...], list[Finding]]:
    """The panel's covariates, and what there is to say of them."""
    last = panel.grid.last_visible(errand.as_of)
    span = Span(panel.grid, panel.first_step, last, errand.config.horizon)
    covariates, findings = look_at_covariates(errand, span)
    described = describe_covariates(panel, covariates, span)
    return described, [*findings, *described_findings(errand.panel, described)]


def _grid_before(errand: Errand) -> "Grid | None":
    """The time line that the first snapshot froze."""
    database = errand.project.database
    if schema_version(database) == 0:
        return None
    with database.reading() as connection:
        row = newest_snapshot(connection, errand.panel, errand.as_of)
    if row is not None:
        with suppress(IntegrityError):
            return manifest(errand.project, row.snapshot_id).grid
    return None


def _joined(
    name: str, grid: "Grid", freezer: Freezer, blocks: list[Block], watermark: int
) -> Panel:
    """One dense panel out of blocks."""
    infos = tuple(life.info for life in freezer.lives())
    first = min(info.first for info in infos)
    check_room(name, len(infos), watermark - first + 1)
    values = np.full((len(infos), watermark - first + 1), np.nan)
    row_of = {info.series_id: row for row, info in enumerate(infos)}
    for block in blocks:
        rows = np.array([row_of[series_id] for series_id in block.ids], np.int64)
        begin = max(first, block.first_step)
        end = min(watermark + 1, block.first_step + block.values.shape[1])
        part = block.values[:, begin - block.first_step : end - block.first_step]
        values[rows, begin - first : end - first] = part
    return Panel(name, grid, infos, first, values, watermark)
