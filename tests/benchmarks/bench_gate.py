"""What the gate says of real trainings: a better, an equal and a worse candidate, three seeds each.

Run with `python -m tests.benchmarks.bench_gate`; with RNNTS_TEST_DATA on M4 Hourly, else on random
walks, where nobody can be better than anybody. The champion and its equals differ in their seed
alone; the worse candidate was trained a tenth as long, and the better one is the champion's equal
where that serves as champion. Beside it how often networks that differ in their seed alone, and
ones that are 5 % better than that, pass on simulated days.
"""

import argparse
from collections.abc import Callable

import numpy as np

from rnnts.learning import gate
from rnnts.learning.bounds import Bounds
from rnnts.learning.fit import fit
from rnnts.learning.rolling import HeldOut
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.seasons import seasons_of
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.series import m4_hourly, panel_of, print_table
from tests.rnnts.learning.simulated import ETT_H1, FLIGHTS, M4_HOURLY, Measured, equal_pair

WINDOW, HORIZON = 336, 48
LEVELS = (0.1, 0.5, 0.9)
SEEDS = 3
TIMES = 1_000
Errors = dict[str, FloatArray]


def errors_of(steps: int) -> tuple[Errors, int]:
    """Scaled errors of the gate's windows by network and naive, and how many origins overlap."""
    panel = panel_of(m4_hourly("train"), Grid("1h"))
    seasons = seasons_of("1h", panel.values.shape[1])
    windowset = WindowSet.of(panel, window=WINDOW, horizon=HORIZON, seasons=seasons)
    config = NetworkConfig(window=WINDOW, horizon=HORIZON, levels=LEVELS, seasons=windowset.seasons)
    held_out = HeldOut(panel, windowset, Bounds())
    methods = {
        f"seasonal_naive_{one.name}": held_out.seasonal_naive(one, LEVELS) for one in seasons
    }
    for seed in range(SEEDS + 1):
        for name, share in (("whole", 1), ("tenth", 10)):
            if name == "tenth" and seed == SEEDS:
                continue
            model = fit(config, windowset, steps=max(20, steps // share), seed=seed).model
            methods[f"{name} {seed}"] = held_out.network(model, config, LEVELS)
    scored = held_out.score(methods, LEVELS, np.array([0]), lambda: None)
    errors = {name: tally.windows() for name, tally in scored.tallies.items()}
    return errors, gate.overlap_of(HORIZON, windowset.parts.gate_apart)


def said(errors: Errors, candidate: str, champion: str, overlap: int) -> tuple[str, str]:
    """The verdict, and what it rests on."""
    naive = {name: values for name, values in errors.items() if name.startswith("seasonal")}
    pair = {gate.CANDIDATE: errors[candidate], gate.CHAMPION: errors[champion]}
    verdict = gate.judge(pair | naive, overlap)
    skill, sure = (verdict.numbers[name][gate.CHAMPION] for name in ("skill", "confidence"))
    return (
        "promoted" if verdict.promote else "rejected",
        f"{100 * skill:+.1f} % with {100 * sure:.1f} % confidence",
    )


def passing(panel: Measured, change: Callable[[FloatArray], FloatArray]) -> float:
    """Share of simulated candidates that are promoted."""
    passed = 0
    for seed in range(TIMES):
        candidate, champion = equal_pair(panel, 8, np.random.default_rng(seed))
        errors = {gate.CANDIDATE: change(candidate), gate.CHAMPION: champion}
        passed += gate.judge(errors, 2).promote
    return passed / TIMES


def main() -> None:
    """Print the verdicts on real trainings, then the simulation's rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    errors, overlap = errors_of(parser.parse_args().steps)
    rows = []
    for seed in range(SEEDS):
        equal, worse, champion = f"whole {seed}", f"tenth {seed}", f"whole {SEEDS}"
        for label, pair, wanted in (
            ("better", (champion, worse), "promoted"),
            ("worse", (worse, champion), "rejected"),
            ("equal, another seed", (equal, champion), "chance alone"),
        ):
            verdict, why = said(errors, *pair, overlap)
            rows.append((f"seed {seed}, {label}", verdict, f"{why}; wanted: {wanted}"))
    print_table("Real trainings at the gate", rows)
    rates = []
    for name, panel in (("ETTh1", ETT_H1), ("M4 Hourly", M4_HOURLY), ("flights", FLIGHTS)):
        for label, gain, wanted in (
            ("equal", 0.0, "must at most 5 %"),
            ("5 % better", 0.05, "must at least 80 %, but for the flights"),
            ("10 % better", 0.1, ""),
        ):
            share = passing(panel, lambda errors, gain=gain: (1 - gain) * errors)  # type: ignore[misc] # bound now
            rates.append((f"{name}, {label}", f"{100 * share:.1f} %", wanted))
    print_table(f"Promoted of {TIMES:,} simulated candidates", rates)


if __name__ == "__main__":
    main()
