"""The ladder: which method serves a series tonight, of what quality, and why not a better one.

The rungs from the top: network (or network_previous, or the gate's baseline), seasonal_naive,
last_value, profile, skipped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rnnts.findings import Finding, Severity
from rnnts.learning import baselines
from rnnts.learning.standing import Rules, Standing
from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray, IntArray
from rnnts.panels.panel import Panel

Method = Literal[
    "network", "network_previous", "baseline", "seasonal_naive", "last_value", "profile", "skipped"
]
TRUSTED = ("network", "baseline")
"""Methods that are no fallback."""
IMPUTED_SHARE = 0.1
"""Share of the window that may be missing before a forecast is called imputed."""
MISSING_SHARE = 0.5
"""Share of the window beyond which the network is not asked (RELIABILITY D5)."""
LEVEL_JUMP = 100.0
"""A last value so many times the usual one is pointed out (RELIABILITY D19)."""


@dataclass(frozen=True, slots=True, eq=False)
class Rungs:
    """The rung of each series, with the reasons of those that are not on the top one."""

    method: AnyArray  # of Method, [series]
    expected: BoolArray  # its rung is no fault: new, retired, constant; [series]
    findings: tuple[Finding, ...]

    def demoted(self, method: AnyArray, findings: Sequence[Finding]) -> "Rungs":
        """The same with other methods, and the findings that say why."""
        return Rungs(method, self.expected, (*self.findings, *findings))

    @property
    def degraded(self) -> bool:
        """Whether a series that was to have a trusted method has none."""
        trusted = np.isin(self.method, TRUSTED)
        return bool((~trusted & ~self.expected).any())


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a series stands on a lower rung; `REASONS` holds them, worst first."""

    holds: Callable[[Standing, Rules], BoolArray]
    method: Method
    code: str
    evidence: str  # a format of the row's numbers and the rules
    remedy: str
    severity: Severity = "warning"
    expected: bool = False  # no fault: the night is not degraded by it
    for_new: Method | None = None  # a new series goes there without a finding: ingest has said it


_LOADER = "look at the loader of this series"
_WAIT = "nothing to do if it is new; the network takes over once it has that many"
REASONS: tuple[_Reason, ...] = (
    _Reason(
        lambda standing, rules: standing.silent > rules.retired_after,
        "skipped",
        "SERIES_RETIRED",
        "silent for {silent} steps while others go on",
        "nothing: it comes back with its next observations",
        severity="info",
        expected=True,
    ),
    _Reason(
        lambda standing, _: standing.length == 0,
        "skipped",
        "ALL_MISSING",
        "no observation is visible at all",
        _LOADER,
        for_new="profile",
    ),
    _Reason(
        lambda standing, _: standing.thinned,
        "skipped",
        "FREQUENCY_CHANGED",
        "its last observations come several steps apart, evenly; before they did not",
        "give it a panel of its own frequency, or aggregate the panel",
    ),
    _Reason(
        lambda standing, rules: standing.length < rules.season,
        "last_value",
        "TOO_SHORT",
        "has {length}, needs {season} for a season and {least} for the network",
        _WAIT,
        for_new="last_value",
    ),
    _Reason(
        lambda standing, rules: standing.length < rules.least,
        "seasonal_naive",
        "TOO_SHORT",
        "has {length}, needs {least}",
        _WAIT,
        for_new="seasonal_naive",
    ),
    _Reason(
        lambda standing, rules: standing.age > rules.max_stale,
        "seasonal_naive",
        "SERIES_STALE",
        "no observation for {age} steps, max_stale is {max_stale}",
        _LOADER,
    ),
    _Reason(
        lambda standing, _: standing.seen == 0,
        "last_value",
        "ALL_MISSING",
        "the whole window of {window} steps is missing",
        _LOADER,
    ),
    _Reason(
        lambda standing, _: standing.missing > MISSING_SHARE,
        "seasonal_naive",
        "TOO_MANY_MISSING",
        "{missing:.0%} of the window of {window} steps is missing",
        _LOADER,
    ),
    _Reason(
        lambda standing, _: standing.constant,
        "baseline",
        "CONSTANT",
        "every observation is {last:g}",
        "nothing, if it is meant to stand still: that value is its forecast",
        severity="info",
        expected=True,
    ),
    _Reason(
        lambda standing, _: standing.imprecise,
        "seasonal_naive",
        "PRECISION",
        "between {low!r} and {high!r} float64 leaves no room for a shape",
        "store the series less its level",
    ),
)


def climb(
    panel: Panel,
    standing: Standing,
    rules: Rules,
    *,
    top: Method,
    new: BoolArray,
    guarded: BoolArray,
) -> Rungs:
    """Give each series the best rung that its history allows.

    Args:
        panel: For its names.
        standing: What is known of its series.
        rules: What the panel asks.
        top: The best rung at hand: network, network_previous or, without either, seasonal_naive.
        new: Series first seen after the panel's own first night: being short is no fault, [series].
        guarded: Series that the gate gave to a baseline, [series].
    """
    method: AnyArray = np.full(len(panel.series), top, dtype="<U16")
    expected = np.zeros(len(panel.series), bool)
    undecided = np.ones(len(panel.series), bool)
    findings: list[Finding] = []
    for reason in REASONS:
        hit = undecided & reason.holds(standing, rules)
        undecided &= ~hit
        quiet = hit & new if reason.for_new else np.zeros_like(hit)
        method[hit], expected[hit] = reason.method, reason.expected
        method[quiet], expected[quiet] = reason.for_new or reason.method, True
        findings += [
            _said(panel, standing, rules, reason, row)
            for row in np.flatnonzero(hit & ~quiet).tolist()
        ]
    method[undecided & guarded] = "baseline"
    if top == "seasonal_naive":  # without a network its constant forecast is that of all others
        method[method == "baseline"] = top
    findings += _jumps(panel, standing, undecided)
    return Rungs(method, expected, tuple(findings))


