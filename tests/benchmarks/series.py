"""The series that benchmarks run on, and the table they print."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo


def course_series() -> FloatArray:
    """The series of the course: trend, season of 365 and noise, [1461]."""
    time = np.arange(1461)
    phase = (time % 365) / 365
    pattern = np.where(phase < 0.4, np.cos(2 * np.pi * phase), 1 / np.exp(3 * phase))
    noise = np.random.RandomState(42).randn(len(time))
    values: FloatArray = 10 + 0.05 * time + 40 * pattern + 5 * noise
    return values


def m4_hourly(part: str) -> list[FloatArray]:
    """The series of M4 Hourly, by id; random walks of the same lengths without the data."""
    folder = os.environ.get("RNNTS_TEST_DATA")
    if not folder:
        random = np.random.default_rng(0)
        return [random.normal(size=length).cumsum() for length in [700] * 169 + [960] * 245]
    frame = pd.read_csv(Path(folder) / f"m4_hourly_{part}.csv.gz")
    groups = frame.groupby("series_id", sort=True)["value"]
    return [values.to_numpy(float) for _, values in groups]


def panel_of(rows: Sequence[FloatArray], grid: Grid) -> Panel:
    """A panel whose series all end together."""
    steps = max(len(row) for row in rows)
    values = np.full((len(rows), steps), np.nan)
    for place, row in enumerate(rows):
        values[place, steps - len(row) :] = row
    infos = tuple(
        SeriesInfo(f"{place:04}", (), steps - len(row), steps - 1) for place, row in enumerate(rows)
    )
    return Panel("benchmark", grid, infos, 0, values, steps - 1)


def print_table(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print what was measured, how much, and against what."""
    print(f"\n{title}")  # noqa: T201 - a benchmark's output is its table
    for name, figure, note in rows:
        print(f"  {name:<52} {figure:>16}  {note}")  # noqa: T201
