"""Findings: something a person may have to know, with evidence and a remedy."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was noticed; folded by (code, panel, series) when it is recorded."""

    code: str  # stable, upper case: "DUPLICATE_TIME"
    severity: Severity
    panel: str
    evidence: str  # what was expected, what came, where
    remedy: str  # what to do next, or why nothing needs doing
    series: str | None = None  # None: the whole panel
