"""Every series of a night, on the best rung that its history and the gates allow."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnts.findings import Finding
from rnnts.learning.company import ranges_by_company
from rnnts.learning.ladder import TRUSTED, Rungs, climb, plain_forecast, qualities, widened
from rnnts.learning.plausibility import Candidate, gate_panel, implausible, movement_of
from rnnts.learning.predict import BLOCK, predict_blocks, side_by_side
from rnnts.learning.standing import Standing
from rnnts.panels.panel import Panel
from rnnts.steps.nights import Night
from rnnts.steps.serving import Serving

if TYPE_CHECKING:
    from rnnts.panels.arrays import AnyArray, FloatArray, IntArray

NETWORKS = ("network", "network_previous")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Forecasts of all series, skipped ones as NaN."""

    quantiles: "FloatArray"  # [series, horizon, levels]
    raw: "FloatArray"  # of the network, [series, horizon, outputs]
    rungs: Rungs
    quality: "AnyArray"  # [series]
    age: "IntArray"  # steps without an observation before the first target, [series]


def forecast_of(night: Night) -> Outcome:
    """Climb the ladder, let the gates look, fall back where they object, and fill what is left."""
    standing = Standing.of(night.panel, night.origin, night.rules)
    rungs = _rungs(night, standing)
    raw, quantiles = _by_network(night, standing, rungs.method)
    rungs = _gated(night, standing, rungs, quantiles)
    plain, method = plain_forecast(
        night.panel, night.origin, rungs.method, night.rules, night.levels, days=night.days
    )
    plain = ranges_by_company(
        plain, night.panel, night.origin, method, standing.length, night.rules, night.levels
    )
    rungs = rungs.demoted(method, _unserved(night, rungs.method, method))
    by_network = np.isin(method, NETWORKS)
    quantiles = np.where(by_network[:, None, None], quantiles, plain)
    quantiles = night.rules.bounds.counted(quantiles)
    rungs = rungs.demoted(method, _all_fallback(night, method))
    quality = qualities(method, standing, night.rules)
    return Outcome(quantiles, raw, rungs, quality, standing.age)


def _rungs(night: Night, standing: Standing) -> Rungs:
    """The ladder's word, and for series that the source no longer has, ours."""
    top = night.serving.method if night.serving else "seasonal_naive"
    rungs = climb(
        night.panel,
        standing,
        night.rules,
        top=top,
        new=night.new & ~night.absent,
        guarded=night.guarded,
    )
    gone = {night.panel.series[row].series_id for row in np.flatnonzero(night.absent)}
    said = [finding for finding in rungs.findings if finding.series not in gone]
    for row in np.flatnonzero(night.absent):
        again = bool(night.retired[row])
        said.append(
            Finding(
                "SERIES_RETIRED" if again else "NO_ROWS",
                "info" if again else "warning",
                night.panel.name,
                "known, but the source has no row of it any more",
                "nothing, if that was meant; else restore its rows: it comes back by itself",
                night.panel.series[row].series_id,
            )
        )
    expected = rungs.expected | (night.absent & night.retired)
    return Rungs(rungs.method, expected, (*night.findings, *said))


def _by_network(
    night: Night, standing: Standing, method: "AnyArray"
) -> tuple["FloatArray", "FloatArray"]:
    """The network's own quantiles and those to be published, NaN on other rungs.

    Returns:
        [series, horizon, outputs] and [series, horizon, levels].
    """
    rows, horizon = len(method), night.rules.horizon
    serving = night.serving
    if serving is None:
        nothing = np.full((rows, horizon, len(night.levels)), np.nan)
        return np.zeros((rows, horizon, 0)), nothing
    asked = np.isin(method, NETWORKS)
    neutral = np.where(asked[:, None], night.panel.values, 0.0)  # a bad series keeps its row
    raw = np.concatenate([*_predicted(replace(night.panel, values=neutral), night, serving)])
    raw = night.rules.bounds.keep(np.where(asked[:, None, None], raw, np.nan))
    outputs = serving.config.levels
    ids = np.array([info.series_id for info in night.panel.series], np.str_)
    calibration = serving.calibration
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite fails its gate
        fair = calibration.apply(raw, ids, standing.age)
        age = _not_learnt(standing.age, calibration.late.oldest, night.rules.max_delay)
        wide = widened(fair, age, outputs, night.rules.season)
    chosen = wide[:, :, [outputs.index(level) for level in night.levels]]
    return raw, night.rules.bounds.keep(chosen)


def _not_learnt(age: "IntArray", oldest: int, max_delay: int) -> "IntArray":
    """Steps of lateness beyond what the calibration has learnt; it may know nothing, [series]."""
    if oldest:
        return np.maximum(age - oldest, 0)
    return np.where(age > max_delay, age, 0)


def _predicted(panel: Panel, night: Night, serving: Serving) -> Iterator["FloatArray"]:
    """The network's output, a block of series after another, [rows, horizon, outputs]."""
    from rnnts.windows.gather import inputs_at

    def block(start: int) -> "FloatArray":
        part = replace(
            panel,
            series=panel.series[start : start + BLOCK],
            values=panel.values[start : start + BLOCK],
        )
        inputs = inputs_at(part, serving.config, night.origin)
        return predict_blocks(serving.model, inputs, BLOCK)

    yield np.zeros((0, night.rules.horizon, len(serving.config.levels)))
    yield from side_by_side(block, range(0, len(panel.series), BLOCK))


def _gated(night: Night, standing: Standing, rungs: Rungs, quantiles: "FloatArray") -> Rungs:
    """The rungs, where a gate objects one lower; where it objects too often, for everyone."""
    rows = np.flatnonzero(np.isin(rungs.method, NETWORKS))
    candidate = Candidate(
        night.panel.name,
        [night.panel.series[row].series_id for row in rows],
        night.levels,
        quantiles[rows],
        standing.low[rows],
        standing.high[rows],
        movement_of(night.panel.values[rows], night.rules.horizon),
    )
    findings = implausible(candidate)
    if not findings:
        return rungs
    failed = {finding.series for finding in findings}
    method = rungs.method.copy()
    whole = gate_panel(night.panel.name, len(failed), len(rows))
    method[[row for row in rows if whole or night.panel.series[row].series_id in failed]] = (
        "seasonal_naive"
    )
    return rungs.demoted(method, [*findings, *([whole] if whole else [])])


def _unserved(night: Night, before: "AnyArray", after: "AnyArray") -> list[Finding]:
    """A finding for each series that stepped down to nothing."""
    return [
        Finding(
            "NO_RUNG",
            "warning",
            night.panel.name,
            f"not even {before[row]} or a rung below can serve it: no value is near enough",
            "look at the loader of this series",
            night.panel.series[row].series_id,
        )
        for row in np.flatnonzero((after == "skipped") & (before != "skipped"))
    ]


def _all_fallback(night: Night, method: "AnyArray") -> list[Finding]:
    """ALL_FALLBACK where there is a champion, and no series got its forecast."""
    no_champion = any(finding.code == "NO_CHAMPION" for finding in night.findings)
    if no_champion or np.isin(method, (*TRUSTED, *NETWORKS)).any():
        return []
    return [
        Finding(
            "ALL_FALLBACK",
            "error",
            night.panel.name,
            f"there is a champion, but none of {len(method)} series is served by it",
            "the findings of this night say why; the forecasts are those of a plain method",
        )
    ]
