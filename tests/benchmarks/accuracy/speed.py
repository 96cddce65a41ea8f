"""The speed parts: training loop, forecasting beside NHITS, budget; and the course's series.

What is compared runs in the same minutes on the same machine: read the ratios.
"""

import math
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.config import LEVELS
from rnnts.panels.arrays import FloatArray
from tests.benchmarks.accuracy import data
from tests.benchmarks.accuracy.peers import predict_speed
from tests.benchmarks.accuracy.project import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rnnts.learning.fit import Progress
    from rnnts.project import Project
    from rnnts.steps.window import Windows
    from tests.benchmarks.accuracy.parts import Settings

Json = dict[str, Any]
SERIES, HISTORY, WINDOW, HORIZON = 10_000, 1_008, 336, 48
ROUNDS = 5
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def training(settings: "Settings") -> Json:
    """Floating-point operations a second of the whole training loop, beside the machine's own.

    The loop is that of `fit` on M4 Hourly with the default network, in the batches of a training of
    15 minutes and for as long as its first training: batches, steps, evaluations and checkpoints.
    What it compiles, up to the end of its first evaluation, is left out. The machine's rate is
    measured before, after, and every few seconds in between, when the loop's clock stands still: on
    a shared machine it is another one from minute to minute.
    """
    from rnnts.learning.fit import fit
    from rnnts.learning.pace import pace_for, recipe_at
    from rnnts.windows.windowset import WindowSet
    from tests.benchmarks.accuracy.flops import matrix_rate, operations_of_a_step

    seconds = 60 * (7.5 if settings.minutes is None else settings.minutes)
    with _m4_project(15.0) as (project, folder):
        windows = _windows(project)
        windowset = WindowSet.load(project.store.get_arrays(windows.arrays))
        pace = pace_for(windows.network, windowset, 15 * 60)
        recipe = recipe_at(windows.network, pace.steps, pace.batch)
        tally = operations_of_a_step(windows.network, windowset, recipe)
        steps = max(100, int(seconds / pace.step_seconds))
        progress = _Beside(matrix_rate)
        fit(
            windows.network,
            windowset,
            steps=steps,
            recipe=recipe,
            on_progress=progress,
            checkpoint_dir=folder / "checkpoints",
        )
    rates = [*progress.rates, matrix_rate()]
    machine = float(np.mean(rates))
    (first_step, began), (last_step, ended) = progress.told[0], progress.told[-1]
    done, spent = last_step - first_step, ended - began
    rate = tally.total * done / spent
    return {
        "title": "Training loop on M4 Hourly, float32",
        "operations_of_a_step": tally.total,
        "batch": recipe.batch,
        "by_kind": tally.kinds,
        "steps": done,
        "seconds": spent,
        "step_ms": 1e3 * spent / done,
        "gflops": rate / 1e9,
        "machine_gflops": machine / 1e9,
        "machine_gflops_from": min(rates) / 1e9,
        "machine_gflops_to": max(rates) / 1e9,
        "share": rate / machine,
    }


class _Beside:
    """Hears how far a training is, and measures the machine's rate in between."""

    def __init__(self, rate: "Callable[..., float]") -> None:
        self._rate = rate
        self.rates = [rate()]
        self.told: list[tuple[int, float]] = []  # (step, seconds without what is measured here)
        self._spent = 0.0
        self._measured = perf_counter()

    def __call__(self, progress: "Progress") -> None:
        """Take note of what is after the first evaluation; every few seconds measure."""
        if math.isfinite(progress.validation_loss):
            self.told.append((progress.step, progress.seconds - self._spent))
        began = perf_counter()
        if began - self._measured > SECONDS_BETWEEN:
            self.rates.append(self._rate(rounds=3))
            self._measured = perf_counter()
            self._spent += self._measured - began


SECONDS_BETWEEN = 10.0


