"""What Prefect adds to a night of 414 series, beside an empty flow of as many tasks.

Run with `python -m tests.benchmarks.bench_prefect`; ends with 1 where the must is missed. A server
runs for both. Added is the wall time of the flow less the time spent inside the functions that the
tasks wrap, so opening the project for each task and sending artifacts count as added. Prefect
3.8 keeps every flow open for a second at least; a night works meanwhile, an empty flow waits.
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from prefect import flow
from prefect.logging.handlers import APILogWorker
from prefect.settings import temporary_settings

from flows.nightly_forecast import nightly_forecast
from flows.prefect_server import api_url, free_port, start, stop, wait_until_it_answers
from tasks import calibrate, forecast, ingest, notify, publish, report, score, standing
from tasks.policy import step_task
from tests.benchmarks.series import print_table

SERIES, HOURS, ROUNDS = 414, 24 * 35, 7
MUST, AIM = 1.5, 1.2
LAST = datetime(2024, 3, 4, 2, tzinfo=UTC)
WRAPPED = {
    standing: "published",
    ingest: "step",
    score: "step",
    calibrate: "step",
    forecast: "step",
    publish: "step",
    notify: "step",
    report: "picture_of",
}
"""The function in each task's module that does the work, in the order of a night."""

CONFIG = """\
[panels.loads]
source   = { url = "sqlite:///source.db", table = "loads", series = "id", time = "at", value = "v" }
horizon  = 48
"""


@step_task()
def nothing(_number: int) -> dict[str, int]:
    """Do nothing, with everything that Prefect does around it."""
    return {}


@flow(persist_result=False)
def empty() -> None:
    """Run as many tasks as a night has."""
    for number in range(len(WRAPPED)):
        nothing(number)


def make_project(folder: Path) -> str:
    """A source of 414 hourly series; the path of the rnnts.toml beside it."""
    noise = np.random.default_rng(1).normal(size=(SERIES, HOURS))
    first = LAST - timedelta(hours=HOURS)
    stamps = [f"{first + timedelta(hours=hour):%Y-%m-%d %H:%M:%S+00:00}" for hour in range(HOURS)]
    day = 5 * np.sin(np.arange(HOURS) * np.pi / 12)
    rows = (
        (f"series-{number:03}", stamp, float(value))
        for number in range(SERIES)
        for stamp, value in zip(stamps, 20 + day + noise[number], strict=True)
    )
    with sqlite3.connect(folder / "source.db") as connection:
        connection.execute("CREATE TABLE loads (id TEXT, at TEXT, v REAL)")
        connection.executemany("INSERT INTO loads VALUES (?, ?, ?)", rows)
    connection.close()
    (folder / "rnnts.toml").write_text(CONFIG)
    return str(folder / "rnnts.toml")


@contextmanager
def timed_work() -> Iterator[list[float]]:
    """Seconds inside the wrapped functions, one entry a call."""
    spent: list[float] = []

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function
            began = perf_counter()
            try:
                return work(*arguments, **named)
            finally:
                spent.append(perf_counter() - began)

        return run

    originals = {module: getattr(module, name) for module, name in WRAPPED.items()}
    for module, name in WRAPPED.items():
        setattr(module, name, timed(originals[module]))
    try:
        yield spent
    finally:
        for module, name in WRAPPED.items():
            setattr(module, name, originals[module])


def one_night(config: str, issued_at: datetime) -> tuple[float, float]:
    """Wall seconds of a night, and those of them inside our functions."""
    with timed_work() as spent:
        began = perf_counter()
        nightly_forecast(config, "loads", issued_at.isoformat())
        wall = perf_counter() - began
    if len(spent) != len(WRAPPED):
        raise RuntimeError(f"expected {len(WRAPPED)} tasks a night, got {len(spent)}")
    return wall, sum(spent)


def main() -> int:
    """Alternate nights and empty flows; print both; give the exit code."""
    with tempfile.TemporaryDirectory(prefix="rnnts-bench-") as folder:
        config = make_project(Path(folder))
        home, port = Path(folder) / "prefect", free_port()
        server = start(home, port, lasting=True)
        try:
            wait_until_it_answers(server, home, port)
            with temporary_settings({"PREFECT_API_URL": api_url(port)}):
                figures = measured(config)
                APILogWorker.drain_all(timeout=5)
            return report_of(*figures)
        finally:
            stop(server)


def measured(config: str) -> tuple[list[float], list[float], list[float]]:
    """Seconds: of each night, added to each night, of each empty flow; the first of each apart."""
    nights, added, empties = [], [], []
    for round_ in range(ROUNDS + 1):
        wall, work = one_night(config, LAST - timedelta(days=ROUNDS - round_))
        nights.append(wall)
        added.append(wall - work)
        began = perf_counter()
        empty()
        empties.append(perf_counter() - began)
    return nights[1:], added[1:], empties[1:]


def report_of(nights: list[float], added: list[float], empties: list[float]) -> int:
    """Print the medians and their ratio; 1 where the must is missed."""
    ratio = median(added) / median(empties)
    print_table(
        f"A night of {SERIES} series under Prefect, server up, {len(WRAPPED)} tasks",
        [
            ("the whole night", f"{median(nights):.2f} s", f"median of {ROUNDS}"),
            (
                "added to the steps",
                f"{median(added):.2f} s",
                f"{min(added):.2f} to {max(added):.2f}",
            ),
            ("empty flow", f"{median(empties):.2f} s", f"{min(empties):.2f} to {max(empties):.2f}"),
            ("ratio", f"{ratio:.2f} x", f"must {MUST} x, aim {AIM} x"),
        ],
    )
    return int(ratio > MUST)


if __name__ == "__main__":
    sys.exit(main())
