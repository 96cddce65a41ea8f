"""Tidy: retention. Never the champion, never what is live, never what either is made from."""

import shutil
from typing import TYPE_CHECKING

from rnnts.artefacts import Store
from rnnts.database.forecasts import count_rows, delete_rows
from rnnts.database.issues import (
    Kind,
    PublicationRow,
    PublicationStatus,
    publication_by_id,
    publications,
)
from rnnts.database.leases import hold
from rnnts.database.migrate import ensure_schema
from rnnts.database.models import versions
from rnnts.database.runs import record, runs_of
from rnnts.database.snapshots import newest_snapshot
from rnnts.failpoints import hit
from rnnts.steps.results import TidyResult
from rnnts.steps.snapshots import Manifest, snapshot_name
from rnnts.steps.staged import BLOCKS, Staged
from rnnts.steps.staged import KIND as STAGED

if TYPE_CHECKING:
    from rnnts.project import Project

NIGHTS = 14
"""Nights whose rows stay in the tables; older ones stay as files of the store."""
ROLLBACK = 2
"""The live night and the one that a rollback would make live stay, whatever `nights` says."""
DAY = 86_400.0
"""A file that nobody refers to may belong to a run that goes on; after a day it does not."""
SNAPSHOT_DAYS = 35
"""Snapshots stay so long, because nights are scored against theirs; then only some do."""
KINDS: tuple[Kind, ...] = ("night", "backfill", "shadow", "hindcast")
PUBLISHED_ONCE: tuple[PublicationStatus, ...] = ("live", "superseded", "held", "replaced")
"""Where the rows of such a publication are gone, its files are what is left of it."""
EVERY = 1_000_000
"""More publications, or versions, than a panel has."""


def tidy(project: "Project", *, nights: int = NIGHTS) -> TidyResult:
    """Remove what retention does not keep.

    Rows of older nights and of what was never published go, their files in the store stay; then
    files go that nothing refers to. Killed and run again, it ends where it would have.

    Args:
        project: The project.
        nights: How many nights of each panel stay in the tables.

    Raises:
        InfrastructureError: LEASE_BUSY, and those of the database and the store.
    """
    rows = 0
    ensure_schema(project.database)
    with record(project.database, "", "tidy", None) as run:
        for panel in sorted(project.config.panels):
            rows += _tidy_rows(project, panel, nights)
        files = _tidy_files(project)
        result = TidyResult(rows=rows, files=files)
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

    A backfill was asked for by a person, who looks at its rows in the tables: it stays.
    """
    with project.database.reading() as connection:
        published = publications(connection, panel, EVERY, kinds=("night",))
        old = [one for one in published[nights:] if one.status != "live"]
        aside = publications(
            connection,
            panel,
            EVERY,
            kinds=KINDS,
            statuses=("staged", "dead", "replaced"),
        )
        return [one for one in (*old, *aside) if count_rows(connection, one.id)]


def _tidy_files(project: "Project") -> int:
    """Remove what nobody refers to; nothing while some other step runs, whose files are new."""
    store = project.store
    with store.scratch("tidy") as folder:
        now = folder.stat().st_mtime  # by the clock of the disk, as are all the ages
        removed = _remove_scratch(store, now)
    with project.database.reading() as connection:
        busy = [run for run in runs_of(connection, limit=1000) if run.status == "running"]
    if any(run.step != "tidy" for run in busy):
        return removed
    removed += _remove(store, STAGED, _staged_names(project), now - DAY)
    named = {name for kept in store.names(STAGED) for name in Staged.read(store, kept).names()}
    removed += _remove(store, BLOCKS, named, now - DAY)
    long_ago = now - SNAPSHOT_DAYS * DAY
    removed += _remove(store, "snapshot", _snapshot_names(project), long_ago)
    named = {name for kept in store.names("snapshot") for name in _snapshot(store, kept).names()}
    return removed + sum(_remove(store, kind, named, long_ago) for kind in ("chunk", "series"))


def _remove(store: Store, kind: str, kept: set[str], before: float) -> int:
    """Remove the artefacts of a kind that are older than an instant and not kept."""
    names = [name for name in store.names(kind) if name not in kept]
    old = [name for name in names if (store.root / name).stat().st_mtime < before]
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


def _staged_names(project: "Project") -> set[str]:
    """Manifests that stay: of every publication, and of panels that are no longer configured."""
    store, panels = project.store, project.config.panels
    kept = {name for name in store.names(STAGED) if Staged.read(store, name).panel not in panels}
    for panel in panels:
        with project.database.reading() as connection:
            rows = publications(connection, panel, EVERY, kinds=KINDS, statuses=PUBLISHED_ONCE)
        kept |= {store.name_of(STAGED, row.staged_id, "json") for row in rows}
    return kept


def _snapshot_names(project: "Project") -> set[str]:
    """Manifests that stay for good: the newest, those of the last nights and of all versions."""
    store, panels = project.store, project.config.panels
    kept = {name for name in store.names("snapshot") if _snapshot(store, name).panel not in panels}
    for panel in panels:
        with project.database.reading() as connection:
            newest = newest_snapshot(connection, panel)
            nights = publications(connection, panel, ROLLBACK, kinds=("night",))
            trained = versions(connection, panel, EVERY)
        ids = {night.snapshot_id for night in nights} | {one.snapshot_id for one in trained}
        ids |= {newest.snapshot_id} if newest else set()
        kept |= {snapshot_name(snapshot_id) for snapshot_id in ids}
    return kept


def _snapshot(store: Store, name: str) -> Manifest:
    return Manifest.from_json(store.get_json(name))
