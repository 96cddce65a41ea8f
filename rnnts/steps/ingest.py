"""Ingest: the source, read as of an instant, checked and frozen as a snapshot."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnts.database.catalogue import known_series, register_series
from rnnts.database.findings import fold, record_findings
from rnnts.database.leases import hold
from rnnts.database.migrate import ensure_schema
from rnnts.database.runs import record
from rnnts.database.snapshots import add_snapshot, newest_snapshot, snapshot_row
from rnnts.database.views import SourceColumns, create_view, source_columns
from rnnts.errors import (
    ConfigurationError,
    InfrastructureError,
    IntegrityError,
    NoUsableDataError,
    RnntsError,
)
from rnnts.failpoints import hit
from rnnts.findings import Finding
from rnnts.panels.freeze import Freezer, Life, Limits
from rnnts.panels.newcomers import newcomers
from rnnts.steps.covariates import Span, freeze_covariates
from rnnts.steps.instants import aware
from rnnts.steps.intaking import (
    Earlier,
    Taken,
    first_step_again,
    nothing_usable,
    take_in,
)
from rnnts.steps.results import SnapshotResult
from rnnts.steps.snapshots import (
    FORMAT,
    Chunk,
    Manifest,
    manifest,
    read_lives,
    write_chunk,
    write_lives,
)
from rnnts.steps.timeline import Errand

if TYPE_CHECKING:
    from rnnts.config import PanelConfig
    from rnnts.database.catalogue import SeriesRow
    from rnnts.database.leases import Lease
    from rnnts.database.runs import RunRecord
    from rnnts.panels.panel import SeriesInfo
    from rnnts.project import Project

FUTURE_SHARE = 0.01
"""Share of rows stamped after as_of from which on it is worth saying."""


def ingest(project: "Project", panel: str, as_of: datetime) -> SnapshotResult:
    """Read a panel's source as of an instant, check it and freeze it.

    The snapshot depends on what can be seen at `as_of`, and on nothing else: running this again
    gives the same id. An earlier snapshot saves reading what is older than `revision_span`.

    Args:
        project: Whose panel.
        panel: Its name.
        as_of: Aware; nothing known later is used.

    Raises:
        ConfigurationError: PANEL_UNKNOWN, INSTANT_INVALID, SOURCE_MISSING, COLUMN_MISSING,
            SOURCE_SQL, FREQUENCY_UNKNOWN, SERIES_LIMIT.
        NoUsableDataError: SOURCE_EMPTY, TIME_UNPARSABLE, VALUE_NOT_NUMERIC, ALL_MISSING.
        InfrastructureError: As databases and store raise it; LEASE_BUSY.
        IntegrityError: FENCED, SCHEMA_NEWER.
    """
    config = project.panel(panel)
    at = aware(as_of).astimezone(UTC).replace(microsecond=0)
    errand = Errand(project, panel, config, at)
    ensure_schema(project.database)
    with (
        hold(project.database, panel, "ingest") as lease,
        record(project.database, panel, "ingest", errand.as_of) as run,
    ):
        hit("ingest.before_read")
        try:
            draft = _draft(errand)
        except (ConfigurationError, NoUsableDataError) as error:
            _note_failure(errand, error)
            raise
        return _commit(errand, draft, lease, run)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A snapshot in the store that no row names yet."""

    snapshot_id: str
    manifest: Manifest
    lives: list[Life]
    rows: int
    findings: list[Finding]


def _draft(errand: Errand) -> _Draft:
    """Read and write everything that the store keeps."""
    before = _before(errand)
    grid = before.grid if before else None
    with errand.project.store.scratch("ingest") as folder:
        if before is not None and (earlier := _earlier(errand, before)) is not None:
            taken = take_in(errand, folder, grid, earlier)
            frozen = _frozen(errand, taken, before, earlier)
            if frozen is not None:
                return frozen
        taken = take_in(errand, folder, grid)
        frozen = _frozen(errand, taken)
    if frozen is None:
        _record(errand, _findings(errand, taken))
        raise nothing_usable(errand, taken)
    return frozen


