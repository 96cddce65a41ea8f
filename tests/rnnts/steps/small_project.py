"""A small project on SQLite for the tests of the steps: a table of readings, and no model."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from rnnts.panels.arrays import FloatArray
from rnnts.project import Project, open_project

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = "CREATE TABLE readings (site TEXT, at TEXT, value REAL)"
CONFIG = """
[database]
url = "sqlite:///rnnts.db"
wait_seconds = 10

[panels.loads]
source = {{ table = "readings", series = "site", time = "at", value = "value" }}
frequency = "{frequency}"
horizon = {horizon}
{more}
"""


def wave(steps: int, season: int, seed: int = 0) -> FloatArray:
    """A season with noise, between 0 and 40 or so."""
    noise = np.random.default_rng(seed).normal(0, 1, steps)
    return np.asarray(20 + 10 * np.sin(np.arange(steps) * 2 * np.pi / season) + noise)


def lay_out(
    folder: Path,
    series: Mapping[str, FloatArray],
    *,
    frequency: str = "1h",
    horizon: int = 6,
    more: str = "",
) -> Project:
    """A project in `folder` whose table holds these series from BEGIN on; NaN is no row."""
    folder.mkdir(parents=True, exist_ok=True)
    config = CONFIG.format(frequency=frequency, horizon=horizon, more=more)
    (folder / "rnnts.toml").write_text(config)
    step = timedelta(days=1) if frequency == "1D" else timedelta(hours=1)
    with sqlite3.connect(folder / "rnnts.db") as connection:
        connection.execute(TABLE)
        for name, values in series.items():
            connection.executemany(
                "INSERT INTO readings VALUES (?, ?, ?)",
                [
                    (name, (BEGIN + place * step).isoformat(), value)
                    for place, value in enumerate(values.tolist())
                    if not np.isnan(value)
                ],
            )
    connection.close()
    return open_project(folder / "rnnts.toml")


def change(project: Project, statement: str, *values: object) -> None:
    """Change the source table, as its owner would."""
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        connection.execute(statement, values)
    connection.close()
