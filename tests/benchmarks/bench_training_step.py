"""Seconds of a training step of patched_lstm, against plain LSTM of the same width over 336 steps.

Run with `python -m tests.benchmarks.bench_training_step`.
"""

from dataclasses import replace
from time import perf_counter

import tensorflow as tf

from rnnts.learning.descent import Descent
from rnnts.learning.recipe import recipe_for
from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.panels.seasons import seasons_of
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.series import m4_hourly, panel_of, print_table

WINDOW, HORIZON, BATCH = 336, 48, 512


def step_seconds(config: NetworkConfig, windowset: WindowSet, steps: int) -> float:
    """The mean over some steps, compiling apart."""
    recipe = replace(recipe_for(config), batch=BATCH, mixing=0.0)
    descent = Descent(config, windowset, 0, recipe, 1e-3)
    stream = descent.stream(0)
    descent.run(stream, tf.constant(1))
    began = perf_counter()
    descent.run(stream, tf.constant(steps))
    return (perf_counter() - began) / steps


def main() -> None:
    """Print both at some widths, and their ratio."""
    panel = panel_of(m4_hourly("train"), Grid("1h"))
    windowset = WindowSet.of(
        panel, window=WINDOW, horizon=HORIZON, seasons=seasons_of("1h", WINDOW)
    )
    rows = []
    for units in (64, 128):
        patched = NetworkConfig(
            window=WINDOW, horizon=HORIZON, seasons=windowset.seasons, units=units
        )
        plain = patched.model_copy(update={"architecture": "lstm"})
        fast, slow = step_seconds(patched, windowset, 20), step_seconds(plain, windowset, 2)
        note = "must 20 x, aim 30 x"
        rows += [
            (f"lstm, 2 x {units} units over {WINDOW} steps", f"{slow * 1000:,.0f} ms", ""),
            (f"patched_lstm, 2 x {units} units over 14 patches", f"{fast * 1000:,.0f} ms", ""),
            ("ratio", f"{slow / fast:.1f} x", note),
        ]
    print_table(f"A training step, batch {BATCH}", rows)


if __name__ == "__main__":
    main()
