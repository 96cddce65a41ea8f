"""A publication's inputs, read in its records: what `replay` computes and `explain` takes apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rnnts.database.issues import PublicationRow, publication_by_id
from rnnts.database.migrate import require_schema
from rnnts.database.models import VersionRow, calibration, version
from rnnts.database.named_files import REMOVED
from rnnts.database.runs import RunRow, runs_of
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.learning.calibration import Calibration
from rnnts.steps.kept import EVERY, PUBLISHED_ONCE
from rnnts.steps.nights import Given, looks_from
from rnnts.steps.provenance import Network, Provenance
from rnnts.steps.serving import Serving, config_of, load_verified
from rnnts.steps.snapshots import load_panel, manifest
from rnnts.steps.staged import Staged

if TYPE_CHECKING:
    from rnnts.project import Project


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A publication, what was staged for it, and what that was made from."""

    row: PublicationRow
    staged: Staged
    provenance: Provenance

    @property
    def name(self) -> str:
        """For a person."""
        return f"publication {self.row.id}"


def read_record(project: "Project", publication_id: int) -> Record:
    """The record of a publication; row and files have to tell the same.

    Raises:
        ConfigurationError: PUBLICATION_UNKNOWN, INPUTS_UNRECORDED, SCHEMA_MISSING, PANEL_UNKNOWN.
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT of its files; RECORD_MISMATCH.
    """
    require_schema(project.database)
    with project.database.reading() as connection:
        row = publication_by_id(connection, publication_id)
    if row is None or row.status not in PUBLISHED_ONCE:
        raise ConfigurationError(
            "PUBLICATION_UNKNOWN",
            expected="the number of something that was published",
            got=f"{publication_id}, which {'is ' + row.status if row else 'is not there'}",
            where="rnnts_publication",
            do="`rnnts explain PANEL SERIES` tells the number; or name panel and instant",
        )
    project.panel(row.panel)
    staged = Staged.load(project.store, row.staged_id)
    _compare(row, staged)
    return Record(row, staged, Provenance.from_json(staged.inputs, f"publication {row.id}"))


def _compare(row: PublicationRow, staged: Staged) -> None:
    """RECORD_MISMATCH where the table says another thing than the staged manifest."""
    said = {
        "panel": (row.panel, staged.panel),
        "issued_at": (row.issued_at, datetime.fromisoformat(staged.issued_at)),
        "snapshot": (row.snapshot_id, staged.snapshot_id),
        "model version": (row.version_id, staged.version_id),
        "calibration": (row.calibration_id, staged.calibration_id),
        "horizon": (row.horizon, staged.horizon),
        "series": (row.series, staged.series),
    }
    unlike = [f"{name} {now}, was {then}" for name, (now, then) in said.items() if now != then]
    if unlike:
        raise IntegrityError(
            "RECORD_MISMATCH",
            panel=row.panel,
            expected="the publication as it was staged",
            got="; ".join(unlike),
            where=f"rnnts_publication, id {row.id}",
            do="somebody changed this row; restore it from a backup",
        )


def given_again(
    project: "Project", record: Record, serving: Serving | None, *, since: int | None = None
) -> Given:
    """What a publication was made from; nothing of it is looked up anew.

    Args:
        project: The project.
        record: Of the publication.
        serving: What `serving_again` gave.
        since: Load observations from this step on; default: as far back as the forecast looked.

    Raises:
        ConfigurationError: INPUTS_REMOVED, saying which and since when.
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT.
    """
    row, snapshot_id = record.row, record.row.snapshot_id
    what = f"snapshot {snapshot_id[:12]}"
    with _removal_told(project, record, "snapshots", snapshot_id, what):
        snapshot = manifest(project, snapshot_id)
        origin = snapshot.grid.first_target(row.issued_at)
        first = looks_from(snapshot.grid, origin, serving) if since is None else since
        panel = load_panel(project, snapshot_id, first_step=first, with_covariates=True)
        panel = panel.upto(origin - 1)
    return Given(
        panel,
        snapshot.first_step,
        snapshot.watermark,
        origin,
        record.provenance.config(project.panel(row.panel)),
        serving,
        record.provenance.known,
        record.provenance.why,
    )


