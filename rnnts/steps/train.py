"""Train: a candidate out of a window set, in a child process within its budget."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rnnts.database.findings import record_findings
from rnnts.database.leases import hold
from rnnts.database.models import add_version, reject, version
from rnnts.database.rows import known
from rnnts.database.runs import record
from rnnts.failpoints import hit
from rnnts.findings import Finding
from rnnts.steps.results import TrainResult
from rnnts.steps.retrains import Plan, plan, told_of
from rnnts.steps.window import Windows, load_windows

if TYPE_CHECKING:
    from rnnts.artefacts import Store
    from rnnts.learning.jobs import Training
    from rnnts.project import Project

Json = dict[str, Any]
Connection = Any  # SQLAlchemy's, which only the database room knows
Progress = Callable[[Json], None]


def train(
    project: "Project",
    panel: str,
    windows_id: str,
    as_of: datetime,
    *,
    progress: Progress | None = None,
) -> TrainResult:
    """Train a candidate and register it; an interrupted training goes on, a finished one stands.

    Store and database are known to take what comes before anything is trained.

    Args:
        project: The project.
        panel: Its name.
        windows_id: What to train on.
        as_of: The instant of the retrain.
        progress: Told `{"step", "steps", "loss", "validation_loss", "seconds"}` as it goes.

    Raises:
        InfrastructureError: TRAIN_MEMORY, TRAIN_TIMEOUT, TRAIN_KILLED, TRAIN_FAILED,
            STORE_READ_ONLY, DB_READ_ONLY, LEASE_BUSY.
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT of the windows; FENCED.
    """
    from rnnts.learning.jobs import Training

    config = project.panel(panel)
    project.store.check_writable()
    with (
        record(project.database, panel, "train", as_of) as run,
        hold(project.database, panel, "retrain") as lease,
    ):
        began = perf_counter()  # that another retrain was waited for shortens no training
        windows = load_windows(project, windows_id)
        project.store.path(windows.arrays)
        planned = plan(project, windows, config.train, as_of)
        parent = _parent(project, planned)
        inputs = _inputs(windows, config.train.seed, parent)
        training = Training.of(project.store, windows.arrays, inputs, config.train, parent, began)
        existing = _existing(project, training, inputs)
        if existing is not None:
            run.noop(existing.to_json(), "this version was trained already")
            return existing
        result = training.result(progress or _silent)
        manifest = _manifest(windows, inputs, as_of, training, result)
        manifest["start"] = planned.to_json()
        manifest |= _kept(project.store, training, result)
        _keep_manifest(project.store, manifest)
        project.database.run_writing(lambda connection: _register(connection, manifest), lease)
        training.close(manifest["version_id"])
        told = _told(manifest)
        run.done(told.to_json(), message=told.reason)
    return told


def _silent(_line: Json) -> None:
    """Nobody watches."""


def _parent(project: "Project", planned: Plan) -> Json | None:
    """Manifest of the version whose weights a training begins with, None for random ones."""
    if planned.version_id is None:
        return None
    with project.database.reading() as connection:
        row = known(version(connection, planned.version_id))
    return dict(row.manifest)


def _inputs(windows: Windows, seed: int, parent: Json | None) -> Json:
    """What a version's id is made from, but for the number of steps."""
    from rnnts.learning.versions import as_scored, code_version

    begun_with = {} if parent is None else {"begun_with": as_scored(parent)["weights"]["sha256"]}
    return {
        **begun_with,
        "panel": windows.panel,
        "network": windows.network.model_dump(mode="json"),
        "windows_id": windows.windows_id,
        "code": code_version(),
        "seed": seed,
    }


def _existing(project: "Project", training: "Training", inputs: Json) -> TrainResult | None:
    """The result, if this very training was registered before."""
    from rnnts.learning.versions import id_of

    planned = training.planned()
    found = training.version_id() or (None if planned is None else id_of(**inputs, **planned))
    if found is None:
        return None
    with project.database.reading() as connection:
        row = version(connection, found)
    if row is None:
        return None
    told = _told(row.manifest)
    return told if told.status == "rejected" else replace(told, status="existing")


