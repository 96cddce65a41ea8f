"""A small project and its nights, run in forks of one warm process so that each can be killed.

As a program it reads one order a line and answers with the exit status of the fork that did it:
a fork costs milliseconds where a fresh interpreter costs seconds. TensorFlow is never imported
here: the nights stand on the ladder, and what a kill does to a training has tests of its own.
"""

import json
import os
import sqlite3
import sys
import traceback
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

SERIES = 6
HOURS = 21 * 24
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
FIRST_NIGHT = BEGIN + timedelta(days=20, hours=2)
SECOND_NIGHT = FIRST_NIGHT + timedelta(days=1)
PANEL = "loads"

CONFIG = """\
[database]
url = "{results}"
wait_seconds = 20

[panels.loads]
source = {{ url = "sqlite:///source.db", table = "loads", series = "feeder", time = "at", \
value = "load" }}
frequency = "1h"
horizon = 24
schedule = {{ forecast = "0 2 * * *" }}
"""


@dataclass(frozen=True, slots=True)
class Order:
    """One night of one project, with or without a failpoint."""

    config: str
    issued_at: str
    failpoint: str = ""


def make_project(folder: Path, results: str) -> Path:
    """A project whose source has a daily pattern and noise; give back its rnnts.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(7).normal(size=(SERIES, HOURS + 72))
    with sqlite3.connect(folder / "source.db") as connection:
        connection.execute("CREATE TABLE loads (feeder TEXT, at TEXT, load REAL)")
        connection.executemany(
            "INSERT INTO loads VALUES (?, ?, ?)",
            (
                (
                    f"feeder-{series}",
                    (BEGIN + timedelta(hours=hour)).isoformat(),
                    20 + 5 * np.sin(hour * np.pi / 12) + noise[series, hour],
                )
                for series in range(SERIES)
                for hour in range(HOURS + 72)
            ),
        )
    connection.close()
    config = folder / "rnnts.toml"
    config.write_text(CONFIG.format(results=results), encoding="utf-8")
    return config


def night(config: str, issued_at: datetime) -> int:
    """The order of work of one night, without Prefect; its exit code."""
    from rnnts.project import open_project
    from rnnts.steps.calibrate import calibrate
    from rnnts.steps.forecast import forecast
    from rnnts.steps.ingest import ingest
    from rnnts.steps.notify import notify
    from rnnts.steps.publish import publish
    from rnnts.steps.score import score

    project = open_project(config)
    snapshot = ingest(project, PANEL, issued_at).snapshot_id
    score(project, PANEL, snapshot, issued_at)
    calibrate(project, PANEL, snapshot, issued_at)
    staged = forecast(project, PANEL, snapshot, issued_at).staged_id
    published = publish(project, PANEL, staged, issued_at)
    notify(project, PANEL)
    return published.exit_code


def _do(order: Order) -> int:
    """What a fork does: arm the failpoint, run the night, give the exit code."""
    from rnnts import failpoints
    from rnnts.errors import RnntsError

    if order.failpoint:
        failpoints._armed = failpoints._parse(order.failpoint)
    try:
        return night(order.config, datetime.fromisoformat(order.issued_at))
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except failpoints.FailpointError:
        return 1


def _forked(order: Order) -> int:
    """Exit status of the night, negative where a signal ended it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = _do(order)
        except BaseException:  # noqa: BLE001 - a fork must not fall back into its parent's loop
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Import everything once, then do orders until the input ends."""
    import rnnts.database.publications
    import rnnts.steps.calibrate
    import rnnts.steps.forecast
    import rnnts.steps.ingest
    import rnnts.steps.publish
    import rnnts.steps.score  # noqa: F401

    for line in sys.stdin:
        status = _forked(Order(**json.loads(line)))
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def encoded(order: Order) -> str:
    """An order as one line."""
    return json.dumps(asdict(order)) + "\n"


if __name__ == "__main__":
    main()
