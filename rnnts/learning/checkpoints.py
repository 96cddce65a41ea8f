"""Where a training stands, on disk, so that an interrupted one goes on to the same result."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnnts.failpoints import hit
from rnnts.panels.arrays import AnyArray

FILE = "checkpoint.npz"


@dataclass(slots=True)
class State:
    """What a training needs in order to go on."""

    step: int = 0  # steps done
    seconds: float = 0.0  # that they took, in all processes
    best_loss: float = float("inf")
    best_step: int = 0
    curve: list[tuple[int, float, float]] = field(default_factory=list)  # step, loss, held-out
    best: list[AnyArray] = field(default_factory=list)  # weights at best_step


def write(folder: Path, fingerprint: str, state: State, variables: Sequence[Any]) -> None:
    """Replace the checkpoint in `folder`, whole or not at all."""
    arrays = {f"variable_{place}": np.asarray(value) for place, value in enumerate(variables)}
    arrays |= {f"best_{place}": value for place, value in enumerate(state.best)}
    said = {
        "fingerprint": fingerprint,
        "step": state.step,
        "seconds": state.seconds,
        "best_loss": state.best_loss,
        "best_step": state.best_step,
    }
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f"{FILE}.half"
    with half.open("wb") as file:
        np.savez(
            file, allow_pickle=False, said=json.dumps(said), curve=np.array(state.curve), **arrays
        )
        file.flush()
        os.fsync(file.fileno())
    hit("train.checkpoint_half")
    half.replace(folder / FILE)


def read(folder: Path, fingerprint: str, variables: Sequence[Any]) -> State:
    """Take a checkpoint up: assign its variables, return its state; a fresh one if there is none.

    A checkpoint of another training (config, windows, steps or seed) is not taken up.
    """
    if not (folder / FILE).exists():
        return State()
    with np.load(folder / FILE, allow_pickle=False) as arrays:
        said = json.loads(str(arrays["said"]))
        if said.pop("fingerprint") != fingerprint:
            return State()
        for place, variable in enumerate(variables):
            variable.assign(arrays[f"variable_{place}"])
        best = [arrays[name] for name in _numbered(arrays.files, "best_")]
        curve = [(int(step), float(loss), float(held)) for step, loss, held in arrays["curve"]]
    return State(curve=curve, best=best, **said)


def _numbered(names: Sequence[str], prefix: str) -> list[str]:
    chosen = [name for name in names if name.startswith(prefix)]
    return sorted(chosen, key=lambda name: int(name.removeprefix(prefix)))
