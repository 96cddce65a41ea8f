"""The page's screens at 10,000 series, against the same screens at 100 series.

Run with `python -m tests.benchmarks.bench_page`. Both projects stand on SQLite and have eight
nights behind them, published as every night is, three of them with all their 48 steps; all but
the live one are scored; and there are findings. What the page summed it remembers until scores or
publications change, so a first look is told apart.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from unittest.mock import patch

import numpy as np

from rnnts.config import LEVELS
from rnnts.dashboard.app import create_app
from rnnts.dashboard.memory import MOST, Memory
from rnnts.database.catalogue import register_series, series_keys
from rnnts.database.findings import record_findings
from rnnts.database.forecasts import ForecastRows
from rnnts.database.leases import hold
from rnnts.database.migrate import ensure_schema
from rnnts.database.models import add_version, promote
from rnnts.database.publications import Manifest, flip, stage
from rnnts.database.scores import ScoreRows, write_scores
from rnnts.findings import Finding
from rnnts.panels.arrays import AnyArray, IntArray
from rnnts.panels.panel import SeriesInfo
from rnnts.project import Project, open_project
from tests.benchmarks.series import print_table
from tests.rnnts.dashboard.looker import Looker
from tests.rnnts.dashboard.nights import NIGHT, NOW, PANEL, SCHEDULE

SERIES, FEW = 10_000, 100
HORIZON, NIGHTS, WHOLE = 48, 8, 3
LOOKS = 40
DAY = timedelta(days=1)
VERSION = "0" * 64
SCREENS = {
    "Night, first look": ("/", 0),
    "Night": ("/", MOST),
    "Series": ("/series", MOST),
    "Series, a search": ("/series?search=99", MOST),
}
"""Address, and how many answers the page remembers."""
AIM = "aim 200 ms"


def main() -> None:
    """Print median and 95th percentile of each screen, many series beside few."""
    with TemporaryDirectory() as folder:
        looks = {}
        for series in (FEW, SERIES):
            project = told(Path(folder) / str(series), series)
            looks[series] = {name: seconds(project, *asked) for name, asked in SCREENS.items()}
    for name in SCREENS:
        print_table(
            f"The screen {name}, {LOOKS} looks",
            [_line(series, looks[series][name]) for series in (SERIES, FEW)],
        )


def _line(series: int, taken: list[float]) -> tuple[str, str, str]:
    late, usual = np.percentile(taken, [95, 50]) * 1000
    note = f"median {usual:.0f} ms"
    return (
        f"{series:,} series, 95th percentile",
        f"{late:.0f} ms",
        f"{note}, {AIM}" if series == SERIES else note,
    )


def seconds(project: Project, path: str, remembered: int) -> list[float]:
    """How long each look takes, the first left out: templates are compiled then."""
    with patch("rnnts.dashboard.page.Memory", lambda: Memory(remembered)):
        looker = Looker(create_app(project, now=lambda: NOW))
    taken = []
    for _ in range(LOOKS + 1):
        began = perf_counter()
        answer = looker.get(path)
        taken.append(perf_counter() - began)
        assert answer.status_code == HTTPStatus.OK, answer.text
    return taken[1:]


def told(folder: Path, series: int) -> Project:
    """A project with a week behind it."""
    folder.mkdir()
    (folder / "rnnts.toml").write_text(PANEL.format(name="loads") + SCHEDULE)
    project = open_project(folder / "rnnts.toml")
    ensure_schema(project.database)
    names = [f"feeder {number:05}" for number in range(series)]
    with project.database.writing() as connection:
        infos = [SeriesInfo(name, (("key", name),), 0, 1) for name in names]
        register_series(connection, "loads", infos, NIGHT - 30 * DAY)
        keys = np.array(list(series_keys(connection, "loads").values()))
        record_findings(connection, _findings(names), NIGHT)
        add_version(
            connection, version_id=VERSION, panel="loads", as_of=NIGHT - 10 * DAY, manifest={},
            snapshot_id="", windows_id="", weights_name="", weights_sha256="",
        )  # fmt: skip
        promote(
            connection, panel="loads", version_id=VERSION, scorecard_id=None, reason="better",
            numbers={}, effective_from=NIGHT - 10 * DAY,
        )  # fmt: skip
    random = np.random.default_rng(series)
    method = np.where(random.random(series) < 0.05, "seasonal_naive", "network")
    for back in reversed(range(NIGHTS)):
        horizon = HORIZON if back < WHOLE else 1  # no screen reads more of older ones
        published = publish(project, keys, method, NIGHT - back * DAY, horizon)
        if back:
            with project.database.writing() as connection:
                write_scores(connection, scores(published, keys, method, random), NIGHT)
    return project


def _findings(names: list[str]) -> list[Finding]:
    return [
        Finding("SERIES_STALE", "warning", "loads", "silent for 60 h", "look at its loader", name)
        for name in names[:80]
    ]


def publish(
    project: Project, keys: IntArray, method: AnyArray, issued_at: datetime, horizon: int
) -> int:
    """A night, as steps publish it; its id."""
    manifest = Manifest(
        "loads", issued_at, "night", "5" * 64, "6" * 64, VERSION, None, horizon, len(keys), 0,
        degraded=True,
    )  # fmt: skip
    chunks = rows(keys, method, issued_at, horizon)
    with hold(project.database, "loads", "night") as lease:
        row = stage(project.database, lease, manifest, chunks)
        return flip(project.database, lease, row.id).publication


def rows(
    keys: IntArray, method: AnyArray, issued_at: datetime, horizon: int
) -> Iterator[ForecastRows]:
    """Quantiles that rise, of 400 series at a time."""
    begun = int(issued_at.timestamp())
    for start in range(0, len(keys), 400):
        part = slice(start, start + 400)
        count = len(keys[part])
        how = np.repeat(method[part], horizon)
        level = np.random.default_rng(start).normal(100, 10, count * horizon)
        yield ForecastRows(
            np.repeat(keys[part], horizon),
            np.tile(np.arange(1, horizon + 1), count),
            np.tile(begun + 3600 * np.arange(horizon), count),
            level[:, None] + np.arange(len(LEVELS)),
            how,
            np.where(how == "network", "fresh", "fallback"),
        )


def scores(
    publication: int, keys: IntArray, method: AnyArray, random: np.random.Generator
) -> ScoreRows:
    """Of each series as published and, beside the network, of seasonal naive; and by step."""
    beside = method == "network"
    naive = random.gamma(20, 10, len(keys))
    found = np.where(beside, naive * random.uniform(0.5, 1.3, len(keys)), naive)
    covered = random.binomial(HORIZON, 0.8, len(keys)).astype(float)
    how = np.concatenate([method, np.full(beside.sum(), "seasonal_naive")])
    sums = np.stack(
        [
            np.concatenate([found, naive[beside]]),
            np.concatenate([naive, naive[beside]]),
            *[np.concatenate([covered, covered[beside]])] * 2,
        ],
        axis=1,
    )  # [rows, sums]
    names = np.unique(how)
    by_step = [sums[how == name].sum(axis=0) // HORIZON for name in names]
    counts = [np.count_nonzero(how == name) for name in names]
    series = np.concatenate([keys, keys[beside], np.zeros(HORIZON * len(names), np.int64)])
    error, naive_error, covered_80, covered_95 = np.concatenate(
        [sums, np.repeat(by_step, HORIZON, axis=0)]
    ).T
    return ScoreRows(
        np.full(len(series), publication),
        series,
        np.concatenate([np.zeros(len(how), np.int64), *[np.arange(1, HORIZON + 1)] * len(names)]),
        np.concatenate([how, np.repeat(names, HORIZON)]),
        np.concatenate([np.full(len(how), HORIZON), np.repeat(counts, HORIZON)]),
        error,
        naive_error,
        error / 3,
        covered_80,
        covered_95,
    )


if __name__ == "__main__":
    main()
