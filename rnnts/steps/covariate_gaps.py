"""What a night has to do without: covariates that its network reads and its snapshot lacks."""

from typing import TYPE_CHECKING

import numpy as np

from rnnts.findings import Finding
from rnnts.panels.covariates import NOWHERE, Covariates
from rnnts.steps.covariates import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rnnts.panels.covariates import Features, Vintages
    from rnnts.panels.panel import Panel
    from rnnts.windows.clock import Spec


def gap_findings(panel: "Panel", spec: "Spec", origin: int) -> list[Finding]:
    """COVARIATE_MISSING and COVARIATE_UNMATCHED of a night: it goes on with what is there.

    Args:
        panel: What the network is to read.
        spec: The network's configuration.
        origin: Grid step of the first target.
    """
    features = spec.covariates
    if features is None:
        return []
    covariates = panel.covariates or Covariates()
    missing = [*_absent(covariates, features)]
    strangers: list[str] = []
    for table in covariates.numbers:
        rows = table.rows_of(panel.series)
        lost = int(np.count_nonzero(rows == NOWHERE))
        if lost and len(table.rows):
            strangers.append(f"{table.name} has no rows for {lost:,} of {len(rows):,} series")
        missing += _gaps(panel, table, spec, origin, np.unique(rows[rows != NOWHERE]))
    found = []
    if missing:
        found.append(
            Finding(
                "COVARIATE_MISSING",
                "warning",
                panel.name,
                joined(missing),
                "see that the tables of covariates are loaded before the night; the network goes "
                "on without what is missing, as it learnt to",
            )
        )
    if strangers:
        found.append(
            Finding(
                "COVARIATE_UNMATCHED",
                "info",
                panel.name,
                joined(strangers),
                "nothing, if that is meant; else compare the key columns of both tables",
            )
        )
    return found


def _absent(covariates: Covariates, features: "Features") -> "Iterator[str]":
    """Columns that the network was trained on and that are not configured any more."""
    future, past, static = covariates.names()
    for kind, known in (("known_future", future), ("past", past), ("static", static)):
        for one in getattr(features, kind):
            if one.name not in known:
                yield f"{one.name} is not among the panel's covariates any more"


def _gaps(
    panel: "Panel", table: "Vintages", spec: "Spec", origin: int, rows: "np.ndarray"
) -> "Iterator[str]":
    """Columns of a table with missing values ahead, or none at all in the window."""
    assert spec.covariates is not None  # noqa: S101 - the caller has looked
    ahead = np.arange(origin, origin + spec.horizon, dtype=np.int64)
    before = np.arange(origin - spec.window, origin, dtype=np.int64)
    future = {one.name for one in spec.covariates.known_future}
    past = {one.name for one in spec.covariates.past}
    values = table.at(rows, ahead)  # [rows, horizon, columns]
    seen = np.asarray(~np.isnan(table.at(rows, before)).all(axis=(0, 1)))  # [columns]
    for place, column in enumerate(table.columns):
        name = f"{table.name}.{column}"
        lacks = np.asarray(np.isnan(values[:, :, place]).any(axis=0))  # [horizon]
        if name in future and (lacks.any() or not len(rows)):
            first = int(ahead[lacks.argmax()]) if len(rows) else origin
            count = int(lacks.sum()) if len(rows) else spec.horizon
            at = panel.grid.told(first)
            yield f"{name} is missing for {count} of {spec.horizon} steps from {at}"
        elif name in past and not (len(rows) and seen[place]):
            yield f"{name} has no value in the {spec.window} steps before {panel.grid.told(origin)}"
