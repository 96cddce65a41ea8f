"""Other libraries' forecasts of a case: asked of the environment that `make peers` lays out."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnts.config import LEVELS
from rnnts.panels.arrays import FloatArray, IntArray
from tests.benchmarks.accuracy.case import Case

Json = dict[str, Any]
SCRIPT = Path(__file__).parents[1] / "peers" / "forecast.py"
PYTHON = Path(os.environ.get("RNNTS_PEERS_PYTHON", ".venv-peers/bin/python"))
NAMES = {
    "mstl": "statsforecast MSTL",
    "autoets": "statsforecast AutoETS",
    "nhits": "neuralforecast NHITS",
    "lstm": "neuralforecast LSTM",
}
NEURAL = ("nhits", "lstm")


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a peer forecast, and what it was set to and spent."""

    quantiles: FloatArray  # [series, windows, horizon, levels], NaN where it failed
    told: Json


def ask(case: Case, peer: str, *, minutes: float, seed: int = 0) -> Answer:
    """Fit a peer once before the first origin and let it forecast every origin.

    Args:
        case: What is forecast; of each origin the peer is given only what lies before it.
        peer: A key of NAMES.
        minutes: Of training, where it trains.
        seed: Of its weights.
    """
    end = int(case.origins[-1])  # no peer is given what follows the last origin
    task = {
        "peer": peer, "horizon": case.horizon, "seasons": case.seasons, "read": case.read,
        "levels": LEVELS, "minutes": minutes, "seed": seed,
    }  # fmt: skip
    answer = _answered(case.values[:, :end], case.origins, task)
    return Answer(answer.quantiles, {"minutes": minutes if peer in NEURAL else None, **answer.told})


def predict_speed(values: FloatArray, horizon: int) -> float:
    """Seconds that NHITS' `predict` takes for these series.

    Args:
        values: The steps that it reads, [series, steps].
        horizon: Steps.
    """
    task = {"peer": "predict_speed", "horizon": horizon, "read": values.shape[1], "levels": LEVELS,
            "seed": 0}  # fmt: skip
    told = _answered(values, np.array([values.shape[1]]), task).told
    return float(told["predict_seconds"])


def _answered(values: FloatArray, origins: IntArray, task: Json) -> Answer:
    """What the peers' environment makes of a task."""
    if not PYTHON.exists():
        raise SystemExit(f"there is no {PYTHON}: lay the peers' environment out with `make peers`")
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "task.npz", Path(folder) / "answer.npz"
        np.savez(asked, values=values, origins=origins, task=np.array(json.dumps(task)))
        command = [str(PYTHON.absolute()), str(SCRIPT), str(asked), str(answer)]
        subprocess.run(command, cwd=folder, check=True)
        with np.load(answer) as found:
            return Answer(found["quantiles"], json.loads(str(found["told"])))
