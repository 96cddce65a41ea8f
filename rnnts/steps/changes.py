"""What may change from one issue to the next, each part by itself: data, network, ranges, settings.

A forecast is made from a `Given`. Between two of them stands a mixture for every choice of parts:
with none it is the earlier, with all the later one. What is forecast from the mixtures tells what
each part did (see `rnnts.steps.difference`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnts.steps.nights import Given
from rnnts.steps.provenance import NO_SAY

if TYPE_CHECKING:
    from rnnts.panels.arrays import BoolArray, FloatArray
    from rnnts.panels.panel import Panel
    from rnnts.steps.serving import Serving

NEW, REVISED, COVARIATES, MODEL, CALIBRATION, SETTINGS = (
    "new data", "revised data", "covariates", "model", "calibration", "settings",
)  # fmt: skip
TOGETHER = ("horizon", "quantiles", "frequency", "timezone", "model")
"""Settings that a network is trained for: where they change, it changes with them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of change; `taken` puts it into a mixture.

    A new kind is one more entry of PARTS. Parts are put in in the order of PARTS, and none may rest
    on another having been put in.
    """

    name: str
    differs: Callable[[Given, Given], bool]  # (before, now)
    taken: Callable[[Given, Given, Given], Given]  # (mixture, before, now)


def parts_between(before: Given, now: Given) -> tuple[Part, ...]:
    """The parts in which two issues differ."""
    found = tuple(part for part in PARTS if part.differs(before, now))
    if not _bound_together(before, now):
        return found
    apart = tuple(part for part in found if part.name not in {MODEL, CALIBRATION, SETTINGS})
    return (*apart, Part(SETTINGS, _settings_differ, _with_settings_and_model))


def mixed(before: Given, now: Given, parts: tuple[Part, ...], chosen: frozenset[str]) -> Given:
    """The earlier issue with some parts of the later one."""
    mixture = before
    for part in parts:
        if part.name in chosen:
            mixture = part.taken(mixture, before, now)
    return mixture


def revised(before: Given, now: Given) -> "BoolArray":
    """Where a value that was known before is another now, or gone, [series, steps] of `before`."""
    then, later = before.panel.values, on_axes(now.panel, before.panel)
    return np.asarray(~np.isnan(then) & (then != later))


def fresh(before: Given, now: Given) -> "BoolArray":
    """Where a value is known now that was not before, [series, steps] of `now`."""
    return np.asarray(np.isnan(on_axes(before.panel, now.panel)) & ~np.isnan(now.panel.values))


def on_axes(panel: "Panel", other: "Panel") -> "FloatArray":
    """Values of a panel at the series and steps of another, NaN where it has none."""
    found = np.full(other.values.shape, np.nan)
    rows = {info.series_id: row for row, info in enumerate(panel.series)}
    pairs = [
        (place, rows[info.series_id])
        for place, info in enumerate(other.series)
        if info.series_id in rows
    ]
    first = max(panel.first_step, other.first_step)
    end = min(panel.last_step, other.last_step) + 1
    if pairs and end > first:
        into, out_of = np.array(pairs, np.int64).T
        values = panel.values[out_of, first - panel.first_step : end - panel.first_step]
        found[into, first - other.first_step : end - other.first_step] = values
    return found


def _with_revised(mixture: Given, before: Given, now: Given) -> Given:
    """What is said now of values that were known before; the time is still that of before."""
    known = ~np.isnan(before.panel.values)
    later = on_axes(now.panel, before.panel)
    values = np.where(known, later, mixture.panel.values)
    return replace(mixture, panel=replace(mixture.panel, values=values))


def _with_new(mixture: Given, before: Given, now: Given) -> Given:
    """The values that had none before, and with them the time: fewer steps to look ahead."""
    unknown = np.isnan(on_axes(before.panel, now.panel))
    panel = replace(  # of the mixture: what else a panel has is not new data
        mixture.panel,
        series=now.panel.series,
        first_step=now.panel.first_step,
        values=np.where(unknown, now.panel.values, on_axes(mixture.panel, now.panel)),
        watermark=now.panel.watermark,
    )
    return replace(
        mixture,
        panel=panel,
        first_step=now.first_step,
        watermark=now.watermark,
        origin=now.origin,
        known=now.known,
    )


def _have_covariates(before: Given, now: Given) -> bool:
    """Whether a network may have read any; where the same was known of them, their part is 0."""
    return not (before.panel.covariates is None and now.panel.covariates is None)


def _with_covariates(mixture: Given, _before: Given, now: Given) -> Given:
    return replace(mixture, panel=replace(mixture.panel, covariates=now.panel.covariates))


def _same_version(before: Given, now: Given) -> bool:
    then, served = before.serving, now.serving
    if then is None or served is None:
        return False
    return then.version.version_id == served.version.version_id


def _identity(serving: "Serving | None") -> object:
    """What makes a network another one, its calibration aside."""
    if serving is None:
        return None
    return serving.version.version_id, serving.method, serving.baselines


def _model_differs(before: Given, now: Given) -> bool:
    return _identity(before.serving) != _identity(now.serving)


def _with_model(mixture: Given, before: Given, now: Given) -> Given:
    """The network of now; its calibration comes along unless it is of the same network."""
    serving, then = now.serving, mixture.serving
    if serving is not None and then is not None and _same_version(before, now):
        serving = replace(serving, calibration=then.calibration, calibration_id=then.calibration_id)
    return replace(mixture, serving=serving, findings=now.findings)


def _calibration_differs(before: Given, now: Given) -> bool:
    if before.serving is None or now.serving is None or not _same_version(before, now):
        return False
    return before.serving.calibration_id != now.serving.calibration_id


def _with_calibration(mixture: Given, _before: Given, now: Given) -> Given:
    """The calibration of now; called only where both issues have the same network."""
    if mixture.serving is None or now.serving is None:
        return mixture
    serving = replace(
        mixture.serving,
        calibration=now.serving.calibration,
        calibration_id=now.serving.calibration_id,
    )
    return replace(mixture, serving=serving)


def settings_changed(before: Given, now: Given) -> dict[str, tuple[object, object]]:
    """Settings that have a say and are not as they were: {name: (before, now)}."""
    then, later = (each.config.model_dump(mode="json", exclude=NO_SAY) for each in (before, now))
    return {name: (then.get(name), later[name]) for name in later if then.get(name) != later[name]}


def _settings_differ(before: Given, now: Given) -> bool:
    return bool(settings_changed(before, now))


def _with_settings(mixture: Given, _before: Given, now: Given) -> Given:
    return replace(mixture, config=now.config)


def _bound_together(before: Given, now: Given) -> bool:
    """Whether settings changed that another network came with, or because of which none serves."""
    changed = settings_changed(before, now)
    return _model_differs(before, now) and any(name in changed for name in TOGETHER)


def _with_settings_and_model(mixture: Given, _before: Given, now: Given) -> Given:
    return replace(mixture, config=now.config, serving=now.serving, findings=now.findings)


PARTS = (
    Part(REVISED, lambda before, now: bool(revised(before, now).any()), _with_revised),
    Part(NEW, lambda before, now: before.origin != now.origin or bool(fresh(before, now).any()),
         _with_new),
    Part(COVARIATES, _have_covariates, _with_covariates),
    Part(MODEL, _model_differs, _with_model),
    Part(CALIBRATION, _calibration_differs, _with_calibration),
    Part(SETTINGS, _settings_differ, _with_settings),
)  # fmt: skip
"""Every kind of change, in the order in which a mixture is put together."""
