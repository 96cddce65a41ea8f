"""One read of a source into sheets on disk: from where on, and how often again."""

import os
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import duration_seconds
from rnnts.database.journal import wal_finding
from rnnts.database.source_read import SourceReader, reading_source
from rnnts.errors import NoUsableDataError
from rnnts.failpoints import hit
from rnnts.findings import Finding
from rnnts.panels.accumulate import SPANS
from rnnts.panels.freeze import Life
from rnnts.panels.identity import SeriesCodes
from rnnts.panels.intake import NEVER, Intake, View, parts_of
from rnnts.panels.numbers import NOT_NUMERIC
from rnnts.panels.sheets import GrowingSheets, Open
from rnnts.panels.tally import place_of
from rnnts.steps.timeline import Errand, settle_grid, source_empty, times_unreadable

if TYPE_CHECKING:
    from rnnts.panels.arrays import AnyArray
    from rnnts.panels.grid import Grid

TRIES = 3
"""Reads of a table that changes under them, before the newest has to do."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What of an earlier snapshot need not be read again.

    Args:
        first_step: Where reading begins again: the start of a span.
        lives: Its series, by id.
    """

    first_step: int
    lives: dict[str, Life]


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What a read gave, on sheets that live as long as the scratch folder."""

    intake: Intake
    sheets: GrowingSheets
    findings: tuple[Finding, ...]

    def of_rows(self, errand: Errand) -> list[Finding]:
        """What single rows gave cause to say."""
        intake = self.intake
        return intake.tally.findings(errand.panel, errand.config.source, intake.series.ids)


def nothing_usable(errand: Errand, taken: Taken) -> NoUsableDataError:
    """Why rows that were read make no panel."""
    intake, source = taken.intake, errand.config.source
    if not intake.seen:
        unreadable = intake.tally.total("TIME_UNPARSABLE")
        if unreadable and unreadable == intake.rows:
            example = intake.tally.example("TIME_UNPARSABLE")
            return times_unreadable(errand, unreadable, example)
        return source_empty(errand)
    texts = intake.tally.total(NOT_NUMERIC)
    example = f" such as {intake.tally.example(NOT_NUMERIC)}" if texts else ""
    return NoUsableDataError(
        NOT_NUMERIC if texts else "ALL_MISSING",
        panel=errand.panel,
        expected="numbers",
        got=f"{intake.seen} rows and no usable value"
        + (f", {texts} of text{example}" if texts else ""),
        where=place_of(source, "value"),
        do="name the column of values in source.value",
    )


def first_step_again(grid: "Grid", watermark: int, revision_span: str) -> int:
    """Where the next read begins: `revision_span` before the watermark, at the start of a span."""
    label = int(grid.label_of(np.array([watermark]))[0]) - duration_seconds(revision_span)
    columns = SPANS[grid.frequency]
    return int(grid.step_of(np.array([label]))[0]) // columns * columns


def take_in(
    errand: Errand, folder: Path, grid: "Grid | None", earlier: Earlier | None = None
) -> Taken:
    """Read a source, and again where the database failed in a way that may pass.

    Args:
        errand: What to read.
        folder: For sheets.
        grid: The panel's time line where an earlier snapshot has frozen it.
        earlier: What need not be read again; needs a grid.

    Raises:
        ConfigurationError: SOURCE_MISSING, COLUMN_MISSING, SOURCE_SQL, FREQUENCY_UNKNOWN,
            SERIES_LIMIT.
        NoUsableDataError: SOURCE_EMPTY.
        InfrastructureError: As `Database.reading`.
    """
    since = _since(grid, earlier) if grid is not None and earlier is not None else None
    source = errand.config.source

    def attempt() -> Taken:
        with reading_source(database, source, errand.panel, since) as reader:
            return _passes(errand, reader, folder, grid or settle_grid(errand, reader), earlier)

    database = errand.project.source(errand.panel)
    try:
        taken = database.patiently(attempt)
        unsafe = wal_finding(database, errand.panel)
        return replace(taken, findings=(*taken.findings, unsafe)) if unsafe else taken
    finally:
        database.close()


def _since(grid: "Grid", earlier: Earlier) -> datetime:
    """No stamp of a wanted step is older: the label before its first, and an hour for clocks."""
    label = int(grid.label_of(np.array([earlier.first_step - 1]))[0])
    return datetime.fromtimestamp(label, UTC) - timedelta(hours=1)


def _passes(
    errand: Errand, reader: SourceReader, folder: Path, grid: "Grid", earlier: Earlier | None
) -> Taken:
    """Read until the table stood still, and until it is clear what naive stamps are."""
    zone: str | None = errand.timezone
    tries = 0
    while True:
        intake, sheets = _empty(errand, folder, grid, earlier, zone)
        with closing(reader.pages()) as pages:
            for page in pages:
                intake.take(page)
        if intake.mixed and errand.config.source.timezone is None:
            zone = None  # some stamps say their zone: what the others mean would be a guess
            continue
        tries, still = tries + 1, reader.stood_still()
        if still or tries == TRIES:
            break
    intake.finish()
    hit("ingest.read_done")
    beyond = reader.beyond()
    intake.tally.note("TIME_OUT_OF_RANGE", beyond.count, beyond.example)
    return Taken(intake, sheets, () if still else (_moving(errand),))


def _empty(
    errand: Errand, folder: Path, grid: "Grid", earlier: Earlier | None, zone: str | None
) -> tuple[Intake, GrowingSheets]:
    source = errand.config.source
    view = View(
        source=source,
        grid=grid,
        as_of=errand.second,
        last_visible=grid.last_visible(errand.as_of),
        first_step=-NEVER if earlier is None else earlier.first_step,
        timezone=zone,
        columns=SPANS[grid.frequency],
    )
    series = SeriesCodes(source.series, errand.panel)
    for life in earlier.lives.values() if earlier else ():
        series.remember(life.info.series_id, life.info.keys)
    fresh = Path(tempfile.mkdtemp(dir=folder))
    sheets = GrowingSheets(_files_in(fresh), view.columns, parts_of(source))
    return Intake(view, series, sheets), sheets


def _files_in(folder: Path) -> Open:
    """Arrays in files of a folder: the page cache holds them, not this process."""

    def open_array(name: str, rows: int, columns: int, dtype: str) -> "AnyArray":
        path = folder / name
        size = rows * columns * np.dtype(dtype).itemsize
        with path.open("ab") as file:
            os.posix_fallocate(
                file.fileno(), 0, size
            )  # a full disk is an error here, later a crash
        return np.memmap(path, dtype, "r+", shape=(rows, columns))

    return open_array


def _moving(errand: Errand) -> Finding:
    return Finding(
        "SOURCE_MOVING",
        "warning",
        errand.panel,
        f"{errand.config.source.table} changed during each of {TRIES} reads; the newest is used",
        "load the table outside of the forecast's schedule, or in one transaction",
    )
