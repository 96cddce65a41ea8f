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
ROUNDS = 8
"""Turns that each network has; the fastest counts: other work on the machine only ever adds."""


class Timed:
    """A network in training, and its fastest mean step so far."""

    def __init__(self, config: NetworkConfig, windowset: WindowSet, steps: int) -> None:
        recipe = replace(recipe_for(config), batch=BATCH, mixing=0.0)
        self.descent = Descent(config, windowset, 0, recipe, None)
        self.stream = self.descent.stream(0)
        self.steps, self.seconds = steps, float("inf")
        self.descent.run(self.stream, tf.constant(1))  # compiling apart

    def turn(self) -> None:
        """Train some steps more."""
        began = perf_counter()
        self.descent.run(self.stream, tf.constant(self.steps))
        self.seconds = min(self.seconds, (perf_counter() - began) / self.steps)


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
        fast, slow = Timed(patched, windowset, 20), Timed(plain, windowset, 2)
        for _ in range(ROUNDS):
            fast.turn()
            slow.turn()
        patches, note = WINDOW // patched.folded, "must 20 x, aim 30 x"
        rows += [
            (f"lstm, 2 x {units} units over {WINDOW} steps", f"{slow.seconds * 1e3:,.0f} ms", ""),
            (f"patched_lstm, 2 x {units}, {patches} patches", f"{fast.seconds * 1e3:,.0f} ms", ""),
            ("ratio", f"{slow.seconds / fast.seconds:.1f} x", note),
        ]
    print_table(f"A training step, batch {BATCH}", rows)


if __name__ == "__main__":
    main()
