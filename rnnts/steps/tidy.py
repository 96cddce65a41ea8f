"""Tidy: retention. Never the champion, never what is live, never what either is made from.

Rows and files stay as long as somebody may ask for them:

- rows of a panel's last nights, of the night that is live and of the one before it, of backfills;
- the files of every publication, for older nights are kept as nothing else;
- weights, probe, held-out errors, calibrations and safeguards of the champion and of the one
  before it, of each version that made a publication whose rows stay (a replay needs them), of the
  version trained last, and of any that is younger than a retrain period; the rows of the others
  say that their files are removed, and a version's manifest stays;
- the window set laid out last, those of undecided versions and of jobs, and any that is younger
  than a retrain period;
- a job's folder, for a retrain period after its last change: until then an interrupted training
  can go on, and one that was done is found to be done;
- snapshots for 35 days, then those that something above is made from or scored against.

A retrain period is the longest of the schedules, at least a week. A file that nothing refers to
goes after a day. Rows change first, files follow: no row names a file that was removed. (The ids
of snapshots and window sets in rows say what something was made from, and promise no file.)
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rnnts.artefacts import Store
from rnnts.database.forecasts import count_rows, delete_rows
from rnnts.database.issues import PublicationRow, publication_by_id, publications
from rnnts.database.leases import hold
from rnnts.database.migrate import ensure_schema
from rnnts.database.named_files import forget_files, named_files
from rnnts.database.runs import record, runs_of
from rnnts.failpoints import hit
from rnnts.steps import kept
from rnnts.steps.frozen_covariates import KIND as COVARIATE
from rnnts.steps.kept import EVERY, KINDS, ROLLBACK
from rnnts.steps.results import TidyResult
from rnnts.steps.staged import BLOCKS, Staged
from rnnts.steps.staged import KIND as STAGED
from rnnts.steps.window import KIND as WINDOWS

if TYPE_CHECKING:
    from rnnts.project import Project

NIGHTS = 14
"""Nights whose rows stay in the tables; older ones stay as files of the store."""
DAY = 86_400.0
"""A file that nobody refers to may belong to a run that goes on; after a day it does not."""
SNAPSHOT_DAYS = 35
"""Snapshots stay so long, because nights are scored against theirs; then only some do."""
OF_VERSIONS = (
    "weights", "probe", "errors", "residuals", "calibration", "safeguards", "scorecard",
)  # fmt: skip
"""Kinds of files that rows about a version name."""
Removed = dict[str, list[str]]
"""Ids of snapshots and versions whose files went: who replays a night is told since when."""


def tidy(project: "Project", *, nights: int = NIGHTS) -> TidyResult:
    """Remove what retention does not keep.

    Killed and run again, it ends where it would have.

    Args:
        project: The project.
        nights: How many nights of each panel stay in the tables.

    Raises:
        InfrastructureError: LEASE_BUSY, and those of the database and the store.
    """
    rows = 0
    removed: Removed = {"snapshots": [], "versions": []}
    ensure_schema(project.database)
    with record(project.database, "", "tidy", None) as run:
        for panel in sorted(project.config.panels):
            rows += _tidy_rows(project, panel, nights)
        files = _tidy_files(project, removed)
        result = TidyResult(rows=rows, files=files, removed=removed)
        run.done(result.to_json())
    return result


def _tidy_rows(project: "Project", panel: str, nights: int) -> int:
    """Delete the rows of a panel that retention does not keep; each publication by itself.

    A publication is staged under the lease that is held here for a moment, so what is only staged
    was left by a run that died.
    """
    deleted = 0
    for publication in _outlived(project, panel, max(nights, ROLLBACK)):
        with (
            hold(project.database, panel, "night") as lease,
            project.database.writing(lease) as connection,
        ):
            now = publication_by_id(connection, publication.id)
            if now is not None and now.status == publication.status:  # else it was published since
                deleted += delete_rows(connection, publication.id)
            hit("tidy.rows_deleted")
    return deleted


def _outlived(project: "Project", panel: str, nights: int) -> list[PublicationRow]:
    """Publications whose rows are to go: old ones, replaced ones, and what dead runs staged.

    What a person took back goes with the nights of its age.

    A backfill was asked for by a person, who looks at its rows in the tables: it stays.
    """
    with project.database.reading() as connection:
        published = publications(connection, panel, EVERY, kinds=("night",))
        old = [one for one in published[nights:] if one.status != "live"]
        kept_since = published[:nights][-1].issued_at if published else None
        held = publications(
            connection, panel, EVERY, kinds=("night",), statuses=("held",), until=kept_since
        )
        aside = publications(
            connection,
            panel,
            EVERY,
            kinds=KINDS,
            statuses=("staged", "dead", "replaced"),
        )
        return [one for one in (*old, *held, *aside) if count_rows(connection, one.id)]


def _tidy_files(project: "Project", removed: Removed) -> int:
    """Remove what nobody refers to; nothing while some other step runs, whose files are new."""
    store = project.store
    with store.scratch("tidy") as folder:
        now = folder.stat().st_mtime  # by the clock of the disk, as are all the ages
        count = _remove_scratch(store, now)
    with project.database.reading() as connection:
        busy = [run for run in runs_of(connection, limit=1000) if run.status == "running"]
    if any(run.step != "tidy" for run in busy):
        return count
    count += _tidy_forecasts(project, now)
    count += _tidy_training(project, now, removed)
    return count + _tidy_snapshots(project, now, removed)


def _tidy_forecasts(project: "Project", now: float) -> int:
    """Files of forecasts that were never published."""
    store = project.store
    removed = _remove(store, store.names(STAGED), kept.staged_manifests(project), now - DAY)
    named = {name for one in store.names(STAGED) for name in Staged.read(store, one).names()}
    return removed + _remove(store, store.names(BLOCKS), named, now - DAY)


def _tidy_training(project: "Project", now: float, gone: Removed) -> int:
    """Files of trainings: jobs, versions, and the window sets that neither needs."""
    store, since = project.store, now - kept.retrain_seconds(project, now)
    removed = _remove_jobs(store, since)
    for panel in sorted(project.config.panels):
        gone["versions"] += _forget_versions(project, panel, since)
    with project.database.reading() as connection:
        named = named_files(connection)
    for kind in OF_VERSIONS:
        removed += _remove(store, store.names(kind), named, now - DAY)
    made = kept.version_manifests(project)
    removed += _remove(store, store.names("version"), made, now - DAY)
    laid_out = kept.manifests(store, WINDOWS)
    removed += _remove(store, laid_out, kept.window_manifests(project), since)
    named = {*kept.manifests(store, WINDOWS), *kept.window_arrays(store)}
    return removed + _remove(store, store.names(WINDOWS), named, now - DAY)


def _forget_versions(project: "Project", panel: str, since: float) -> list[str]:
    """Let the rows of outlived versions say that their files are removed, before they are."""
    forgotten: list[str] = []
    with project.database.reading() as connection:
        if not kept.outlived_versions(connection, project.store, panel, since):
            return forgotten
    with (
        hold(project.database, panel, "retrain") as lease,
        project.database.writing(lease) as connection,
    ):
        for version in kept.outlived_versions(connection, project.store, panel, since):
            forget_files(connection, version.version_id)
            forgotten.append(version.version_id)
            hit("tidy.rows_deleted")
    return forgotten


def _remove_jobs(store: Store, before: float) -> int:
    """Remove folders of jobs in which nothing changed since an instant, each whole or not at all.

    What is left in the middle of that lies in `tmp`, where it is scratch.
    """
    jobs = [path for path in sorted((store.root / "jobs").glob("*")) if _changed(path) < before]
    for path in jobs:
        with store.scratch("job") as folder:
            path.rename(folder / path.name)
            hit("tidy.file_unlinked")
    return len(jobs)


def _changed(folder: Path) -> float:
    """When something in a folder was written last, by the clock of the disk."""
    return max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))


def _tidy_snapshots(project: "Project", now: float, gone: Removed) -> int:
    """Snapshots that nothing is made from any more, and what only they consisted of."""
    store, long_ago = project.store, now - SNAPSHOT_DAYS * DAY
    stay = kept.snapshot_manifests(project)
    there = set(store.names("snapshot"))
    removed = _remove(store, sorted(there), stay, long_ago)
    gone["snapshots"] += sorted(Path(name).stem for name in there - set(store.names("snapshot")))
    named = {name for one in store.names("snapshot") for name in kept.snapshot(store, one).names()}
    for kind in ("chunk", "series", COVARIATE):
        removed += _remove(store, store.names(kind), named, long_ago)
    return removed


def _remove(store: Store, names: Iterable[str], stay: set[str], before: float) -> int:
    """Remove those artefacts that are older than an instant and do not stay."""
    go = [name for name in names if name not in stay]
    old = [name for name in go if (store.root / name).stat().st_mtime < before]
    for name in old:
        store.remove(name)
        hit("tidy.file_unlinked")
    return len(old)


def _remove_scratch(store: Store, now: float) -> int:
    """Remove what died halfway: temporary folders, and files that were never renamed."""
    left = [*(store.root / "tmp").glob("*"), *store.root.glob("*/*/.part-*")]
    old = [path for path in left if path.lstat().st_mtime < now - DAY]
    for path in old:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        hit("tidy.file_unlinked")
    return len(old)
