"""What a training is worth on days that it never saw, all of them before a case's test part.

    python -m tests.benchmarks.held_out m4 --steps 1000 --seed 0 --recipe invented=0
    python -m tests.benchmarks.held_out flights-holidays --before 2013-09-11T07

The first training is scored on the gate's origins; so is the second, which here may see what lies
before them and nothing else. These are the figures of docs/research.md: whoever changes the network
or its recipe runs this before and after. Cases are those of `tests.benchmarks.accuracy`.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnts.artefacts import packed
from rnnts.config import LEVELS
from rnnts.learning import metrics
from rnnts.learning.fit import Outcome, fit
from rnnts.learning.recipe import Recipe, recipe_for
from rnnts.learning.refit import refit_steps, settle
from rnnts.learning.rolling import HeldOut
from rnnts.networks.config import NetworkConfig
from rnnts.networks.weights import weights_of
from rnnts.panels.arrays import FloatArray
from rnnts.project import open_project
from rnnts.steps.ingest import ingest
from rnnts.steps.snapshots import load_panel
from rnnts.steps.window import load_windows, window, windowset_of
from rnnts.windows.parts import Parts
from tests.benchmarks.accuracy import data, invented
from tests.benchmarks.accuracy.case import Case
from tests.benchmarks.accuracy.project import lay_out
from tests.benchmarks.accuracy.scores import MIDDLE
from tests.benchmarks.series import print_table

CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "m4": data.m4,
    "ett": data.ett,
    "nab": data.nab,
    "temperatures": data.temperatures,
    "sunspots": data.sunspots,
    "flights": data.flights,
    "flights-holidays": data.flights_and_holidays,
    "weekly": invented.weekly,
}


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """A case's training part, and the windows that stay unseen."""

    held_out: HeldOut
    config: NetworkConfig

    @classmethod
    def of(cls, case: Case) -> "Days":
        """As `weekly_retrain` would cut it at the case's first origin."""
        with tempfile.TemporaryDirectory(prefix="rnnts-held-out-") as folder:
            project = open_project(lay_out(case, Path(folder), minutes=1, seed=0))
            as_of = case.issued_at(case.fitted_before)
            snapshot = ingest(project, case.panel, as_of).snapshot_id
            windows = load_windows(project, window(project, case.panel, snapshot, as_of).windows_id)
            panel = load_panel(project, snapshot, with_covariates=True)
            held_out = HeldOut(panel, windowset_of(project, windows), windows.bounds)
            project.database.close()
        return cls(held_out, windows.network)

    def forecasts(self, model: Any) -> FloatArray:  # noqa: ANN401 - keras.Model
        """Of the gate's windows, NaN where a series is too short, [origins, series, horizon, …]."""
        method = self.held_out.network(model, self.config, LEVELS)
        origins = self.held_out.windowset.parts.gate_origins.tolist()
        return np.stack(
            [
                np.where(self.held_out.usable(origin)[:, None, None], method(origin), np.nan)
                for origin in origins
            ]
        )

    def scores(self, quantiles: FloatArray) -> dict[str, float]:
        """Of forecasts as `forecasts` lays them out; losses and MASE in the gate's unit."""
        unit = self.held_out.unit
        origins = self.held_out.windowset.parts.gate_origins.tolist()
        actual = np.stack([self.held_out.actual(origin) for origin in origins])
        actual[np.isnan(quantiles[..., MIDDLE])] = np.nan
        size = np.where(unit > 0, unit, np.nan)[None, :, None]
        pinball = metrics.pinball(actual, quantiles, LEVELS).mean(axis=-1)
        flat = actual.reshape(-1, self.config.horizon)
        return {
            "pinball loss, twice": float(2 * np.nanmean(pinball / size)),
            "MASE": float(np.nanmean(np.abs(actual - quantiles[..., MIDDLE]) / size)),
            "weighted quantile loss": metrics.weighted_quantile_loss(
                flat, quantiles.reshape(*flat.shape, len(LEVELS)), LEVELS
            ),
            "absolute error": float(np.nansum(np.abs(actual - quantiles[..., MIDDLE]))),
        }

    def first(self, steps: int, seed: int, recipe: Recipe) -> Outcome:
        """The training that chooses its weights."""
        return fit(self.config, self.held_out.windowset, steps=steps, seed=seed, recipe=recipe)

    def second(self, first: Outcome, seed: int, recipe: Recipe) -> Outcome | None:
        """The one that knows all that lies before the gate; None where it would be too short."""
        steps = refit_steps(recipe, first.steps, first.best_step)
        if not steps:
            return None
        windowset = self.held_out.windowset
        gate = windowset.parts.calibration_until
        none = windowset.parts.calibration_origins[:0]
        parts = Parts(gate, gate, windowset.parts.gate_until, none, windowset.parts.gate_origins)
        outcome = fit(
            self.config,
            replace(windowset, parts=parts),
            steps=steps,
            seed=seed,
            recipe=recipe,
            start=weights_of(first.model),
        )
        settle(first.model, outcome.model, recipe)
        return outcome


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """A recipe with `name=number` written over it.

    >>> changed(Recipe(), ["invented=0", "batch=128"]).batch
    128
    """
    numbers: dict[str, Any] = {}
    for change in changes:
        name, _, number = change.partition("=")
        numbers[name] = type(getattr(recipe, name))(float(number))
    return replace(recipe, **numbers)


def ending(case: Case, before: str) -> Case:
    """The case as it was at an earlier instant, for days such as holidays to be held out."""
    first = int(np.searchsorted(case.labels, np.datetime64(before, "s")))
    return replace(case, origins=case.origins - (case.fitted_before - first))


def main() -> None:
    """Train twice, print what each training is worth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--steps", type=int, default=1_000, help="of the first training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", nargs="*", default=[], help="name=number, as in Recipe")
    parser.add_argument("--before", help="an earlier first origin, in UTC")
    parser.add_argument("--keep", type=Path, help=".npz for the forecasts of both trainings")
    given = parser.parse_args()
    for whole in CASES[given.case]():
        case = ending(whole, given.before) if given.before else whole
        days = Days.of(case)
        recipe = changed(recipe_for(days.config, given.steps), given.recipe)
        first = days.first(given.steps, given.seed, recipe)
        trained = {"first": first, "second": days.second(first, given.seed, recipe)}
        rows, kept = [], {}
        for name, outcome in trained.items():
            if outcome is None:
                continue
            kept[name] = days.forecasts(outcome.model)
            told = f"{outcome.steps} steps, best at {outcome.best_step}, {outcome.seconds:.0f} s"
            rows += [
                (f"{name} training, {score}", f"{figure:,.4f}", told)
                for score, figure in days.scores(kept[name]).items()
            ]
        print_table(f"{case.panel}, held-out days, seed {given.seed}", rows)
        if given.keep is not None:
            place = given.keep.with_stem(f"{given.keep.stem}-{case.panel}")
            place.write_bytes(packed(kept))


if __name__ == "__main__":
    main()