def serving_again(
    project: "Project", record: Record, beside: Serving | None = None
) -> Serving | None:
    """The network that served a publication, with the calibration and the baselines of then.

    Args:
        project: The project.
        record: Of the publication.
        beside: Another one; its network is not loaded again if it is the same.

    Raises:
        ConfigurationError: INPUTS_REMOVED, saying which and since when.
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT, ARTEFACT_MISMATCH, ARTEFACT_UNSAFE.
    """
    network = record.provenance.network
    if network is None:
        return None
    with project.database.reading() as connection:
        row = version(connection, network.version_id)
    if row is None:
        raise _gone(record, f"model version {network.version_id[:12]}", "rnnts_model_version")
    what = f"weights of model version {row.version_id[:12]}"
    if row.weights_name == REMOVED:
        raise removed(project, record, "versions", row.version_id, what)
    if beside is not None and beside.version.version_id == row.version_id:
        model = beside.model
    else:
        with _removal_told(project, record, "versions", row.version_id, what):
            model = load_verified(project, row)
    return Serving(
        network.method,
        row,
        config_of(row),
        model,
        _calibration(project, record, row, network),
        network.calibration_id,
        network.baselines,
    )


def _calibration(
    project: "Project", record: Record, row: VersionRow, network: Network
) -> Calibration:
    if network.calibration_id is None:
        config = config_of(row)
        return Calibration.identity(config.levels, config.horizon)
    with project.database.reading() as connection:
        found = calibration(connection, network.calibration_id)
    what = f"calibration {network.calibration_id[:12]}"
    if found is None:
        raise _gone(record, what, "rnnts_calibration")
    if found.artefact == REMOVED:
        raise removed(project, record, "versions", row.version_id, what)
    with _removal_told(project, record, "versions", row.version_id, what):
        return Calibration.from_arrays(project.store.get_arrays(found.artefact))


def _gone(record: Record, what: str, where: str) -> IntegrityError:
    return IntegrityError(
        "RECORD_MISMATCH",
        panel=record.row.panel,
        expected=f"the {what} that {record.name} was made from",
        got="no such row",
        where=where,
        do="rows of this table are never removed by rnnts; restore it from a backup",
    )


@contextmanager
def _removal_told(
    project: "Project", record: Record, kind: str, name: str, what: str
) -> Iterator[None]:
    """A file that is missing because `tidy` removed it is no fault: say so, and since when."""
    try:
        yield
    except IntegrityError as error:
        if error.code == "ARTEFACT_MISSING" and _removal(project, kind, name) is not None:
            raise removed(project, record, kind, name, what) from error
        raise


def removed(
    project: "Project", record: Record, kind: str, name: str, what: str
) -> ConfigurationError:
    """INPUTS_REMOVED: an input that retention did not keep, and since when it is gone."""
    run = _removal(project, kind, name)
    when = run.finished_at or run.started_at if run else None
    since = (
        f"on {when.isoformat(timespec='seconds')}"
        if when
        else "at a time that no finished run tells"
    )
    return ConfigurationError(
        "INPUTS_REMOVED",
        panel=record.row.panel,
        expected=f"the {what}, from which {record.name} was made",
        got=f"nothing: `rnnts tidy` removed it {since}",
        where=str(project.store.root),
        do="its rows and files stay and can be read; only newer nights can be computed again",
    )


def _removal(project: "Project", kind: str, name: str) -> RunRow | None:
    """The run of `tidy` that removed something."""
    with project.database.reading() as connection:
        tidied = runs_of(connection, "", "tidy", limit=EVERY)
    return next(
        (
            run
            for run in tidied
            if run.result and name in run.result.get("removed", {}).get(kind, ())
        ),
        None,
    )
