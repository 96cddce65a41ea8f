"""Ranges when the newest data are late: ETTh1's windows, each forecast with less and less missing.

Each origin is issued four times within its hour. At first up to two days are missing, then some of
them arrive, and so on: one table whose rows say when they became known, as a real one would.
"""

import sqlite3
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.config import LEVELS
from rnnts.learning import metrics
from rnnts.panels.arrays import FloatArray, IntArray
from tests.benchmarks.accuracy import data
from tests.benchmarks.accuracy.case import Case, Instants
from tests.benchmarks.accuracy.project import lay_out, published, run_flow, served
from tests.benchmarks.accuracy.scores import bootstrap_error, interval_score, mean, scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.accuracy.parts import Settings

Json = dict[str, Any]
BUCKETS = ((24, 48), (12, 24), (6, 12), (0, 6))
"""Hours that are missing, from and to, in the order in which a window is issued."""
BETWEEN = timedelta(minutes=12)
"""From one issue of a window to the next: all within the hour of its first target."""
SHARE = 0.9
LATE = 'source = { table = "readings", series = "series_id", time = "at", value = "value", \
known_at = "known_at" }'


def late(settings: "Settings") -> Json:
    """Train once, two days before the first origin; forecast each origin once a bucket."""
    case = next(data.ett())
    case = case.quick(series=6, windows=3) if settings.quick else case
    delays = drawn_delays(len(case.origins), seed=0)
    case = replace(case, section=LATE, write=partial(write, case=case, delays=delays))
    quantiles = np.full((len(BUCKETS), *case.actual.shape, len(LEVELS)), np.nan)
    methods: list[set[str]] = [set() for _ in BUCKETS]
    with served(), tempfile.TemporaryDirectory(prefix="rnnts-bench-") as name:
        from flows.nightly_forecast import nightly_forecast  # quiet only once it is served
        from flows.weekly_retrain import weekly_retrain

        folder = Path(name)
        config = lay_out(case, folder, minutes=settings.budget(case), seed=0)
        before = case.issued_at(case.fitted_before) - timedelta(hours=BUCKETS[0][1])
        decision = run_flow(weekly_retrain, case, config, before)["message"]
        for window, origin in enumerate(case.origins.tolist()):
            for bucket in range(len(BUCKETS)):
                run_flow(nightly_forecast, case, config, issue(case, origin, bucket))
                found, named = published(case, folder / "bench.db", window)
                quantiles[bucket, :, window] = found
                methods[bucket] |= set(named)
    return {
        "title": "ETTh1 with the newest data late, 48 hours ahead, the last 20 windows",
        "minutes": settings.budget(case),
        "decision": decision,
        "windows": len(case.origins),
        "buckets": [
            {"hours": hours, "methods": sorted(named), **ranged(case, rows)}
            for hours, named, rows in zip(BUCKETS, methods, quantiles, strict=True)
        ],
    }


def drawn_delays(windows: int, seed: int) -> IntArray:
    """Hours without data before each origin, one for each bucket, falling, [windows, buckets].

    >>> delays = drawn_delays(3, seed=0)
    >>> bool((np.diff(delays, axis=1) < 0).all()), int(delays.max()) <= 48
    (True, True)
    """
    random = np.random.default_rng(seed)
    drawn = [
        random.integers(low + 1 if low else 0, high, windows, endpoint=True)
        for low, high in BUCKETS
    ]
    return np.stack(drawn, axis=1).astype(np.int64)


def issue(case: Case, origin: int, bucket: int) -> datetime:
    """When a window is issued for a bucket."""
    return case.issued_at(origin) + bucket * BETWEEN


def known_from(case: Case, delays: IntArray) -> Instants:
    """Since when each step is known, [steps]: from its end, or from the issue that may see it."""
    step = case.labels[1] - case.labels[0]
    known: Instants = case.labels + step
    for window, origin in enumerate(case.origins.tolist()):
        for bucket in range(len(BUCKETS)):
            hidden = np.arange(origin - delays[window, bucket], origin)
            known[hidden] = case.labels[origin] + np.timedelta64((bucket + 1) * BETWEEN)
    return known


def write(database: Path, *, case: Case, delays: IntArray) -> None:
    """Lay the series out, each row with the instant since when it is known."""
    at = np.datetime_as_string(case.labels, unit="s").tolist()
    known = np.datetime_as_string(known_from(case, delays).astype("datetime64[s]")).tolist()
    rows: Sequence[tuple[str, str, float, str]] = [
        (key, at[column], float(case.values[row, column]), known[column])
        for row, key in enumerate(case.ids)
        for column in np.flatnonzero(~np.isnan(case.values[row])).tolist()
    ]
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE readings (series_id TEXT, at TEXT, value REAL, known_at TEXT)"
        )
        connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?)", rows)
    connection.close()


def ranged(case: Case, quantiles: FloatArray) -> Json:
    """What the 90 % range of one bucket held, and what it cost; NaN where nothing was published.

    Args:
        case: With the truth.
        quantiles: [series, windows, horizon, levels].
    """
    actual, scale = case.actual, scales(case)
    inside = metrics.covered(actual, quantiles, LEVELS, SHARE)
    interval = metrics.mean_observed(interval_score(actual, quantiles, SHARE), axis=(1, 2))
    pinball = metrics.mean_observed(metrics.pinball(actual, quantiles, LEVELS), axis=(1, 2, 3))
    return {
        "coverage": float(metrics.mean_observed(inside)),
        "error": bootstrap_error(np.swapaxes(inside, 0, 1)),  # whole windows drawn anew
        "interval": mean(interval / scale),
        "pinball": mean(pinball / scale),
        "unserved": int(np.isnan(quantiles).any(axis=(2, 3)).sum()),
    }
