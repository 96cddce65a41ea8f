"""Training jobs: a folder in which a training goes on after an interruption, and its supervision.

A job's folder is named after everything that goes into it, so that running it again finds it.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnts.artefacts import Store
from rnnts.config import TrainConfig
from rnnts.errors import InfrastructureError, IntegrityError, RnntsError
from rnnts.failpoints import hit
from rnnts.learning.child import Job, write_json
from rnnts.learning.supervise import Budget, Line, Outcome, supervise
from rnnts.learning.versions import as_scored, id_of
from rnnts.panels.resolve import MINUTES

HARD_OVERRUN = 1.5
"""A child that still has not ended after this much longer is ended."""
WARM_SHARE = 1 / 3
"""Part of the time budget that a training from the champion's weights takes. On M4 Hourly and the
flights, a week after the champion's, 500 steps came as near as 1,500 from random weights did (MASE
0.745 and 0.753, 1.015 and 1.038); 500 from random weights came to 0.829 and 1.063."""
STARTUP_SECONDS = 300.0
"""For imports, compiling, measuring and saving, beyond the training itself; 20 to 60 s here."""
LONGEST_SECONDS = 86_400.0
"""The limit of a fixed number of steps, whose time nobody knows before."""
GIGABYTE = 1 << 30
FILES = {"weights": "weights.keras", "probe": "probe.npz"}
"""What a result names, by hash, and the files that hold it; "scored" ones have that before it."""
REMEMBERED = {"steps.json", "version.json", "child.log"}
"""What stays in the folder of a job that is done."""
AGAIN = "run this again: it goes on from its last checkpoint"

Json = dict[str, Any]
Tell = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Training:
    """A job, and what it may use."""

    panel: str
    job: Job
    memory_gb: float

    @classmethod
    def of(
        cls,
        store: Store,
        windows: str,
        inputs: Json,
        config: TrainConfig,
        parent: Json | None = None,
        began: float | None = None,
    ) -> "Training":
        """The training of a panel's network.

        Args:
            store: Where windows are, and job folders stand.
            windows: Artefact of the window set's arrays.
            inputs: All that the version is made from, but for the number of steps; with `panel`,
                `network` and `seed`.
            config: The budget; WARM_SHARE of it where there is a parent, but steps as written.
            parent: Manifest of the version whose weights it begins with; None: random ones.
            began: Reading of `perf_counter` from which the budget counts; None: the child's start.
        """
        seconds = None if config.steps is not None else 60.0 * (config.minutes or MINUTES)
        if seconds is not None and parent is not None:
            seconds *= WARM_SHARE
        key = id_of(**inputs, seconds=seconds, steps=config.steps)[:32]
        folder = store.root / "jobs" / key
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        job = Job(
            store=str(store.root),
            windows=windows,
            network=inputs["network"],
            seed=inputs["seed"],
            steps=config.steps,
            seconds=seconds,
            folder=str(folder),
            parent=None
            if parent is None
            else {name: as_scored(parent)[name] for name in ("network", "weights")},
            began=began,
        )
        return cls(inputs["panel"], job, config.memory_gb)

    @property
    def folder(self) -> Path:
        """Where checkpoints, steps and result stand."""
        return Path(self.job.folder)

    def planned(self) -> Json | None:
        """The number of steps, and the batch where it is not the usual one; None: not known yet."""
        if self.job.steps is not None:
            return {"steps": self.job.steps}
        planned = self._read("steps.json")
        return None if planned is None else plan_of(planned)

    def version_id(self) -> str | None:
        """The version that this job became, if it is done."""
        done = self._read("version.json")
        return None if done is None else str(done["version_id"])

    def result(self, progress: Tell) -> Json:
        """What the child left behind; one is started unless a former one had finished.

        Raises:
            InfrastructureError: TRAIN_MEMORY, TRAIN_TIMEOUT, TRAIN_KILLED, TRAIN_FAILED.
            IntegrityError: TRAIN_FAILED where the child refused what it read; ARTEFACT_CORRUPT.
        """
        if self._read("result.json") is None:
            outcome = self._supervised(self.job, self._limit(), progress)
            if outcome.status == "timeout" and any(self.folder.glob("*/checkpoint.npz")):
                short = replace(self.job, seconds=0.0)  # the best weights so far
                outcome = self._supervised(short, STARTUP_SECONDS, progress)
            if outcome.status != "done":
                raise self._failure(outcome)
        hit("train.child_done")
        result = self._read("result.json") or {}
        if result["status"] == "trained":
            self._verify(result)
        return result

    def file(self, part: str, prefix: str = "") -> bytes:
        """Bytes of the "weights" or the "probe" of a result, or of what was "scored_" of it."""
        return (self.folder / f"{prefix}{FILES[part]}").read_bytes()

    def close(self, version_id: str) -> None:
        """Leave of the job what running it again has to know, and its log."""
        write_json(self.folder / "version.json", {"version_id": version_id})
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in REMEMBERED:
                path.unlink(missing_ok=True)

    def _read(self, name: str) -> Json | None:
        path = self.folder / name
        if not path.exists():
            return None
        value: Json = json.loads(path.read_text(encoding="utf-8"))
        return value

    def _limit(self) -> float:
        if self.job.seconds is None:
            return LONGEST_SECONDS
        return HARD_OVERRUN * self.job.seconds + STARTUP_SECONDS

    def _supervised(self, job: Job, seconds: float, progress: Tell) -> Outcome:
        def on_line(line: Line) -> None:
            if line["event"] == "ready":
                hit("train.child_started")
            elif line["event"] == "step":
                progress(line)

        return supervise(
            [sys.executable, "-m", "rnnts.learning.child", str(job.write())],
            Budget(seconds, int(self.memory_gb * GIGABYTE)),
            self.folder / "child.log",
            on_line,
            {"PYTHONHASHSEED": "0"},
        )

    def _verify(self, result: Json, prefix: str = "") -> None:
        for part, file in FILES.items():
            if hashlib.sha256(self.file(part, prefix)).hexdigest() != result[part]["sha256"]:
                (self.folder / "result.json").unlink()
                raise IntegrityError(
                    "ARTEFACT_CORRUPT",
                    panel=self.panel,
                    expected=f"the {part} that the training process recorded",
                    got="other bytes",
                    where=str(self.folder / f"{prefix}{file}"),
                    do="run this again, and look at the disk of the store",
                )
        if "scored" in result:
            self._verify(result["scored"], "scored_")

    def _failure(self, outcome: Outcome) -> RnntsError:
        """What the end of the child means to a person."""
        peak = f"{outcome.peak_bytes / GIGABYTE:.2f} GB"
        if outcome.status == "memory":
            return self._failed(
                "TRAIN_MEMORY",
                expected=f"at most {self.memory_gb:g} GB",
                got=f"a peak of {peak} after {outcome.seconds:.0f} s",
                do="raise train.memory_gb if the machine has more, else lower model.units",
            )
        if outcome.status == "timeout":
            return self._failed(
                "TRAIN_TIMEOUT",
                expected=f"a first checkpoint within {outcome.seconds:.0f} s",
                got="none",
                do="raise train.minutes, or give the machine less other work",
            )
        if outcome.status == "killed":
            return self._failed(
                "TRAIN_KILLED",
                got=f"the training process was ended by {outcome.signal_name()} from outside "
                f"after {outcome.seconds:.0f} s, at {peak}",
                do=AGAIN,
            )
        last = (outcome.log_tail.splitlines() or ["nothing was said"])[-1]
        refused = outcome.exit_code == IntegrityError.exit_code
        return self._failed(
            "TRAIN_FAILED",
            got=f"the training process ended with exit code {outcome.exit_code}: {last}",
            do=f"mend what it says, then {AGAIN}",
            kind=IntegrityError if refused else InfrastructureError,
        )

    def _failed(
        self,
        code: str,
        *,
        got: str,
        do: str,
        expected: str = "",
        kind: type[RnntsError] = InfrastructureError,
    ) -> RnntsError:
        log = str(self.folder / "child.log")
        return kind(code, panel=self.panel, expected=expected, got=got, where=log, do=do)


def plan_of(planned: Json) -> Json:
    """What of a plan tells one training from another: steps, and the batch if it is unusual."""
    return {name: int(planned[name]) for name in ("steps", "batch") if name in planned}