def qualities(method: AnyArray, standing: Standing, rules: Rules) -> AnyArray:
    """The first that holds of cold, fallback, imputed, late, fresh, [series]."""
    return np.select(
        [
            standing.length < rules.window,
            ~np.isin(method, TRUSTED),
            standing.missing > IMPUTED_SHARE,
            standing.age > rules.max_delay,
        ],
        ["cold", "fallback", "imputed", "late"],
        "fresh",
    )


_PLAIN = (
    (("seasonal_naive", "baseline"), "last_value"),
    (("last_value",), "profile"),
    (("profile",), "skipped"),
)
"""Plain rungs from the top, and where a row goes that one cannot serve."""


def plain_forecast(
    panel: Panel,
    origin: int,
    method: AnyArray,
    rules: Rules,
    levels: Sequence[float],
    *,
    days: IntArray,
) -> tuple[FloatArray, AnyArray]:
    """Quantiles of the rows that stand on a plain rung; a row that one cannot serve steps down.

    Args:
        panel: Values; nothing at or after `origin` is looked at.
        origin: Grid step of the first target.
        method: [series]; rows of network, network_previous and skipped are left alone.
        rules: Horizon, bounds and the seasons that seasonal_naive may have: of each series the one
            that has come nearest of late.
        levels: Rising, [quantiles].
        days: Season of the rows of baseline, by the wall clock, [series].

    Returns:
        Quantiles [series, horizon, quantiles], NaN where left alone; methods [series].
    """
    quantiles = np.full((len(panel.series), rules.horizon, len(levels)), np.nan)
    method = method.copy()
    season = np.where(method == "baseline", days, rules.days)
    naive = np.flatnonzero(method == "seasonal_naive")
    if naive.size and rules.seasons:
        some = panel.of(naive)
        season[naive] = baselines.better_season(some, origin, rules.horizon, rules.seasons)
    for rungs, below in _PLAIN:
        wanted = np.isin(method, rungs)
        for each in np.unique(season[wanted]).tolist():
            rows = np.flatnonzero(wanted & (season == each))
            one = replace(rules, days=each)
            quantiles[rows] = _plain(rungs[0], panel, origin, rows, one, levels)
            method[rows[~baselines.served(quantiles[rows])]] = below
    return quantiles, method


def widened(
    quantiles: FloatArray, age: IntArray, levels: Sequence[float], season: int
) -> FloatArray:
    """Ranges as wide as the lead really is: counted from the last observation, not the origin.

    The error of a seasonal forecast grows with the seasons that it looks back, so a width at
    lead h, with inputs older by `age`, grows by sqrt((season + h + age) / (season + h)).

    Args:
        quantiles: [rows, horizon, quantiles].
        age: Steps, [rows]; 0 changes no bit.
        levels: With 0.5, [quantiles].
        season: Steps.

    Source:
        Hyndman and Athanasopoulos 2021, Forecasting: principles and practice, 3rd ed., 5.5
        (the seasonal naive's variance), made continuous.
    """
    lead = season + np.arange(1, quantiles.shape[1] + 1)  # [horizon]
    factor = np.sqrt((lead + age[:, None]) / lead)[:, :, None]  # [rows, horizon, 1]
    middle = list(levels).index(0.5)
    median = quantiles[:, :, middle : middle + 1]
    wide = median + (quantiles - median) * factor
    return np.where(age[:, None, None] > 0, wide, quantiles)


def _said(panel: Panel, standing: Standing, rules: Rules, reason: _Reason, row: int) -> Finding:
    numbers = {
        name: getattr(standing, name)[row].item()
        for name in ("length", "age", "silent", "missing", "last", "low", "high")
    }
    evidence = reason.evidence.format(
        **numbers,
        window=rules.window,
        least=rules.least,
        season=rules.season,
        max_stale=rules.max_stale,
    )
    if reason.method != "skipped":
        evidence += f"; served by {reason.method}"
    series = panel.series[row].series_id
    return Finding(reason.code, reason.severity, panel.name, evidence, reason.remedy, series)


def _jumps(panel: Panel, standing: Standing, rows: BoolArray) -> list[Finding]:
    """LEVEL_JUMP for series whose newest value is many times the usual one; it is kept."""
    jumped = rows & (standing.usual > 0) & (np.abs(standing.last) > LEVEL_JUMP * standing.usual)
    return [
        Finding(
            "LEVEL_JUMP",
            "warning",
            panel.name,
            f"its last value {standing.last[row]:g} is over {LEVEL_JUMP:g} times the usual "
            f"{standing.usual[row]:g}; it is kept",
            "correct the row if it is wrong; the gates look at the forecast",
            panel.series[row].series_id,
        )
        for row in np.flatnonzero(jumped).tolist()
    ]


def _plain(
    rung: str, panel: Panel, origin: int, rows: IntArray, rules: Rules, levels: Sequence[float]
) -> FloatArray:
    bounds = {"minimum": rules.bounds.minimum, "maximum": rules.bounds.maximum}
    if rung == "profile":
        every = baselines.profile(panel, origin, rules.horizon, levels, rules.days, **bounds)
        return every[rows]
    some = panel.of(rows)
    if rung == "last_value":
        return baselines.last_value(some, origin, rules.horizon, levels, **bounds)
    return baselines.seasonal_naive(some, origin, rules.horizon, levels, rules.days, **bounds)
