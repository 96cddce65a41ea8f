"""One scorecard, made ready for a person: why this network serves, or why it does not."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import log2
from typing import Any, Literal

from markupsafe import Markup

from rnnts.dashboard import plots
from rnnts.dashboard.wording import percent, plural
from rnnts.database.models import ScorecardRow
from rnnts.database.screens.retrains import Retrain
from rnnts.learning.gate import CANDIDATE, CHAMPION

Json = dict[str, Any]
State = Literal["out", "degraded", "missing", "waiting"]
NAMES = {
    CANDIDATE: "the candidate",
    CHAMPION: "the champion",
    "mstl_ets": "MSTL with ETS, on a sample",
}
WORST = 12
RATIOS = [round(-2 + 0.2 * place, 1) for place in range(21)]
"""Doublings of the error: -1 is half of the rival's, 1 twice as much."""
FEW = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the gate asked, and the answer."""

    asked: str
    passed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Loser:
    """A series on which the candidate loses most, or wins least."""

    series_id: str
    ours: float
    theirs: float
    rival: str
    guarded_by: str  # the baseline that is published for it, "" for the network


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture with its title, what its lines are, and what it says in words."""

    title: str
    picture: Markup
    said: str
    legend: tuple[tuple[str, str], ...] = ()  # class and name of each line


