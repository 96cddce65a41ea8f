"""Which files of the store stay, and until when; `tidy` removes the others."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rnnts.artefacts import Store
from rnnts.database.issues import Kind, PublicationStatus, publications
from rnnts.database.models import champions, versions
from rnnts.database.named_files import REMOVED, version_ids, versions_in_detail
from rnnts.database.runs import runs_of
from rnnts.database.snapshots import SnapshotRow, newest_snapshot
from rnnts.panels.slots import newest_slot, next_slot
from rnnts.steps.score import GRACE
from rnnts.steps.snapshots import Manifest, manifest, snapshot_name
from rnnts.steps.staged import KIND as STAGED
from rnnts.steps.staged import Staged
from rnnts.steps.window import KIND as WINDOWS

if TYPE_CHECKING:
    from rnnts.database.models import VersionRow
    from rnnts.project import Project

Connection = Any  # SQLAlchemy's, which only the database room knows
ROLLBACK = 2
"""The live night and the one that a rollback would make live; champions likewise."""
WEEK = 7 * 86_400.0
KINDS: tuple[Kind, ...] = ("night", "backfill", "shadow", "hindcast")
PUBLISHED_ONCE: tuple[PublicationStatus, ...] = ("live", "superseded", "held", "replaced")
"""Where the rows of such a publication are gone, its files are what is left of it."""
EVERY = 1_000_000
"""More publications, versions, runs or findings than there are."""


def retrain_seconds(project: "Project", now: float) -> float:
    """A retrain period: the longest of the panels' schedules around `now`, at least a week."""
    at = datetime.fromtimestamp(now, UTC)
    periods = [WEEK]
    for config in project.config.panels.values():
        cron = config.schedule.retrain
        before = newest_slot(cron, config.timezone, at) if cron else None
        if cron and before:
            after = next_slot(cron, config.timezone, at)
            periods.append((after - before).total_seconds())
    return max(periods)


def staged_manifests(project: "Project") -> set[str]:
    """Manifests of every publication, and of panels that are no longer configured."""
    store, panels = project.store, project.config.panels
    kept = {name for name in store.names(STAGED) if Staged.read(store, name).panel not in panels}
    for panel in panels:
        with project.database.reading() as connection:
            rows = publications(connection, panel, EVERY, kinds=KINDS, statuses=PUBLISHED_ONCE)
        kept |= {store.name_of(STAGED, row.staged_id, "json") for row in rows}
    return kept


def outlived_versions(
    connection: Connection, store: Store, panel: str, since: float
) -> "list[VersionRow]":
    """Versions of a panel whose files may go.

    It keeps those of the champion, of the one before it, of whoever made a publication that is
    still in the tables, of the version trained last, and of what was trained since an instant.
    """
    trained = versions(connection, panel, EVERY)
    needed = {row.version_id for row in champions(connection, panel)[:ROLLBACK]}
    needed |= versions_in_detail(connection, panel)
    needed |= {row.version_id for row in trained[:1]}
    return [
        row
        for row in trained
        if row.version_id not in needed and has_files(row) and not _newer(store, row, since)
    ]


def has_files(version: "VersionRow") -> bool:
    """Whether a version ever had files, and has them still."""
    return version.weights_name not in {"", REMOVED}


def _newer(store: Store, version: "VersionRow", since: float) -> bool:
    name = version.weights_name
    return store.has(name) and (store.root / name).stat().st_mtime >= since


def version_manifests(project: "Project") -> set[str]:
    """Manifests of all versions that are known: what they were made from stays for ever."""
    with project.database.reading() as connection:
        known = version_ids(connection)
    store = project.store
    return {name for name in store.names("version") if store.get_json(name)["version_id"] in known}


def window_manifests(project: "Project") -> set[str]:
    """Manifests of window sets that training or evaluation may ask for, whatever their age.

    Those laid out last, those of versions that nothing was decided about, those of jobs that may
    go on, and those of panels that are no longer configured.
    """
    store, panels = project.store, project.config.panels
    ids: set[str] = set()
    for panel in panels:
        with project.database.reading() as connection:
            laid_out = [one for one in runs_of(connection, panel, "window") if one.result]
            trained = versions(connection, panel, EVERY)
        ids |= {one.result["windows_id"] for one in laid_out[:1]}
        ids |= {row.windows_id for row in trained if row.status == "candidate" and has_files(row)}
    jobs = _windows_of_jobs(store)
    kept = {store.name_of(WINDOWS, each, "json") for each in ids}
    for name in manifests(store, WINDOWS):
        laid_out_as = store.get_json(name)
        if laid_out_as["panel"] not in panels or laid_out_as["arrays"] in jobs:
            kept.add(name)
    return kept


def manifests(store: Store, kind: str) -> list[str]:
    """Names of the manifests among the artefacts of a kind."""
    return [name for name in store.names(kind) if name.endswith(".json")]


def window_arrays(store: Store) -> set[str]:
    """Arrays that some manifest of windows names."""
    return {store.get_json(name)["arrays"] for name in manifests(store, WINDOWS)}


def _windows_of_jobs(store: Store) -> set[str]:
    """Arrays that jobs which are not done were to be trained on."""
    files = (store.root / "jobs").glob("*/job.json")
    return {str(json.loads(file.read_text(encoding="utf-8"))["windows"]) for file in files}


def snapshot_manifests(project: "Project") -> set[str]:
    """Manifests of snapshots that something is made from, whatever their age.

    The newest of each panel, those of the last nights, of issues that are scored still, of versions
    whose files stay, of window sets that stay, and of panels that are no longer configured.
    """
    store, panels = project.store, project.config.panels
    kept = {name for name in store.names("snapshot") if snapshot(store, name).panel not in panels}
    ids = {store.get_json(name)["snapshot_id"] for name in manifests(store, WINDOWS)}
    for panel in panels:
        with project.database.reading() as connection:
            newest = newest_snapshot(connection, panel)
            issued = publications(connection, panel, EVERY)
            trained = versions(connection, panel, EVERY)
        nights = [one for one in issued if one.kind == "night"][:ROLLBACK]
        ids |= {night.snapshot_id for night in nights}
        ids |= {one.snapshot_id for one in trained if has_files(one)}
        if newest is not None:
            scored_since = newest.as_of - _scored_for(project, newest)
            ids |= {one.snapshot_id for one in issued if one.issued_at >= scored_since}
            ids |= {newest.snapshot_id}
    return kept | {snapshot_name(snapshot_id) for snapshot_id in ids}


def _scored_for(project: "Project", newest: SnapshotRow) -> timedelta:
    """How long after its instant an issue is held against the truth, from its own snapshot on."""
    grid = manifest(project, newest.snapshot_id).grid
    return timedelta(seconds=project.panel(newest.panel).horizon * grid.step_seconds) + GRACE


def snapshot(store: Store, name: str) -> Manifest:
    """The snapshot's manifest of that name."""
    return Manifest.from_json(store.get_json(name))
