"""A small project, the instants of its nights and retrains, and what is to be seen of them."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from rnnts.database import models
from rnnts.database.invariants import check_invariants
from rnnts.database.issues import live
from rnnts.project import open_project

SERIES = 16
HOURS = 21 * 24
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
FIRST_NIGHT, SECOND_NIGHT, THIRD_NIGHT = (
    BEGIN + timedelta(days=days, hours=2) for days in (20, 21, 22)
)
FIRST_RETRAIN, SECOND_RETRAIN = (BEGIN + timedelta(days=days, hours=14) for days in (20, 21))
PANEL = "loads"
FEW_STEPS, MORE_STEPS = 3, 1_000
LASTING = 0.9
"""Part of the noise of an hour that is still there in the next."""

# The simplest network: TensorFlow takes 5 s to compile it, and 8 s for the one that is the default.
CONFIG = """\
[database]
url = "{results}"
wait_seconds = 20

[panels.loads]
source = {{ url = "sqlite:///source.db", table = "loads", series = "feeder", time = "at", \
value = "load" }}
frequency = "1h"
horizon = 24
model = {{ architecture = "simple_rnn", window = 24, units = 2 }}
train = {{ steps = {steps} }}
schedule = {{ forecast = "0 2 * * *" }}
"""
RETRAINED = ("windows", "weights", "probe", "errors", "residuals", "safeguards")
"""Kinds of the files that a retrain leaves, and the same ones each time."""


def make_project(folder: Path, results: str) -> Path:
    """A project of daily patterns in as much noise that lasts for hours; returns its rnnts.toml.

    Means of past days are better than yesterday's values there, and a network that has learnt to
    look at the last hours is better than one that has not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(7).normal(size=(SERIES, HOURS + 72))
    for hour in range(1, HOURS + 72):
        noise[:, hour] = LASTING * noise[:, hour - 1] + (1 - LASTING**2) ** 0.5 * noise[:, hour]
    with sqlite3.connect(folder / "source.db") as connection:
        connection.execute("CREATE TABLE loads (feeder TEXT, at TEXT, load REAL)")
        connection.executemany(
            "INSERT INTO loads VALUES (?, ?, ?)",
            (
                (
                    f"feeder-{series}",
                    (BEGIN + timedelta(hours=hour)).isoformat(),
                    20 + np.sin(hour * np.pi / 12) + noise[series, hour],
                )
                for series in range(SERIES)
                for hour in range(HOURS + 72)
            ),
        )
    connection.close()
    config = folder / "rnnts.toml"
    config.write_text(CONFIG.format(results=results, steps=FEW_STEPS), encoding="utf-8")
    return config


def train_longer(config: Path) -> None:
    """Let the next training take more steps, so that it beats what the first one gave."""
    few, more = f"steps = {FEW_STEPS} ", f"steps = {MORE_STEPS} "
    config.write_text(config.read_text(encoding="utf-8").replace(few, more), encoding="utf-8")


def what_readers_see(config: Path) -> tuple[str, str, str | None]:
    """Instant, digest and model version of the live publication."""
    database = open_project(config).database
    with database.reading() as connection:
        row = live(connection, PANEL)
    database.close()
    assert row is not None
    return row.issued_at.isoformat(), row.digest, row.version_id


def champion_of(config: Path) -> str | None:
    """The version that would serve the third night."""
    database = open_project(config).database
    with database.reading() as connection:
        row = models.champion(connection, PANEL, THIRD_NIGHT)
    database.close()
    return None if row is None else row.version_id


def broken(config: Path) -> list[str]:
    """Invariants that do not hold, and files of the store that are not what their name says."""
    project = open_project(config)
    found = [str(violation) for violation in check_invariants(project.database)]
    project.database.close()
    for folder in project.store.root.iterdir():
        for name in project.store.names(folder.name) if folder.name not in ("jobs", "tmp") else ():
            project.store.get(name)
    return found


def retrained(config: Path) -> dict[str, Any]:
    """All that retrains left, but for clocks and how long they took."""
    project = open_project(config)
    with project.database.reading() as connection:
        versions = models.versions(connection, PANEL)
        decisions = models.decisions(connection, PANEL)
        cards = connection.execute(text("SELECT scorecard_id FROM rnnts_scorecard ORDER BY 1"))
        messages = connection.execute(text("SELECT kind FROM rnnts_outbox ORDER BY 1"))
        found: dict[str, Any] = {
            "versions": {row.version_id: (row.status, row.weights_sha256) for row in versions},
            "scorecards": cards.scalars().all(),
            "decisions": [
                (one.action, one.version_id, one.replaces, one.scorecard_id, one.reason)
                for one in decisions
            ],
            "messages": [kind for kind in messages.scalars() if kind == "promoted"],
        }
    project.database.close()
    found |= {kind: [*project.store.names(kind)] for kind in RETRAINED}
    found["manifests"] = len([*project.store.names("version")])  # they say how long it took
    jobs = project.store.root / "jobs"
    found["jobs"] = sorted(path.relative_to(jobs).as_posix() for path in jobs.rglob("*"))
    return found


def steps_that_had_nothing_to_do(config: Path) -> set[str]:
    """Steps whose newest run was a no-op."""
    database = open_project(config).database
    newest = "SELECT max(id) FROM rnnts_run GROUP BY step"
    sql = f"SELECT step FROM rnnts_run WHERE status = 'noop' AND id IN ({newest})"  # noqa: S608 - of the test
    with database.reading() as connection:
        found = set(connection.execute(text(sql)).scalars())
    database.close()
    return found
