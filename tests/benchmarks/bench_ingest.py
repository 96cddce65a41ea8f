"""Rows a second from a SQLite table to a snapshot, against pandas reading the same table.

Run with `python -m tests.benchmarks.bench_ingest`.
"""

import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import pandas as pd

from rnnts.project import open_project
from rnnts.steps.ingest import ingest
from tests.benchmarks.series import print_table

ROWS, SERIES = 1_000_000, 50
START = datetime(2020, 1, 1, tzinfo=UTC)
CONFIG = """
[panels.loads]
horizon = 48
[panels.loads.source]
url = "sqlite:///source.db"
table = "readings"
series = "feeder"
time = "at"
value = "load"
"""
INSERT = f"""
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS - 1})
    INSERT INTO readings
    SELECT 'feeder ' || (i % {SERIES}),
      datetime({int(START.timestamp())} + 3600 * (i / {SERIES}), 'unixepoch'), i % 24 + 0.1 FROM n
"""  # noqa: S608 - numbers of ours


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds; the first tell of the disk and of other processes too."""
    wall, processor = perf_counter(), process_time()
    work()
    return perf_counter() - wall, process_time() - processor


def main() -> None:
    """Print rates of pandas, of the first snapshot, of the next night, and peak memory."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "source.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE readings (feeder TEXT, at TEXT, load REAL)")
            connection.execute(INSERT)
            connection.commit()
            reference = seconds_of(lambda: pd.read_sql("SELECT * FROM readings", connection))
        (Path(folder) / "rnnts.toml").write_text(CONFIG)
        project = open_project(Path(folder) / "rnnts.toml")
        ends = START + timedelta(hours=ROWS // SERIES)
        night = timedelta(days=1)
        first = seconds_of(lambda: ingest(project, "loads", ends - night))
        again = seconds_of(lambda: ingest(project, "loads", ends))
        project.database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_table(
        f"{ROWS:,} rows of {SERIES} series from SQLite, times as text",
        [
            _line("pandas.read_sql, nothing checked", reference),
            _line("first snapshot", first),
            ("the night after", f"{again[0]:.2f} s", f"{again[1]:.2f} s of processor"),
            ("peak memory of it all", f"{peak:,.0f} MiB", "pandas' frame included"),
        ],
    )


def _line(name: str, seconds: tuple[float, float]) -> tuple[str, str, str]:
    wall, processor = seconds
    return name, f"{ROWS / wall:,.0f} /s", f"{ROWS / processor:,.0f} a processor second"


if __name__ == "__main__":
    main()