def _recipe(config: "PanelConfig") -> str:
    """Hash of all that says how rows become values; where the source stands is not part of it."""
    recipe = {
        "format": FORMAT,
        "source": config.source.model_dump(mode="json", exclude={"url"}),
        "frequency": config.frequency,
        "timezone": config.timezone,
        "minimum": config.minimum,
        "maximum": config.maximum,
    }
    return sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _before(errand: Errand) -> Manifest | None:
    """The newest earlier snapshot that was read in the same way."""
    with errand.project.database.reading() as connection:
        row = newest_snapshot(connection, errand.panel, errand.as_of)
    if row is None:
        return None
    try:
        found = manifest(errand.project, row.snapshot_id)
    except IntegrityError:
        return None  # reading everything again also mends the store
    return found if found.recipe == _recipe(errand.config) else None


def _earlier(errand: Errand, before: Manifest) -> Earlier | None:
    """What of it need not be read again; None where something of it is gone."""
    store = errand.project.store
    first = first_step_again(before.grid, before.watermark, errand.config.revision_span)
    kept = [chunk.name for chunk in before.chunks if chunk.first_step < first]
    if not kept or not all(store.has(name) for name in kept):
        return None
    try:
        lives = read_lives(store, before.series)
    except IntegrityError:
        return None
    return Earlier(first, {life.info.series_id: life for life in lives})


def _frozen(
    errand: Errand, taken: Taken, before: Manifest | None = None, earlier: Earlier | None = None
) -> _Draft | None:
    """Write the snapshot; None where what was read does not make one."""
    intake, store = taken.intake, errand.project.store
    if not intake.seen:
        return None
    limits = Limits(errand.config.minimum, errand.config.maximum)
    lives_before = earlier.lives if earlier else {}
    freezer = Freezer(intake, taken.sheets.spans(), limits, lives_before)
    chunks: list[Chunk] = []
    if before is not None and earlier is not None:
        chunks += [chunk for chunk in before.chunks if chunk.first_step < earlier.first_step]
    for block in freezer.blocks():
        chunks.append(write_chunk(store, block))
        hit("ingest.snapshot_half")
    watermark = freezer.watermark
    if watermark is None or freezer.lost():
        return None
    lives = freezer.lives()
    whole = Manifest(
        panel=errand.panel,
        recipe=_recipe(errand.config),
        grid=intake.view.grid,
        series=write_lives(store, lives),
        first_step=min(life.info.first for life in lives),
        watermark=watermark,
        chunks=tuple(chunks),
    )
    whole, found = _with_covariates(errand, whole, before, earlier)
    findings = [*_findings(errand, taken), *found]
    return _Draft(_kept(errand, whole), whole, lives, intake.rows, findings)


def _with_covariates(
    errand: Errand, whole: Manifest, before: Manifest | None, earlier: Earlier | None
) -> tuple[Manifest, list[Finding]]:
    """The manifest with what is known besides the values, where anything is configured."""
    grid = whole.grid
    span = Span(grid, whole.first_step, grid.last_visible(errand.as_of), errand.config.horizon)
    frozen, findings = freeze_covariates(
        errand,
        span,
        before.covariates if before else (),
        earlier.first_step if earlier else None,
    )
    return replace(whole, covariates=frozen), findings


def _kept(errand: Errand, whole: Manifest) -> str:
    """Keep a manifest; its hash is the snapshot's id."""
    text = json.dumps(whole.to_json(), sort_keys=True, ensure_ascii=False)
    name = errand.project.store.put(
        text.encode(),
        "snapshot",
        "json",
        before_rename=lambda: hit("ingest.snapshot_before_rename"),
        after_rename=lambda: hit("ingest.snapshot_renamed"),
    )
    return Path(name).stem