@dataclass(frozen=True, slots=True, eq=False)
class Scorecard:
    """What is known of a retrain.

    Args:
        retrain: The version and its decision.
        row: The scorecard; None where training gave nothing to score.
        detail: By series and by origin; None where the file is gone.
        guarded: Baseline of each series that the gate took from the network.
    """

    retrain: Retrain
    row: ScorecardRow | None
    detail: Json | None
    guarded: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """Of the decision, as the other screens colour it."""
        decision = self.retrain.decision
        if decision is None:
            return "waiting"
        if decision.action == "promote":
            return "out"
        return "degraded" if self.row is not None else "missing"

    @property
    def verdict(self) -> str:
        """In two or three words."""
        said = {
            "out": "Promoted",
            "degraded": "Rejected",
            "missing": "Rejected in training",
            "waiting": "Not decided yet",
        }
        return said[self.state]

    @property
    def numbers(self) -> Json:
        """What the gate decided from; empty before it did."""
        return self.retrain.decision.numbers if self.retrain.decision else {}

    @property
    def rival(self) -> str:
        """Whom it is drawn against: the champion, else the best of the naives; "" if none."""
        mase = {name: one for name, one in self.mase.items() if name != CANDIDATE}
        if CHAMPION in mase:
            return CHAMPION
        return min(mase, key=lambda name: mase[name], default="")

    @property
    def mase(self) -> dict[str, float]:
        """Mean scaled error of each method that was scored on all windows.

        Where the gate decided, of the networks as they serve, baselines for some series included.
        """
        scores = self.row.scores["scores"] if self.row else {}
        told = {name: one.get("mase") for name, one in scores.items() if name != "mstl_ets"}
        told |= self.numbers.get("mase", {})
        return {name: float(one) for name, one in told.items() if one is not None}

    @property
    def alone(self) -> float | None:
        """Mean scaled error of the candidate's network, where a baseline has series of it."""
        alone: float | None = self.numbers.get("networks", {}).get(CANDIDATE)
        return None if alone == self.mase.get(CANDIDATE) else alone

    @property
    def gain(self) -> float | None:
        """Part of the rival's error that the candidate saves."""
        mase, rival = self.mase, self.rival
        if CANDIDATE not in mase or not rival or not mase[rival] > 0:
            return None
        return 1.0 - mase[CANDIDATE] / mase[rival]

    @property
    def checks(self) -> tuple[Check, ...]:
        """What the gate asked, the champion last."""
        skill, sure = self.numbers.get("skill", {}), self.numbers.get("confidence", {})
        mase, level = self.numbers.get("mase", {}), self.numbers.get("level", 0.0)
        found = [
            Check(
                f"Does it beat {name_of(method)}?",
                skill[method] > 0,
                f"{mase[CANDIDATE]:.4f} against {mase[method]:.4f}: "
                f"{percent(skill[method], signed=True)}",
            )
            for method in sorted(skill, key=lambda name: (name == CHAMPION, name))
        ]
        if CHAMPION in skill:
            told = f"with {100 * sure[CHAMPION]:.1f} % confidence; {100 * level:g} % is asked for"
            asked = "Is its network better by more than chance?"
            found.append(Check(asked, sure[CHAMPION] >= level, told))
        return tuple(found)

    @property
    def losers(self) -> tuple[Loser, ...]:
        """The series on which it loses most to the best other method there."""
        if self.detail is None:
            return ()
        by_series, names = self.detail["by_series"], self.detail["series"]
        others = [name for name in by_series if name != CANDIDATE]
        found = []
        for place, series_id in enumerate(names):
            ours = by_series[CANDIDATE][place]
            known = [(by_series[one][place], one) for one in others]
            told = [(error, one) for error, one in known if error is not None]
            if ours is not None and told:
                theirs, rival = min(told)
                guard = self.guarded.get(series_id, "")
                found.append(Loser(series_id, ours, theirs, name_of(rival), guard))
        found.sort(key=lambda one: one.theirs - one.ours)
        return tuple(found[:WORST])

    @property
    def plots(self) -> tuple[Plot, ...]:
        """Those that there is something to draw for."""
        drawn = [self._by_step(), *(self._of_detail() if self.detail else ())]
        return tuple(one for one in drawn if one.picture)

    def _of_detail(self) -> tuple[Plot, ...]:
        return self._by_origin(), self._by_series(), self._errors(), self._calibration()

    def _by_step(self) -> Plot:
        by_step = self.row.scores.get("by_step", {}) if self.row else {}
        ordered = sorted(by_step, key=lambda name: (name != CANDIDATE, name != CHAMPION, name))
        series = {name: by_step[name]["mase"] for name in ordered[: len(plots.STYLES)]}
        own = [one for one in series.get(CANDIDATE, []) if one is not None]
        said = (
            f"The candidate errs by {own[0]:.2f} at the first step, {own[-1]:.2f} at the last."
            if own
            else ""
        )
        picture = plots.curves(series, "horizon step", "MASE", f"Error by horizon step. {said}")
        legend = tuple(
            (style, name_of(name)) for name, style in zip(series, plots.STYLES, strict=False)
        )
        return Plot("By horizon step", picture, said, legend)

    def _by_origin(self) -> Plot:
        by_origin, rival = self.detail["by_origin"] if self.detail else {}, self.rival
        pairs = zip(by_origin.get(CANDIDATE, []), by_origin.get(rival, []), strict=False)
        apart = [
            None if ours is None or not theirs else 100 * (ours / theirs - 1)
            for ours, theirs in pairs
        ]
        known = [one for one in apart if one is not None]
        won = sum(one < 0 for one in known)
        said = (
            f"Better than {name_of(rival)} at {won} of {plural(len(known), 'origin')}. One origin "
            "counts as one observation, however many series it has."
        )
        labels = [f"{datetime.fromisoformat(one):%-d %b}" for one in self._origins]
        picture = plots.differences(apart, labels, "% of its error", f"By origin. {said}")
        return Plot(f"Against {name_of(rival)}, by origin (below 0: better)", picture, said)

    @property
    def _origins(self) -> Sequence[str]:
        return self.row.scores["origins"] if self.row else ()

    def _by_series(self) -> Plot:
        by_series, rival = self.detail["by_series"] if self.detail else {}, self.rival
        pairs = zip(by_series.get(CANDIDATE, []), by_series.get(rival, []), strict=False)
        doubled = [log2(ours / theirs) for ours, theirs in pairs if ours and theirs]
        counts = [0] * (len(RATIOS) - 1)
        for one in doubled:
            place = bisect_right(RATIOS, one) - 1
            counts[min(max(place, 0), len(counts) - 1)] += 1
        won = sum(one < 0 for one in doubled)
        said = (
            f"Better than {name_of(rival)} on {won} of {plural(len(doubled), 'series', 'series')}."
        )
        picture = plots.histogram(
            RATIOS, counts, "doublings of the error", "series", f"By series. {said}"
        )
        return Plot(f"Against {name_of(rival)}, by series (left of 0: better)", picture, said)

    def _errors(self) -> Plot:
        told = self.detail["candidate"]["errors"] if self.detail else {}
        rows = told.get("by_step", [])
        middle = [row[2] for row in rows if row is not None]
        mean = sum(middle) / len(middle) if middle else 0.0
        word = "too high" if mean > 0 else "too low"
        said = (
            f"Its median is {abs(mean):.2f} seasonal errors {word} on average; half of the errors "
            "lie in the dark band, nine in ten in the light one."
        )
        picture = plots.spreads(rows, "horizon step", "seasonal errors", f"Residuals. {said}")
        return Plot("Residuals by horizon step (above 0: forecast too high)", picture, said)

    def _calibration(self) -> Plot:
        told: Json = self.detail or {}
        reached = {"as published": told["candidate"]["reached"], "raw": told.get("uncalibrated")}
        drawn = {name: values for name, values in reached.items() if values}
        coverage = self.row.scores["scores"][CANDIDATE].get("coverage_80") if self.row else None
        said = f"Of the truths {percent(coverage)} lie in the 80 % range." if coverage else ""
        levels = told["candidate"]["levels"]
        picture = (
            plots.against_nominal(levels, drawn, f"Calibration. {said}") if drawn else Markup()
        )
        names = {"as published": "as published", "raw": "as the network gave it"}
        legend = tuple(
            (style, names[name]) for name, style in zip(drawn, plots.STYLES, strict=False)
        )
        return Plot("Calibration", picture, said, legend)

    def to_json(self) -> Json:
        """The same for machines, with all that the plots are made from."""
        version, decision = self.retrain.version, self.retrain.decision
        return {
            "panel": version.panel,
            "version_id": version.version_id,
            "as_of": version.as_of.isoformat(),
            "verdict": self.verdict,
            "reason": decision.reason if decision else None,
            "numbers": self.numbers,
            "checks": [
                {"asked": one.asked, "passed": one.passed, "told": one.told} for one in self.checks
            ],
            "scores": self.row.scores if self.row else None,
            "detail": self.detail,
            "safeguards": dict(self.guarded),
        }


def name_of(method: str) -> str:
    """A method in words.

    >>> name_of("champion"), name_of("seasonal_naive_week")
    ('the champion', 'last week repeated')
    """
    if method.startswith("seasonal_naive_"):
        return f"last {method.removeprefix('seasonal_naive_')} repeated"
    return NAMES.get(method, method)
