"""The training process: `python -m rnnts.learning.child JOB.json`.

Reads a job, writes JSON lines of progress on stdout, and leaves in the job's folder, last of all,
`result.json`, which names everything else. Killed at any moment and started again, it goes on.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from rnnts.artefacts import Store, packed
from rnnts.errors import RnntsError
from rnnts.learning.banners import load_tensorflow
from rnnts.learning.supervise import Line, die_with_parent
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import AnyArray

if TYPE_CHECKING:
    from rnnts.learning.fit import Outcome, Progress
    from rnnts.learning.recipe import Recipe
    from rnnts.learning.refit import Refit
    from rnnts.windows.windowset import WindowSet

RETRY_RATE = 0.1
"""A training that diverged is tried once more at this part of its learning rate."""
WARM_RATE = 0.5
"""Part of the learning rate for a training that begins with the champion's weights. From a tenth
to all of it gave held-out errors within 0.5 %; the whole one climbs out of what was known first."""
BUDGET_SHARE = 0.95
"""Part of a time budget that is planned at first: the rest is for loading, compiling, saving."""
SAVING_SECONDS = 5.0
"""Of a time budget kept for what follows training, at most a tenth of it: 3.9 s measured after one
minute on M4 Hourly."""
FEWEST_STEPS = 20
"""A budget that allows fewer steps than this still gets them: less is no training."""
PROBE_ROWS = 64
"""Windows whose forecasts are kept, so that another process can prove that it has this network."""

Tell = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What to train, on what, how long, and where it is kept; all of it JSON."""

    store: str  # the artefact store's folder
    windows: str  # artefact of the window set's arrays
    network: dict[str, Any]  # a NetworkConfig
    seed: int
    steps: int | None  # fixed, or
    seconds: float | None  # for the whole job, from which the steps follow
    folder: str  # where checkpoints, steps and result stand
    parent: dict[str, Any] | None = None  # `network` and `weights` of the one it begins with
    began: float | None = None  # reading of `perf_counter`, the same in all processes of a machine

    @classmethod
    def read(cls, path: Path) -> "Job":
        """The job in a file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self) -> Path:
        """Keep the job in its folder; returns the file."""
        return write_json(Path(self.folder) / "job.json", asdict(self))


def run(job: Job, tell: Tell) -> None:
    """Train as the job says and leave the result in its folder."""
    began = perf_counter() if job.began is None else job.began
    load_tensorflow()
    from rnnts.windows.windowset import WindowSet

    config = NetworkConfig.model_validate(job.network)
    windowset = WindowSet.load(Store(Path(job.store)).get_arrays(job.windows))
    tell({"event": "ready"})
    planned = planned_steps(job, config, windowset)
    tell({"event": "planned", "step": 0, **planned})
    outcome, recipe, retried = trained(job, config, windowset, planned, tell, began)
    again = _trained_on(job, config, windowset, (outcome, recipe), tell, began)
    result = {
        "status": outcome.status,
        "planned": planned,
        "steps": outcome.steps,
        "best_step": outcome.best_step,
        "seconds": outcome.seconds + (0.0 if again is None else again.seconds),
        "validation_loss": outcome.validation_loss,
        "curve": [[_plain(number) for number in point] for point in outcome.curve],
        "reason": outcome.reason,
        "retried": retried,
        "recipe": asdict(recipe),
        "refit": None if again is None else again.to_json(),
    }
    if outcome.status == "trained":
        result |= _networks(Path(job.folder), outcome.model, again, windowset)
    write_json(Path(job.folder) / "result.json", result)
    tell({"event": "done"})


def planned_steps(job: Job, config: NetworkConfig, windowset: "WindowSet") -> dict[str, Any]:
    """How many steps: as given, as decided before, or as many as fit; kept before the first one.

    Returns:
        `steps`, `step_seconds` where it was measured, and `batch` where it is not the usual one.
    """
    path = Path(job.folder) / "steps.json"
    if path.exists():
        planned: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return planned
    if job.steps is not None:
        planned = {"steps": job.steps, "step_seconds": None}
    else:
        from rnnts.learning.pace import pace_for

        found = pace_for(config, windowset, (job.seconds or 0.0) * BUDGET_SHARE)
        steps = max(found.steps, FEWEST_STEPS)
        planned = {"steps": steps, "step_seconds": found.step_seconds}
        planned |= {} if found.batch is None else {"batch": found.batch}
    write_json(path, planned)
    return planned


def trained(
    job: Job,
    config: NetworkConfig,
    windowset: "WindowSet",
    planned: dict[str, Any],
    tell: Tell,
    began: float,
) -> "tuple[Outcome, Recipe, bool]":
    """How the training ended, by which recipe, and whether that was the retry of a divergence."""
    from rnnts.learning.fit import fit
    from rnnts.learning.pace import recipe_at
    from rnnts.learning.versions import load_network
    from rnnts.networks.weights import weights_of

    steps = int(planned["steps"])
    recipe, start = recipe_at(config, steps, planned.get("batch")), None
    if job.parent is not None:
        recipe = replace(recipe, rate=recipe.rate * WARM_RATE)
        start = weights_of(load_network(Store(Path(job.store)), job.parent))
    for attempt in ("first", "retry"):
        outcome = fit(
            config,
            windowset,
            steps=steps,
            seed=job.seed,
            recipe=recipe,
            on_progress=_reporter(tell),
            checkpoint_dir=Path(job.folder) / attempt,
            seconds=_left(job, perf_counter() - began, 1 / (1 + recipe.refit)),
            start=start,
        )
        if outcome.status == "trained" or attempt == "retry":
            return outcome, recipe, attempt == "retry"
        tell({"event": "diverged", "reason": outcome.reason})
        recipe = replace(recipe, rate=recipe.rate * RETRY_RATE)
    raise AssertionError("the loop returns")


def _trained_on(
    job: Job,
    config: NetworkConfig,
    windowset: "WindowSet",
    first: "tuple[Outcome, Recipe]",
    tell: Tell,
    began: float,
) -> "Refit | None":
    """The second training, on what the first one was not shown; None where there is none."""
    from rnnts.learning.refit import refit

    outcome, recipe = first
    if outcome.status != "trained":
        return None
    return refit(
        config,
        windowset,
        outcome,
        recipe=recipe,
        seed=job.seed,
        seconds=_left(job, perf_counter() - began),
        on_progress=_reporter(tell, outcome.steps),
        checkpoint_dir=Path(job.folder) / "refit",
    )


def _reporter(tell: Tell, before: int = 0) -> "Callable[[Progress], None]":
    """Tells the progress of a training that goes on after so many steps."""

    def report(progress: "Progress") -> None:
        told = {name: _plain(value) for name, value in asdict(progress).items()}
        told |= {"step": before + progress.step, "steps": before + progress.steps}
        tell({"event": "step", **told})

    return report


def _left(job: Job, spent: float, share: float = 1.0) -> float | None:
    """Seconds of a share of what is left of the budget; None where steps are counted instead.

    What loading, measuring and compiling took comes off both trainings: off the first alone it left
    that no time on a busy machine, and the second, which takes no more steps, used none of its own.
    """
    if job.seconds is None:
        return None
    saving = min(SAVING_SECONDS, job.seconds / 10)
    return share * max(0.0, job.seconds - saving - spent)


def _networks(
    folder: Path, scored: Any, again: "Refit | None", windowset: "WindowSet"
) -> dict[str, Any]:
    """Keep the network that serves, and the one that the gate scores where that is another."""
    from rnnts.networks.weights import lent, weights_of

    if again is None or again.model is None:
        return _kept(folder, scored, windowset)
    of_scored = _kept(folder, scored, windowset, prefix="scored_")
    with lent(scored, weights_of(again.model)):
        return {**_kept(folder, scored, windowset), "scored": of_scored}


def _kept(folder: Path, model: Any, windowset: "WindowSet", prefix: str = "") -> dict[str, Any]:
    """Keep a network and the forecasts that prove it: their files and hashes."""
    from rnnts.learning.versions import archive_of, weights_digest

    archive = archive_of(model)
    write_bytes(folder / f"{prefix}weights.keras", archive)
    probe = packed(probe_of(model, windowset))
    write_bytes(folder / f"{prefix}probe.npz", probe)
    return {
        "weights": {
            "sha256": hashlib.sha256(archive).hexdigest(),
            "digest": weights_digest(model),
            "parameters": int(model.count_params()),
        },
        "probe": {"sha256": hashlib.sha256(probe).hexdigest()},
    }


def probe_of(model: Any, windowset: "WindowSet") -> dict[str, AnyArray]:
    """Inputs of the first calibration windows and this network's forecasts of them.

    Returns:
        Each input by name, [rows, …], and `forecast` [rows, horizon, quantiles].
    """
    from rnnts.learning.predict import predict_blocks
    from rnnts.windows.pipeline import batches

    stream = batches(windowset, PROBE_ROWS, 0, "calibration")
    first = next(iter(stream.as_numpy_iterator()), None)
    if first is None:
        return {"forecast": np.zeros((0, *model.output_shape[1:]))}
    inputs = first[0]
    return {**inputs, "forecast": predict_blocks(model, inputs)}


def write_json(path: Path, value: Any) -> Path:
    """Write JSON whole or not at all."""
    return write_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode())


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file whole or not at all, and down to the disk."""
    half = path.with_name(f"{path.name}.half")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return half.replace(path)


def _plain(number: float) -> float | None:
    """A number as JSON has it: no NaN, no infinity."""
    return number if np.isfinite(number) else None


def _own_stdout() -> TextIO:
    """The real stdout for our lines; what libraries print goes to stderr from now on."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return lines


def main() -> None:
    """Run the job named on the command line."""
    die_with_parent()
    lines = _own_stdout()

    def tell(line: Line) -> None:
        lines.write(json.dumps(line) + "\n")

    try:
        run(Job.read(Path(sys.argv[1])), tell)
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
