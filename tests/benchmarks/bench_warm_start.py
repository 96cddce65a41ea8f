"""How long a retrain from the champion's weights needs to come as near as one from random weights.

Run with `python -m tests.benchmarks.bench_warm_start`; with RNNTS_TEST_DATA on M4 Hourly, else on
random walks, where there is nothing to learn. The champion knows the panel as of a week ago.
"""

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from rnnts.learning.bounds import Bounds
from rnnts.learning.child import WARM_RATE
from rnnts.learning.fit import Outcome, fit
from rnnts.learning.jobs import WARM_SHARE
from rnnts.learning.recipe import recipe_for
from rnnts.learning.rolling import HeldOut
from rnnts.networks.config import NetworkConfig
from rnnts.networks.weights import weights_of
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import seasons_of
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.series import m4_hourly, panel_of, print_table

WINDOW, HORIZON, WEEK = 336, 48, 168
LEVELS = (0.1, 0.5, 0.9)


def windows_of(panel: Panel) -> WindowSet:
    """All windows of a panel, split by time."""
    seasons = seasons_of("1h", panel.values.shape[1])
    return WindowSet.of(panel, window=WINDOW, horizon=HORIZON, seasons=seasons)


def main() -> None:
    """Train champion, cold and warm; print their scores on the gate's windows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_500)
    steps = parser.parse_args().steps
    panel = panel_of(m4_hourly("train"), Grid("1h"))
    before, now = windows_of(panel.upto(panel.watermark - WEEK)), windows_of(panel)
    config = NetworkConfig(window=WINDOW, horizon=HORIZON, levels=LEVELS, seasons=now.seasons)
    held_out = HeldOut(panel, now, Bounds())

    def error(model: Any) -> float:  # noqa: ANN401 - keras.Model
        methods = {"network": held_out.network(model, config, LEVELS)}
        scored = held_out.score(methods, LEVELS, np.array([0]), lambda: None)
        return float(np.nanmean(scored.tallies["network"].windows()))

    def row(name: str, outcome: Outcome) -> tuple[str, str, str]:
        held = outcome.validation_loss or float("nan")
        note = f"{outcome.steps} steps, {outcome.seconds:.0f} s, held-out loss {held:.4f}"
        return name, f"MASE {error(outcome.model):.4f}", note

    few = int(WARM_SHARE * steps)
    gentle = recipe_for(config, few)
    gentle = replace(gentle, rate=WARM_RATE * gentle.rate)
    champion = fit(config, before, steps=steps, seed=0)
    cold = fit(config, now, steps=steps, seed=1)
    short = fit(config, now, steps=few, seed=1)
    warm = fit(config, now, steps=few, seed=1, recipe=gentle, start=weights_of(champion.model))
    print_table(
        "A retrain a week after the champion's, on the windows of the gate",
        [
            row("the champion of a week ago", champion),
            row("from random weights", cold),
            row("from random weights, a third of the steps", short),
            row("from the champion's weights, a third of the steps", warm),
        ],
    )
    reached = next((at for at, _, held in warm.curve if held <= (cold.validation_loss or 0)), None)
    told = "not reached" if reached is None else f"{reached / cold.best_step:.0%} of its steps"
    slack = (warm.validation_loss or 0) / (cold.validation_loss or 1) - 1
    print_table(
        "The held-out loss of the cold one",
        [("reached by the warm one after", told, f"its best is {100 * slack:+.2f} % of it")],
    )


if __name__ == "__main__":
    main()