def forecasting(settings: "Settings") -> Json:
    """10,000 series x 48 steps x 13 levels, beside NHITS' `predict` on the same series.

    Ours: what a night does of it, blocks of series side by side: gathering their windows, and the
    network, up to quantiles in the series' unit. Theirs: `predict` of a data frame of the same
    windows. Both untrained.
    """
    from rnnts.config import PanelConfig
    from rnnts.learning.predict import BLOCK, predict_blocks, side_by_side
    from rnnts.networks.build import build
    from rnnts.panels.grid import Grid
    from rnnts.panels.resolve import resolve
    from rnnts.steps.window import cut, network_of
    from rnnts.windows.gather import inputs_at
    from tests.benchmarks.series import panel_of

    values = seasonal_walks(100 if settings.quick else SERIES, HISTORY)
    starts = range(0, len(values), BLOCK)
    panels = [panel_of(list(values[start : start + BLOCK]), Grid("1h")) for start in starts]
    config = PanelConfig.model_validate(
        {"source": {"table": "t", "time": "at", "value": "v"}, "horizon": HORIZON}
    )
    resolved = resolve("speed", config, panels[0].grid, HISTORY)
    network = network_of(config, resolved, cut(panels[0], config, resolved, AS_OF))
    model = build(network)
    origin = panels[0].last_step + 1
    known = [inputs_at(panel, network, origin) for panel in panels]

    def forecast() -> tuple[float, float]:
        began = perf_counter()
        whole = side_by_side(
            lambda panel: predict_blocks(model, inputs_at(panel, network, origin)), panels
        )
        assert sum(map(len, whole)) == len(values)
        middle = perf_counter()
        alone = side_by_side(lambda inputs: predict_blocks(model, inputs), known)
        assert sum(map(len, alone)) == len(values)
        return middle - began, perf_counter() - middle

    forecast()  # compiles
    times = np.array([forecast() for _ in range(ROUNDS)])
    theirs = predict_speed(values[:, -WINDOW:], HORIZON)
    again = np.array([forecast() for _ in range(ROUNDS)])
    ours, alone = np.minimum(times.min(axis=0), again.min(axis=0)).tolist()
    return {
        "title": f"Forecasting {len(values):,} series x {HORIZON} steps x {len(LEVELS)} levels",
        "ours_seconds": ours,
        "of_that_network_seconds": alone,
        "nhits_seconds": theirs,
        "ratio": theirs / ours,
    }


def seasonal_walks(series: int, steps: int) -> FloatArray:
    """Daily patterns on random walks, [series, steps]: values do not change the time."""
    random = np.random.default_rng(0)
    hours = np.arange(steps)
    phase = random.uniform(0, 24, (series, 1))
    pattern = 10 * np.sin((hours + phase) * 2 * np.pi / 24)
    walks: FloatArray = 100 + pattern + random.normal(size=(series, steps)).cumsum(axis=1)
    return walks


def budget(settings: "Settings") -> Json:
    """How well a training keeps its budget of 5 minutes, on M4 Hourly through the step `train`.

    What a user waits for is held against it: all that the step does, loading, measuring, compiling
    and keeping weights included.
    """
    from rnnts.steps.train import train

    minutes = 5.0 if settings.minutes is None else settings.minutes
    with _m4_project(minutes) as (project, _):
        windows = _windows(project)
        began = perf_counter()
        result = train(project, "m4", windows.windows_id, _as_of())
        whole = perf_counter() - began
    return {
        "title": f"A training budget of {minutes:g} minutes",
        "budget_seconds": 60 * minutes,
        "training_seconds": result.seconds,
        "off": whole / (60 * minutes) - 1,
        "step_seconds": whole,
        "steps": result.steps,
    }


def course(_settings: "Settings") -> Json:
    """The course's series, one step ahead: our error, the course's network's, and the noise's."""
    from rnnts.panels.grid import Grid
    from tests.benchmarks import bench_course as bench
    from tests.benchmarks.series import course_series, panel_of

    series = course_series()
    panel = panel_of([series], Grid("1D"))
    truth = series[bench.SPLIT :]
    our_seconds, model, windowset = bench.our_training(panel)
    ours = bench.our_forecast(panel, model, windowset)
    seconds, forecast = bench.course_training(series)
    noise = 5 * np.random.RandomState(42).randn(len(series))[bench.SPLIT :]
    errors = {
        "rnnts": np.abs(ours - truth).mean(),
        "bidirectional LSTM of the course": np.abs(forecast - truth).mean(),
        "last value": np.abs(np.diff(series)[bench.SPLIT - 1 :]).mean(),
        "seasonal naive (365)": np.abs(truth - series[bench.SPLIT - 365 : -365]).mean(),
        "the noise alone": np.abs(noise).mean(),
    }
    return {
        "title": "The course's series, one step ahead, validation from step 1000",
        "mae": {name: float(error) for name, error in errors.items()},
        "our_seconds": our_seconds,
        "course_seconds": seconds,
    }


@contextmanager
def _m4_project(minutes: float) -> "Iterator[tuple[Project, Path]]":
    """M4 Hourly as a project, its tables there."""
    from rnnts.database.migrate import ensure_schema
    from rnnts.project import open_project

    case = next(data.m4())
    with tempfile.TemporaryDirectory(prefix="rnnts-bench-") as name:
        folder = Path(name)
        project = open_project(lay_out(case, folder, minutes=minutes, seed=0))
        ensure_schema(project.database)
        try:
            yield project, folder
        finally:
            project.database.close()


def _windows(project: "Project") -> "Windows":
    """The windows of M4's training part."""
    from rnnts.steps.ingest import ingest
    from rnnts.steps.window import load_windows, window

    snapshot = ingest(project, "m4", _as_of()).snapshot_id
    return load_windows(project, window(project, "m4", snapshot, _as_of()).windows_id)


def _as_of() -> "datetime":
    case = next(data.m4())
    return case.issued_at(case.fitted_before)
