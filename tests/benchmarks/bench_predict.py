"""One-step forecasts of 461 points, against the course's loop of `model.predict`.

Run with `python -m tests.benchmarks.bench_predict`. Both sides forecast each point from the true
values before it, with an untrained network: its weights do not change the time. Neither side's
first call, which compiles, is counted.
"""

from time import perf_counter

import numpy as np

from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.panels.seasons import seasons_of
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.bench_course import COURSE_WINDOW, SPLIT, course_network, our_forecast
from tests.benchmarks.series import course_series, panel_of, print_table

LOOPED = 100
"""Points of the loop that are timed; the rest take as long."""


def main() -> None:
    """Print both times and their ratio."""
    series = course_series()
    points = len(series) - SPLIT
    course = course_network()
    windows = [series[None, place - COURSE_WINDOW : place] for place in range(SPLIT, len(series))]
    course.predict(windows[0], verbose=0)
    began = perf_counter()
    for window in windows[:LOOPED]:
        course.predict(window, verbose=0)
    loop = (perf_counter() - began) * points / LOOPED

    panel = panel_of([series], Grid("1D"))
    windowset = WindowSet.of(panel, window=56, horizon=1, seasons=seasons_of("1D", SPLIT))
    config = NetworkConfig(
        window=56, horizon=1, seasons=windowset.seasons, units=16, layers=1, levels=(0.1, 0.5, 0.9)
    )
    model = build(config)
    our_forecast(panel, model, windowset)
    times = []
    for _ in range(5):
        began = perf_counter()
        our_forecast(panel, model, windowset)
        times.append(perf_counter() - began)
    ours = float(np.median(times))
    print_table(
        f"One-step forecasts of {points} points",
        [
            ("course's loop of model.predict", f"{loop:.1f} s", f"{LOOPED} timed, scaled up"),
            ("rnnts, windows included", f"{ours * 1000:.1f} ms", "median of 5"),
            ("ratio", f"{loop / ours:,.0f} x", "must 100 x, aim 1,000 x"),
        ],
    )


if __name__ == "__main__":
    main()
