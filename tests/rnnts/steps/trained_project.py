"""A project on SQLite with one small panel, whose snapshot is laid down without a source."""

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from rnnts.database.migrate import ensure_schema
from rnnts.panels.arrays import FloatArray
from rnnts.panels.freeze import Block, Life
from rnnts.panels.grid import Grid
from rnnts.panels.panel import SeriesInfo
from rnnts.project import Project, open_project
from rnnts.steps import snapshots
from rnnts.steps.train import train
from rnnts.steps.window import window

AS_OF = datetime(2024, 3, 1, 2, tzinfo=UTC)
PANEL = "loads"
CONFIG = """
[panels.loads]
source = {{ table = "readings", series = ["feeder"], time = "at", value = "load" }}
frequency = "1h"
horizon = 6
quantiles = [0.1, 0.5, 0.9]
model = {{ {model} }}
train = {{ {train} }}
"""
LAST = int(AS_OF.timestamp()) // 3600 - 1  # the newest step that has ended


def project_in(
    folder: Path, model: str = "window = 48, units = 4", train: str = "steps = 20"
) -> Project:
    """An empty project with its tables."""
    file = folder / "rnnts.toml"
    file.write_text(CONFIG.format(model=model, train=train))
    project = open_project(file)
    ensure_schema(project.database)
    return project


def daily_rows(series: int = 6, days: int = 40, seed: int = 0) -> FloatArray:
    """Hours with a daily shape that differs by series, and noise, [series, steps]."""
    random = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    phase = random.uniform(0, 2 * np.pi, (series, 1))
    shape = 10 + 5 * np.sin(2 * np.pi * hours / 24 + phase)
    return shape + random.normal(0, 1.0, (series, 24 * days))


def add_snapshot(project: Project, values: FloatArray) -> str:
    """Freeze values that end at AS_OF; returns the snapshot's id."""
    first = LAST + 1 - values.shape[1]
    ids = tuple(f"feeder-{row}" for row in range(len(values)))
    infos = [SeriesInfo(one, (("feeder", one),), first, LAST) for one in ids]
    lives = snapshots.write_lives(project.store, [Life(info, observed=True) for info in infos])
    chunk = snapshots.write_chunk(project.store, Block(first, ids, values))
    manifest = snapshots.Manifest(PANEL, "recipe", Grid("1h"), lives, first, LAST, (chunk,))
    return Path(project.store.put_json(manifest.to_json(), "snapshot")).stem


def add_windows(project: Project, values: FloatArray) -> str:
    """Freeze values and lay them out; returns the windows' id."""
    return window(project, PANEL, add_snapshot(project, values), AS_OF).windows_id


@cache
def _trained_folder() -> Path:
    """A project whose training is done; made once, for it takes a real child process."""
    folder = Path(tempfile.mkdtemp(prefix="rnnts-trained-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = project_in(folder)
    train(project, PANEL, add_windows(project, daily_rows()), AS_OF)
    project.database.close()
    return folder


def trained_project(folder: Path) -> Project:
    """A copy, in `folder`, of a project with one candidate."""
    copy = folder / "project"
    shutil.copytree(_trained_folder(), copy)
    return open_project(copy / "rnnts.toml")
