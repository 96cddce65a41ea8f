"""What it costs when a fifth of every series is missing: the same panels, whole and with holes."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.panels.arrays import FloatArray
from tests.benchmarks.accuracy import data
from tests.benchmarks.accuracy.case import Case
from tests.benchmarks.accuracy.project import publish, served
from tests.benchmarks.accuracy.scores import scores

if TYPE_CHECKING:
    from tests.benchmarks.accuracy.parts import Settings

Json = dict[str, Any]
SHARE = 0.2
"""Part of the values that is taken away: half of it one by one, half in blocks."""
BLOCK = (6, 48)
"""Steps of a block, from and to."""
MINUTES = 5.0
M4_SERIES, M4_WINDOWS = 100, 4


def with_holes(values: FloatArray, seed: int) -> FloatArray:
    """The same series with SHARE of their observed values taken away.

    Args:
        values: [series, steps]; not changed.
        seed: Of what is taken.
    """
    random = np.random.default_rng(seed)
    holed = values.copy()
    for row in holed:
        known = np.flatnonzero(~np.isnan(row))
        wanted = round(SHARE * len(known))
        single = random.choice(known, wanted // 2, replace=False)
        row[single] = np.nan
        while (lack := wanted - int(np.isnan(row[known]).sum())) > 0:
            start = int(random.integers(len(known)))
            length = min(lack, int(random.integers(BLOCK[0], BLOCK[1] + 1)))
            row[known[start : start + length]] = np.nan
    return holed


def cases() -> Iterator[Case]:
    """ETTh1's last 20 windows, and the last windows of the training part of some M4 series."""
    yield replace(next(data.ett()), minutes=MINUTES)
    whole = next(data.m4())
    values = whole.values[:M4_SERIES, : -whole.horizon]
    steps = values.shape[1]
    yield replace(
        whole,
        ids=whole.ids[:M4_SERIES],
        labels=whole.labels[:steps],
        values=values,
        origins=steps - whole.horizon * np.arange(M4_WINDOWS, 0, -1),
        minutes=MINUTES,
    )


def missing(settings: "Settings") -> Json:
    """Train on the whole panel and on the one with holes; score both against the true values."""
    chosen = (case.quick(series=6, windows=2) if settings.quick else case for case in cases())
    with served():
        told = [_whole_and_holed(case, settings.budget(case)) for case in chosen]
    return {"title": f"A fifth of every series missing ({SHARE:.0%})", "cases": told}


def _whole_and_holed(case: Case, minutes: float) -> Json:
    results: list[Json] = []
    for name, values in {"whole": case.values, "with holes": with_holes(case.values, 0)}.items():
        write = partial(data.write_matrix, ids=case.ids, labels=case.labels, values=values)
        with tempfile.TemporaryDirectory(prefix="rnnts-bench-") as folder:
            found = publish(replace(case, write=write), Path(folder), minutes=minutes, seed=0)
        figures: Json = {"method": name, "minutes": minutes, "methods": found.methods}
        results.append(figures | {"decision": found.decision} | scores(case, found.quantiles))
    return {
        "panel": case.panel,
        "series": len(case.ids),
        "windows": len(case.origins),
        "horizon": case.horizon,
        "loss": results[1]["mase"] / results[0]["mase"] - 1,
        "results": results,
    }
