"""M4 Hourly through the public path: a SQLite table, an rnnts.toml, the two flows.

`python tests/benchmarks/bench_m4_hourly.py --minutes 10` needs the data set of RNNTS_TEST_DATA.
Nothing is chosen on the test part; it is scored once, beside both seasonal naives.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

HORIZON, DAY, WEEK = 48, 24, 168
END = datetime(2015, 9, 1, tzinfo=UTC)
"""Where the training part of every series is made to end: M4's dates are conventional."""
LEVELS = np.arange(0.1, 0.95, 0.1)

CONFIG = """\
[database]
url = "sqlite:///m4.db"

[panels.m4]
source  = {{ table = "m4", series = "series_id", time = "at", value = "value" }}
horizon = 48
train   = {{ minutes = {minutes}, seed = {seed} }}
"""


def load(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Training and test part of each series, in time order."""
    parts = []
    for name in ("train", "test"):
        frame = pd.read_csv(folder / f"m4_hourly_{name}.csv.gz")
        grouped = frame.groupby("series_id", sort=False)["value"]
        parts.append({str(key): values.to_numpy(np.float64) for key, values in grouped})
    return parts[0], parts[1]


def write_table(database: Path, train: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> None:
    """One row an hour; the test part too, because nothing later than issued_at may matter."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE m4 (series_id TEXT, at TEXT, value REAL)")
        for key, values in train.items():
            whole = np.concatenate([values, test[key]])
            begin = END - timedelta(hours=len(values))
            rows = [
                (key, (begin + timedelta(hours=hour)).isoformat(), float(value))
                for hour, value in enumerate(whole)
            ]
            connection.executemany("INSERT INTO m4 VALUES (?, ?, ?)", rows)
    connection.close()


def published(database: Path) -> dict[str, np.ndarray]:
    """Quantiles 0.1 … 0.9 of each series, [horizon, 9], as a reader of the view sees them."""
    columns = ", ".join(f"q{10 * level}" for level in range(1, 10))
    query = (
        f"SELECT series_id, {columns} FROM rnnts_latest_forecast ORDER BY series_id, target_time"  # noqa: S608 - names of ours
    )
    with sqlite3.connect(database) as connection:
        frame = pd.read_sql_query(query, connection)
    connection.close()
    return {str(key): rows.iloc[:, 1:].to_numpy() for key, rows in frame.groupby("series_id")}


def scores(
    train: dict[str, np.ndarray], test: dict[str, np.ndarray], quantiles: dict[str, np.ndarray]
) -> tuple[float, float, float]:
    """sMAPE in percent, MASE (m = 24), weighted quantile loss; the first two mean over series."""
    smape, mase, losses, size = [], [], np.zeros(len(LEVELS)), 0.0
    for key, actual in test.items():
        point = quantiles[key][:, 4]
        error = np.abs(actual - point)
        smape.append(np.mean(200 * error / (np.abs(actual) + np.abs(point))))
        mase.append(error.mean() / np.abs(train[key][DAY:] - train[key][:-DAY]).mean())
        gap = actual[:, None] - quantiles[key]
        losses += np.maximum(LEVELS * gap, (LEVELS - 1) * gap).sum(axis=0)
        size += np.abs(actual).sum()
    return float(np.mean(smape)), float(np.mean(mase)), float((2 * losses / size).mean())


def naive(train: dict[str, np.ndarray], season: int) -> dict[str, np.ndarray]:
    """The last season repeated, as all nine quantiles."""
    return {
        key: np.repeat(np.resize(values[-season:], HORIZON)[:, None], 9, axis=1)
        for key, values in train.items()
    }


def flow(module: str, folder: Path, option: str) -> float:
    """Run one flow as a user does; its seconds."""
    begun = time.monotonic()
    command = [sys.executable, "-m", f"flows.{module}", "--panel", "m4", option, END.isoformat()]
    subprocess.run([*command, "--config", str(folder / "rnnts.toml"), "--private"], check=True)
    return time.monotonic() - begun


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    train, test = load(Path(os.environ["RNNTS_TEST_DATA"]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "m4.db", train, test)
        (folder / "rnnts.toml").write_text(CONFIG.format(minutes=given.minutes, seed=given.seed))
        retrain = flow("weekly_retrain", folder, "--as-of")
        night = flow("nightly_forecast", folder, "--issued-at")
        ours = published(folder / "m4.db")
    sys.stdout.write(f"weekly_retrain {retrain:.0f} s, nightly_forecast {night:.0f} s\n")
    sys.stdout.write(f"{'M4 Hourly, test part':<24}{'sMAPE':>8}{'MASE':>8}{'WQL':>9}\n")
    rows = {
        f"rnnts, {given.minutes:g} minutes": ours,
        "seasonal naive (24)": naive(train, DAY),
        "seasonal naive (168)": naive(train, WEEK),
    }
    for label, quantiles in rows.items():
        smape, mase, loss = scores(train, test, quantiles)
        sys.stdout.write(f"{label:<24}{smape:>8.3f}{mase:>8.3f}{loss:>9.4f}\n")


if __name__ == "__main__":
    main()