def _commit(errand: Errand, draft: _Draft, lease: "Lease", run: "RunRecord") -> SnapshotResult:
    """Name the snapshot in the database, with all that belongs to it, in one transaction."""
    database, panel, as_of = errand.project.database, errand.panel, errand.as_of
    label = int(draft.manifest.grid.label_of(np.array([draft.manifest.watermark]))[0])
    watermark = datetime.fromtimestamp(label, UTC)
    infos = [life.info for life in draft.lives]
    columns = _columns(errand)

    def attempt() -> SnapshotResult:
        with database.writing(lease) as connection:
            there = snapshot_row(connection, panel, as_of)
            known = known_series(connection, panel)
            newly = newcomers(
                panel, infos, {row.series_id for row in known}, draft.manifest.watermark
            )
            findings = [*draft.findings, *newly]
            result = SnapshotResult(
                panel=panel,
                snapshot_id=draft.snapshot_id,
                as_of=as_of,
                watermark=watermark,
                series=len(infos),
                rows=draft.rows,
                findings=len(fold(findings)),
            )
            if there is not None and there.snapshot_id == draft.snapshot_id:
                run.noop(result.to_json(), "the same snapshot stands already")
            else:
                run.done(result.to_json())
                add_snapshot(
                    connection,
                    panel=panel,
                    as_of=as_of,
                    snapshot_id=draft.snapshot_id,
                    watermark=watermark,
                    series=len(infos),
                    rows=draft.rows,
                )
                register_series(connection, panel, _to_register(errand, draft, known), as_of)
                create_view(connection, panel, columns)
                record_findings(connection, findings, as_of)
            run.write(connection)
            hit("ingest.before_commit")
        return result

    result = database.patiently(attempt)
    run.settled = True
    return result


def _columns(errand: Errand) -> SourceColumns:
    """The source's own columns, for the view that a user joins."""
    source = errand.project.source(errand.panel)
    try:
        return source_columns(source, errand.config.source, errand.config.timezone)
    finally:
        source.close()


def _to_register(errand: Errand, draft: _Draft, known: Sequence["SeriesRow"]) -> list["SeriesInfo"]:
    """Series that are new, older than was thought, or back after they were retired."""
    rows = {row.series_id: row for row in known}
    infos = [life.info for life in draft.lives]
    labels = draft.manifest.grid.label_of(np.array([info.last for info in infos], np.int64))
    return [
        info
        for info, label in zip(infos, labels.tolist(), strict=True)
        if (row := rows.get(info.series_id)) is None
        or row.first_seen > errand.as_of
        or (row.retired_at is not None and row.retired_at.timestamp() < label)
    ]


def _findings(errand: Errand, taken: Taken) -> list[Finding]:
    """What the rows gave cause to say."""
    intake = taken.intake
    found = [*taken.findings, *taken.of_rows(errand)]
    if intake.later > FUTURE_SHARE * intake.rows:
        found.append(
            Finding(
                "TIME_IN_FUTURE",
                "info",
                errand.panel,
                f"{intake.later} of {intake.rows} rows are stamped after "
                f"{errand.as_of.isoformat()}; they are not seen",
                "nothing to do for an instant of the past; else look at source.timezone",
            )
        )
    return found


def _note_failure(errand: Errand, error: RnntsError) -> None:
    """Leave a finding, so that who looks at the panel sees why there is no snapshot."""
    got = f"expected {error.expected}, got {error.got}" if error.expected else error.got
    evidence = f"{got}, in {error.where}" if error.where else got
    _record(errand, [Finding(error.code, "error", errand.panel, evidence, error.do)])


def _record(errand: Errand, findings: list[Finding]) -> None:
    database = errand.project.database

    def attempt() -> None:
        with database.writing() as connection:
            record_findings(connection, findings, errand.as_of)

    with suppress(InfrastructureError):  # the error that led here matters more
        database.patiently(attempt)
