"""The public path: a SQLite table, an rnnts.toml, weekly_retrain, and nightly_forecast by night."""

import os
import sqlite3
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnts.config import LEVELS
from rnnts.database.schema import QUANTILE_COLUMNS
from rnnts.panels.arrays import FloatArray
from tests.benchmarks.accuracy.case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect import Flow
    from prefect.client.schemas.objects import State

Json = dict[str, Any]

CONFIG = """\
[database]
url = "sqlite:///bench.db"

[panels.{panel}]
{section}
horizon = {horizon}
train   = {{ minutes = {minutes:g}, seed = {seed} }}
"""


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """What stood in the database after each night."""

    quantiles: FloatArray  # NaN where nothing was published, [series, windows, horizon, levels]
    methods: dict[str, int]  # how many forecasts of a series came from which method
    network: FloatArray  # share of windows published by the network, [series]
    decision: str  # what the retrain said
    training: Json  # what the ledger says of the training
    retrain_seconds: float
    night_seconds: float  # of all nights


@contextmanager
def served() -> "Iterator[None]":
    """A private Prefect server, one for all that a process publishes.

    What keeps slots of a tag is made once a process and stays with the first server: a training
    under a second one would wait for the first for ever.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from flows.prefect_api import private_server

    with tempfile.TemporaryDirectory(prefix="rnnts-bench-") as home, private_server(Path(home)):
        yield


def publish(case: Case, folder: Path, *, minutes: float, seed: int) -> Published:
    """Retrain as of the first origin, forecast every origin, and read what was published.

    Inside `served`.

    Args:
        case: What is forecast.
        folder: Where the project stands; empty.
        minutes: Training budget.
        seed: Of the training.
    """
    from flows.nightly_forecast import nightly_forecast
    from flows.weekly_retrain import weekly_retrain

    config = lay_out(case, folder, minutes=minutes, seed=seed)
    quantiles = np.full((*case.actual.shape, len(LEVELS)), np.nan)
    methods: list[list[str]] = []
    began = time.monotonic()
    first = case.issued_at(case.fitted_before)
    decision = run_flow(weekly_retrain, case, config, first)["message"]
    middle = time.monotonic()
    for window, origin in enumerate(case.origins.tolist()):
        run_flow(nightly_forecast, case, config, case.issued_at(origin))
        quantiles[:, window], method = published(case, folder / "bench.db", window)
        methods.append(method)
    ended = time.monotonic()
    named = np.array(methods)  # [windows, series]
    names, counts = np.unique(named, return_counts=True)
    return Published(
        quantiles=quantiles,
        methods=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        network=(named == "network").mean(axis=0),
        decision=decision,
        training=_training(case, config),
        retrain_seconds=middle - began,
        night_seconds=ended - middle,
    )


def lay_out(case: Case, folder: Path, *, minutes: float, seed: int) -> Path:
    """The project of a case, in an empty folder; gives back its rnnts.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    case.write(folder / "bench.db")
    config = folder / "rnnts.toml"
    text = CONFIG.format(
        panel=case.panel, section=case.section, horizon=case.horizon, minutes=minutes, seed=seed
    )
    config.write_text(text, encoding="utf-8")
    return config


def published(case: Case, database: Path, window: int) -> tuple[FloatArray, list[str]]:
    """What a reader of the view sees of one window's targets.

    Returns:
        Quantiles, [series, horizon, levels], and the method of each series, "none" without one.
    """
    query = (
        f"SELECT series_id, target_time, method, {', '.join(QUANTILE_COLUMNS)} "  # noqa: S608 - names of ours
        "FROM rnnts_latest_forecast WHERE panel = ?"
    )
    with sqlite3.connect(database) as connection:
        frame = pd.read_sql_query(query, connection, params=(case.panel,))
    connection.close()
    targets = case.labels[case.targets[window]]
    at = pd.to_datetime(frame["target_time"], utc=True).dt.tz_localize(None)
    lead = pd.Index(targets).get_indexer(pd.Index(at.to_numpy().astype(targets.dtype)))
    row = pd.Index(case.ids).get_indexer(pd.Index(frame["series_id"]))
    ours = (row >= 0) & (lead >= 0)
    quantiles = np.full((len(case.ids), case.horizon, len(LEVELS)), np.nan)
    quantiles[row[ours], lead[ours]] = frame.loc[ours, list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    method = frame[ours].groupby("series_id")["method"].first()
    return quantiles, [str(method.get(key, "none")) for key in case.ids]


def run_flow(flow: "Flow[..., Any]", case: Case, config: Path, as_of: datetime) -> Json:
    """Run a flow as of an instant; give back its result, or raise what ended it.

    Inside `served`.
    """
    run: Callable[..., State[Json]] = flow
    return run(str(config), case.panel, as_of.isoformat(), return_state=True).result()


def _training(case: Case, config: Path) -> Json:
    """Steps and seconds that the ledger has of the training."""
    from rnnts.database.runs import newest_result
    from rnnts.project import open_project

    as_of = case.issued_at(case.fitted_before)
    project = open_project(config)
    with project.database.reading() as connection:
        found = newest_result(connection, case.panel, "train", as_of)
    project.database.close()
    return {} if found is None else {name: found[name] for name in ("steps", "seconds")}