def _manifest(
    windows: Windows, inputs: Json, as_of: datetime, training: "Training", result: Json
) -> Json:
    """All that is to be known of a version, but for its files."""
    from rnnts.learning.jobs import plan_of
    from rnnts.learning.versions import id_of, library_versions

    planned = plan_of(result["planned"])
    steps = planned["steps"]
    # A training that was cut short in time is another version than the whole one.
    cut = {} if result["steps"] == steps else {"ended_at": result["steps"]}
    again = result["refit"]
    if again is not None and again["steps"] != again["planned"]:
        cut["refit_ended_at"] = again["steps"]
    told = ("status", "best_step", "seconds", "validation_loss", "curve", "reason", "retried",
            "recipe", "refit")  # fmt: skip
    return {
        **inputs,
        "version_id": id_of(**inputs, **planned, **cut),
        "as_of": as_of.isoformat(),
        "snapshot_id": windows.snapshot_id,
        "grid": windows.grid.to_json(),
        "seasons": [asdict(season) for season in windows.seasons],
        "bounds": asdict(windows.bounds),
        "parts": windows.parts,
        "libraries": library_versions(),
        "budget": {"seconds": training.job.seconds, "steps": training.job.steps},
        "steps": steps,
        "step_seconds": result["planned"]["step_seconds"],
        "ended_at": result["steps"],
        **{name: result[name] for name in told},
    }


def _kept(store: "Store", training: "Training", result: Json) -> Json:
    """Keep weights and probes; where they are, and their hashes. Nothing of a divergence."""
    if result["status"] != "trained":
        return {"weights": {"name": "", "sha256": "", "digest": ""}, "probe": ""}

    def kept(told: Json, prefix: str = "") -> Json:
        weights = store.put(
            training.file("weights", prefix),
            "weights",
            "keras",
            after_rename=lambda: hit("train.weights_renamed"),
        )
        probe = store.put(training.file("probe", prefix), "probe", "npz")
        return {"weights": {**told["weights"], "name": weights}, "probe": probe}

    scored = result.get("scored")
    return kept(result) | ({} if scored is None else {"scored": kept(scored, "scored_")})


def _keep_manifest(store: "Store", manifest: Json) -> None:
    data = json.dumps(manifest, sort_keys=True, allow_nan=False).encode()
    store.put(data, "version", "json", after_rename=lambda: hit("train.manifest_renamed"))


def _register(connection: Connection, manifest: Json) -> None:
    """The version's row; of a divergence also the decision and the finding."""
    diverged = manifest["status"] == "diverged"
    panel, as_of = manifest["panel"], datetime.fromisoformat(manifest["as_of"])
    add_version(
        connection,
        version_id=manifest["version_id"],
        panel=panel,
        as_of=as_of,
        snapshot_id=manifest["snapshot_id"],
        windows_id=manifest["windows_id"],
        manifest=manifest,
        weights_name=manifest["weights"]["name"],
        weights_sha256=manifest["weights"]["sha256"],
        status="rejected" if diverged else "candidate",
    )
    if diverged:
        reject(
            connection,
            panel=panel,
            version_id=manifest["version_id"],
            scorecard_id=None,
            reason=_told(manifest).reason,
            numbers={
                "curve": manifest["curve"],
                "recipe": manifest["recipe"],
                "retrain": told_of(manifest, None),
            },
            decided_by="training",
        )
        record_findings(connection, [_diverged(manifest)], as_of)
    hit("train.before_commit")


def _diverged(manifest: Json) -> Finding:
    return Finding(
        "TRAIN_DIVERGED",
        "error",
        manifest["panel"],
        f"{manifest['reason']}, at a tenth of the learning rate too; version "
        f"{manifest['version_id'][:12]} is rejected and the champion stays",
        "look for values far out of their usual range; `rnnts lr-sweep` draws the learning rates",
    )


def _told(manifest: Json) -> TrainResult:
    """The result that a manifest stands for."""
    diverged = manifest["status"] == "diverged"
    return TrainResult(
        panel=manifest["panel"],
        version_id=manifest["version_id"],
        status="rejected" if diverged else "candidate",
        steps=manifest["ended_at"],
        seconds=manifest["seconds"],
        validation_loss=manifest["validation_loss"],
        reason=f"TRAIN_DIVERGED: {manifest['reason']}" if diverged else manifest["reason"],
    )
