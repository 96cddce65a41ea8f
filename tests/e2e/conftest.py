"""A real Prefect server for the session, and a small project that trains in seconds."""

import math
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.logging.handlers import APILogWorker
from prefect.settings import temporary_settings

from flows.prefect_server import api_url, free_port, start, stop, wait_until_it_answers

AS_OF = datetime(2024, 3, 4, 2, tzinfo=UTC)
SERIES = ("feeder-1", "feeder-2", "feeder 3/'x'")
HORIZON = 24
DAYS = 60

CONFIG = f"""\
[database]
url = "sqlite:///results.db"

[panels.loads]
source    = {{ url = "sqlite:///source.db", table = "readings", series = "feeder", \
time = "read_at", value = "kw" }}
frequency = "1h"
horizon   = {HORIZON}
schedule  = {{ forecast = "0 2 * * *", retrain = "0 3 * * 1" }}
model     = {{ window = 48, units = 8 }}
train     = {{ steps = 40 }}
"""


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running server with all its services; it starts once for all tests."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    server = start(home, port, lasting=True)
    try:
        wait_until_it_answers(server, home, port)
        yield api_url(port)
        APILogWorker.drain_all(timeout=5)
    finally:
        stop(server)


@pytest.fixture
def prefect(prefect_url: str) -> Iterator[SyncPrefectClient]:
    """A client of that server; flows that run in the test report to it."""
    with (
        temporary_settings({"PREFECT_API_URL": prefect_url}),
        get_client(sync_client=True) as client,
    ):
        yield client


def readings() -> list[tuple[str, str, float]]:
    """Hourly loads with a day's and a week's rhythm, up to an hour after the last night's as_of."""
    first = AS_OF - timedelta(days=DAYS)
    return [
        (feeder, f"{first + timedelta(hours=hour):%Y-%m-%d %H:%M:%S+00:00}", load(number, hour))
        for number, feeder in enumerate(SERIES, start=1)
        for hour in range(24 * (DAYS + 3))
    ]


def load(number: int, hour: int) -> float:
    day, week = math.sin(2 * math.pi * hour / 24), math.sin(2 * math.pi * hour / 168)
    wobble = math.sin(12.9898 * hour * number) * 43758.5453 % 1  # the same on every machine
    return round(number * (10 + 4 * day + 2 * week + wobble), 3)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a project whose source is filled and whose results are yet to come."""
    folder = tmp_path_factory.mktemp("project")
    with sqlite3.connect(folder / "source.db") as connection:
        connection.execute("CREATE TABLE readings (feeder TEXT, read_at TEXT, kw REAL)")
        connection.executemany("INSERT INTO readings VALUES (?, ?, ?)", readings())
    connection.close()
    (folder / "rnnts.toml").write_text(CONFIG)
    return folder


@pytest.fixture
def config(template: Path, tmp_path: Path) -> str:
    """Path of the rnnts.toml of a project of its own."""
    folder = tmp_path / "project"
    shutil.copytree(template, folder)
    return str(folder / "rnnts.toml")
