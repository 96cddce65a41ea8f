"""What `rnnts check` says of a panel's covariates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnts.findings import Finding, Severity
from rnnts.panels.covariates import NOWHERE, Covariates, Statics, Vintages
from rnnts.panels.resolve import Setting
from rnnts.steps.covariates import joined

if TYPE_CHECKING:
    from rnnts.config import CovariateConfig, PanelConfig
    from rnnts.panels.panel import Panel
    from rnnts.steps.covariates import Span


@dataclass(frozen=True, slots=True)
class Described:
    """One column of a covariate."""

    name: str  # "table.column"
    text: str
    trouble: str  # a code, or "" where nothing is to be said
    evidence: str = ""


def covariate_settings(config: "PanelConfig") -> Iterator[Setting]:
    """Each covariate as it is understood."""
    for name, one in sorted(config.covariates.items()):
        yield Setting(f"covariates.{name}", _understood(one, config), "rnnts.toml")
    if config.holidays is not None:
        yield Setting("holidays", config.holidays, "rnnts.toml")


def _understood(one: "CovariateConfig", config: "PanelConfig") -> str:
    lists = [
        f"{kind} {', '.join(getattr(one, kind))}"
        for kind in ("known_future", "past", "static")
        if getattr(one, kind)
    ]
    keys = f"by {', '.join(one.series)}" if one.series else "the same for every series"
    times = []
    if one.time is not None:
        zone = one.timezone or config.timezone
        known = one.known_at or "when read"
        times = [f"time {one.time} ({one.label}, {zone}), known {known}"]
    return "; ".join([*lists, keys, *times])


def describe_covariates(
    panel: "Panel", covariates: Covariates, span: "Span"
) -> tuple[Described, ...]:
    """Every column, and what may be wrong with it."""
    numbers = (one for table in covariates.numbers for one in _numbers(panel, table, span))
    categories = (one for table in covariates.categories for one in _categories(panel, table))
    return (*numbers, *categories)


def _numbers(panel: "Panel", table: Vintages, span: "Span") -> Iterator[Described]:
    rows = table.rows_of(panel.series)
    joined_to = f"joined to {np.count_nonzero(rows != NOWHERE):,} of {len(rows):,} series"
    newest = table.newest()
    steps = table.codes // (len(table.moments) + 1) % max(table.steps, 1) + table.first_step
    for place, column in enumerate(table.columns):
        name = f"{table.name}.{column}"
        known = ~np.isnan(table.values[:, place])
        values = newest[:, place][~np.isnan(newest[:, place])]
        if not known.any():
            yield Described(name, "no value", "COVARIATE_EMPTY", f"{name} has no value at all")
            continue
        last = int(steps[known].max())
        text = (
            f"{len(values):,} values, {values.min():g} to {values.max():g}, up to "
            f"{span.grid.told(last)}, {joined_to}"
        )
        yield Described(name, text, *_judged(name, values, last, span, future=place < table.future))


def _judged(
    name: str, values: "np.ndarray", last: int, span: "Span", *, future: bool
) -> tuple[str, str]:
    """A code and its evidence, where a column of numbers deserves one."""
    needed = span.last_visible + (span.horizon if future else 0)
    if values.min() == values.max():
        return "COVARIATE_CONSTANT", f"{name} is {values.min():g} throughout"
    if last < needed:
        end = "the end of the horizon" if future else "now"
        return (
            "COVARIATE_ENDS_EARLY",
            f"{name} ends at {span.grid.told(last)}, {needed - last:,} steps before {end}",
        )
    return "", ""


def _categories(panel: "Panel", table: Statics) -> Iterator[Described]:
    for column in table.columns:
        name = f"{table.name}.{column}"
        found = [value for value in table.of(panel.series, column) if value]
        distinct = sorted(set(found))
        text = f"{len(distinct):,} categories of {len(found):,} of {len(panel.series):,} series"
        if not distinct:
            yield Described(name, text, "COVARIATE_EMPTY", f"{name} has no category of any series")
        elif len(distinct) == 1:
            said = f"{name} is {distinct[0]!r} throughout"
            yield Described(name, text, "COVARIATE_CONSTANT", said)
        else:
            yield Described(name, text, "")


_REMEDIES: dict[str, tuple[Severity, str]] = {
    "COVARIATE_EMPTY": (
        "warning",
        "look whether the column, the keys and the times are those that were meant",
    ),
    "COVARIATE_CONSTANT": ("info", "nothing is learnt from it: leave it out, or wait"),
    "COVARIATE_ENDS_EARLY": (
        "warning",
        "see that its loader runs before the night; what is missing is forecast without",
    ),
}


def described_findings(panel: str, described: tuple[Described, ...]) -> Iterator[Finding]:
    """A finding for each kind of trouble."""
    for code, (severity, remedy) in _REMEDIES.items():
        evidence = [one.evidence for one in described if one.trouble == code]
        if evidence:
            yield Finding(code, severity, panel, joined(evidence), remedy)
