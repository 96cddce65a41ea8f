"""The parts of the accuracy benchmark: what each runs, and the JSON that it leaves.

A part named `X-peers` runs other libraries on the cases of part X. Each takes at most an hour on
2 cores; `--quick` tries the machinery on little data, and its figures are nobody's.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from rnnts.config import LEVELS
from rnnts.panels.arrays import FloatArray
from tests.benchmarks.accuracy import data, invented
from tests.benchmarks.accuracy.case import Case, median_of_weeks, newest_season
from tests.benchmarks.accuracy.peers import NAMES, NEURAL, ask
from tests.benchmarks.accuracy.project import publish, served
from tests.benchmarks.accuracy.scores import MIDDLE, errors, scores, skill

Json = dict[str, Any]
OURS = "rnnts"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a part is run; what is None is the part's own."""

    minutes: float | None = None
    seeds: int | None = None
    quick: bool = False

    def budget(self, case: Case) -> float:
        """Training minutes of a network."""
        return case.minutes if self.minutes is None else self.minutes


@dataclass(frozen=True, slots=True)
class Part:
    """Cases that are scored together."""

    name: str
    title: str
    cases: Callable[[], Iterable[Case]]
    peers: tuple[str, ...]
    seeds: int = 1


NEURAL_AND_MSTL = ("mstl", "nhits", "lstm")
PARTS = {
    part.name: part
    for part in (
        Part(
            name="m4",
            title="M4 Hourly, 48 hours ahead, the test part",
            cases=data.m4,
            peers=NEURAL_AND_MSTL,
            seeds=3,
        ),
        Part(
            name="ett",
            title="ETTh1, 48 hours ahead, the last 20 windows, fitted once",
            cases=data.ett,
            peers=NEURAL_AND_MSTL,
        ),
        Part(
            name="nab",
            title="NAB metrics, a day ahead, fitted once",
            cases=data.nab,
            peers=NEURAL_AND_MSTL,
        ),
        Part(
            name="small",
            title="Daily temperatures and monthly sunspots, one series each, fitted once",
            cases=lambda: chain(data.temperatures(), data.sunspots()),
            peers=("autoets", *NEURAL_AND_MSTL),
        ),
        Part(
            name="flights",
            title="Flights from New York, 48 hours ahead, 28 nights from 20 November 2013, "
            "fitted once",
            cases=data.flights,
            peers=NEURAL_AND_MSTL,
        ),
        Part(
            name="flights-holidays",
            title='The same flights with `holidays = "US"`',
            cases=data.flights_and_holidays,
            peers=(),
        ),
        Part(
            name="weekly",
            title="Invented weekly series, 13 weeks ahead",
            cases=invented.weekly,
            peers=(),
        ),
    )
}


def ours(part: Part, settings: Settings) -> Json:
    """Our forecasts of a part through the public path, beside the seasonal naive methods."""
    seeds = range(settings.seeds or part.seeds)
    with served():
        told = [_ours(case, settings.budget(case), seeds) for case in _cases(part, settings)]
    return {"title": part.title, "cases": told}


def _ours(case: Case, minutes: float, seeds: range) -> Json:
    results = [_naive(case, steps) for steps in case.seasons]
    results += [_published(case, minutes, seed) for seed in seeds]
    return _described(case, results)


def peers(part: Part, settings: Settings) -> Json:
    """Other libraries' forecasts of the same cases."""
    told = []
    for case in _cases(part, settings):
        results = []
        for peer in part.peers:
            answer = ask(case, peer, minutes=settings.budget(case))
            budget = f", {settings.budget(case):g} minutes" if peer in NEURAL else ""
            method = {"method": NAMES[peer] + budget, "told": answer.told}
            results.append(method | _scored(case, answer.quantiles))
        told.append(_described(case, results))
    return {"title": part.title, "cases": told}


def _cases(part: Part, settings: Settings) -> Iterator[Case]:
    for case in part.cases():
        yield case.quick(series=6, windows=2) if settings.quick else case


def _described(case: Case, results: list[Json]) -> Json:
    return {
        "panel": case.panel,
        "series": len(case.ids),
        "windows": len(case.origins),
        "horizon": case.horizon,
        "first_target": str(case.labels[case.fitted_before]),
        "season_of_mase": case.seasons[0],
        "results": results,
    }


def _naive(case: Case, steps: int) -> Json:
    point = newest_season(case, steps)
    quantiles = np.repeat(point[..., None], len(LEVELS), axis=-1)
    place = ("first", "second")[case.seasons.index(steps)]
    method = {"method": f"seasonal naive ({steps})", "together": f"seasonal naive, {place} season"}
    return method | _scored(case, quantiles)


def _published(case: Case, minutes: float, seed: int) -> Json:
    with tempfile.TemporaryDirectory(prefix="rnnts-bench-") as folder:
        found = publish(case, Path(folder), minutes=minutes, seed=seed)
    told = {
        "minutes": minutes,
        "seed": seed,
        "decision": found.decision,
        "methods": found.methods,
        "training": found.training,
        "retrain_seconds": round(found.retrain_seconds, 1),
        "night_seconds": round(found.night_seconds, 1),
    }
    scored = _scored(case, found.quantiles)
    network = dict(zip(case.ids, found.network.tolist(), strict=True))
    return {"method": OURS, "told": told} | scored | {"network_share_by_series": network}


def _scored(case: Case, quantiles: FloatArray) -> Json:
    """Scores, with each series' error beside the seasonal naive one and the pooled skills."""
    naive = newest_season(case, case.seasons[0])
    filled = np.where(np.isnan(quantiles[..., MIDDLE]), naive, quantiles[..., MIDDLE])
    base = errors(case.actual, naive)
    against = errors(case.actual, filled) / np.where(base > 0, base, np.nan)
    found = scores(case, quantiles) | {
        "against_naive_by_series": dict(zip(case.ids, against.tolist(), strict=True)),
        "skill_short": skill(case, filled, naive),
        "skill_long": skill(case, filled, newest_season(case, case.seasons[-1])),
    }
    if case.clock is not None:
        weeks = median_of_weeks(case, 3, case.seasons[-1])
        found["skill_three_weeks"] = skill(case, filled, weeks)
    return found
