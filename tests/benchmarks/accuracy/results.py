"""Results of the parts: one JSON file each, with all that made them."""

import json
import math
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

Json = dict[str, Any]
Value = Any
FOLDER = Path(os.environ.get("RNNTS_BENCH_FOLDER", ".bench"))
BUSY = round(os.getloadavg()[2], 2)
"""Load of the machine in the quarter of an hour before."""
LIBRARIES = ("tensorflow", "keras", "numpy", "statsforecast")


def write(part: str, content: Json, *, quick: bool) -> Path:
    """Keep the result of a part, in the place of an older one."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{part}.quick.json" if quick else f"{part}.json"
    now = datetime.now(UTC)  # noqa: TID251 - a benchmark is an entry point
    whole = {"part": part, "quick": quick, "at": now.isoformat(timespec="seconds"), **content}
    path = FOLDER / name
    half = path.with_suffix(".half")
    half.write_text(json.dumps(_plain({**whole, "machine": machine()}), indent=1, allow_nan=False))
    half.replace(path)
    sys.stdout.write(f"{path}\n")
    return path


def read(part: str, *, quick: bool = False) -> Json | None:
    """The result of a part, None where it has not run."""
    path = FOLDER / (f"{part}.quick.json" if quick else f"{part}.json")
    if not path.exists():
        return None
    found: Json = json.loads(path.read_text())
    return found


def machine() -> Json:
    """What ran it."""
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "cores": psutil.cpu_count(),
        "load_before": BUSY,
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _plain(value: Value) -> Value:
    """JSON has no NaN: it becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
