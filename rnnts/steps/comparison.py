"""The comparison behind a scorecard: every method on the same held-out windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.database.models import VersionRow
from rnnts.errors import IntegrityError
from rnnts.failpoints import hit
from rnnts.findings import Finding
from rnnts.learning import statistical
from rnnts.learning.gate import CANDIDATE, CHAMPION, common_windows, overlap_of
from rnnts.learning.metrics import coverage, mean_observed
from rnnts.learning.portrait import Portrait
from rnnts.learning.predict import predict_blocks
from rnnts.learning.residuals import Residuals
from rnnts.learning.rolling import HeldOut, Method, Scored
from rnnts.learning.versions import as_scored, load_network
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import AnyArray, BoolArray, FloatArray
from rnnts.panels.grid import Grid
from rnnts.steps.covariate_worth import covariate_worth
from rnnts.steps.snapshots import load_panel
from rnnts.steps.window import Windows, load_windows, windowset_of

if TYPE_CHECKING:
    from rnnts.artefacts import Store
    from rnnts.project import Project

STATISTICAL_SHARE = 0.2
"""Part of the training time that the statistical method may take."""
NAIVE = "seasonal_naive_"
PARTS = ("calibration", "gate")
"""Whose forecasts are kept for later calibrations; `part` in the artefact is the place here."""

DETAIL = "scorecard"
"""Kind of the artefact with what a scorecard's page shows beyond the row: by series, by origin."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a scorecard holds, and what was noticed on the way."""

    scores: Json
    findings: tuple[Finding, ...]


def compare(project: "Project", row: VersionRow, rival: VersionRow | None) -> Comparison:
    """Score a candidate beside the champion, the seasonal naives and a statistical method.

    Both networks are calibrated alike, on the part before the gate: what is scored is what would
    serve. Medians, and with them MASE and sMAPE, are not touched by that.

    Raises:
        IntegrityError: PROBE_MISMATCH; ARTEFACT_… of the candidate, windows or snapshot.
    """
    windows = load_windows(project, row.windows_id)
    held_out = HeldOut(
        load_panel(project, row.snapshot_id, with_covariates=True),
        windowset_of(project, windows),
        windows.bounds,
    )
    levels = windows.network.levels
    model = _proved(project.store, row)
    raw = held_out.network(model, windows.network, levels)
    residuals = {part: held_out.residuals(raw, part) for part in PARTS}
    late = {part: held_out.late(model, windows.network, levels, part) for part in PARTS}
    taught = Residuals.joined([residuals["calibration"], late["calibration"]])
    calibration = held_out.calibration(taught, levels)
    methods: dict[str, Method] = {CANDIDATE: held_out.served(raw, calibration)}
    champion, findings = _champion(project, held_out, windows, rival)
    methods |= champion
    for season in windows.seasons:
        methods[f"{NAIVE}{season.name}"] = held_out.seasonal_naive(season, levels)
    order = _sample(held_out, row.manifest["seed"])
    scored = held_out.score(methods, levels, np.sort(order), lambda: hit("evaluate.half"))
    scores = _scores(held_out, scored, windows)
    scores |= {
        "champion": None if rival is None else rival.version_id,
        "uncalibrated": _coverages(residuals["gate"], levels),
        "artefacts": {
            "errors": _keep_errors(project.store, held_out, scored),
            "detail": project.store.put_json(_detail(held_out, scored, residuals["gate"]), DETAIL),
            "residuals": _keep_residuals(project.store, residuals, late),
            "calibration": project.store.put_arrays(calibration.to_arrays(), "calibration"),
        },
    }
    if worth := covariate_worth(held_out, model, windows.network):
        scores["covariates"] = worth
    _add_statistical(scores, held_out, scored, order, row)
    return Comparison(scores, tuple(findings))


def _proved(store: "Store", row: VersionRow) -> Any:  # noqa: ANN401 - keras.Model
    """The network that the gate scores; it and the one that serves give what they gave before.

    Raises:
        IntegrityError: PROBE_MISMATCH; ARTEFACT_… of either.
    """
    scored = as_scored(row.manifest)
    if scored["weights"] != row.manifest["weights"]:
        _prove(store, row, load_network(store, row.manifest), row.manifest["probe"])
    model = load_network(store, scored)
    _prove(store, row, model, scored["probe"])
    return model


def _prove(store: "Store", row: VersionRow, model: Any, probe_name: str) -> None:  # noqa: ANN401
    """Hold a loaded network against the forecasts that its training process recorded.

    Raises:
        IntegrityError: PROBE_MISMATCH where a single bit differs.
    """
    probe = store.get_arrays(probe_name)
    recorded = probe.pop("forecast")
    forecast = predict_blocks(model, probe) if probe else recorded
    if np.array_equal(forecast, recorded):
        return
    differing = int((forecast != recorded).any(axis=(1, 2)).sum())
    raise IntegrityError(
        "PROBE_MISMATCH",
        panel=row.panel,
        expected="the forecasts that the training process recorded, bit for bit",
        got=f"others for {differing} of {len(recorded)} windows",
        where=f"version {row.version_id[:12]}",
        do="train again on this machine and with these libraries; it is not promoted as it is",
    )


def _champion(
    project: "Project", held_out: HeldOut, windows: Windows, rival: VersionRow | None
) -> tuple[dict[str, Method], list[Finding]]:
    """The champion's method; none, and why, where it cannot forecast what the candidate does.

    On windows whose targets it was trained on, or its weights chosen by, it forecasts nothing: the
    comparison leaves them out for everyone.
    """
    if rival is None:
        return {}, []
    config, levels = NetworkConfig.model_validate(rival.manifest["network"]), windows.network.levels
    if config.horizon != held_out.windowset.horizon or not {*levels} <= {*config.levels}:
        return {}, [
            _passed_over(rival, "MODEL_MISMATCH", "it has another horizon or other quantiles")
        ]
    if rival.manifest["grid"] != windows.grid.to_json():
        return {}, [_passed_over(rival, "MODEL_MISMATCH", "it has another time line")]
    try:
        model = load_network(project.store, as_scored(rival.manifest))
    except IntegrityError as error:
        return {}, [_passed_over(rival, error.code, f"{error.got}, in {error.where}")]
    raw = held_out.network(model, config, levels)
    calibration = held_out.calibration(held_out.residuals(raw, "calibration"), levels)
    seen = seen_until(project, rival)
    gate = held_out.windowset.parts.gate_origins
    findings = [_saw(rival, int((gate < seen).sum()), len(gate))] if gate[0] < seen else []
    return {CHAMPION: held_out.unseen(held_out.served(raw, calibration), seen)}, findings


def seen_until(project: "Project", version: VersionRow) -> int:
    """The grid step before which targets made a version: trained it, or chose its weights.

    Its windows say; where they were tidied away, it may have seen all that was known at its as_of.

    Raises:
        IntegrityError: ARTEFACT_CORRUPT of the windows.
    """
    told = version.manifest.get("parts")
    if told is not None:
        return int(told["calibration"])
    try:
        windows = load_windows(project, version.windows_id)
        return windowset_of(project, windows).parts.calibration_until
    except IntegrityError as error:
        if error.code != "ARTEFACT_MISSING":
            raise
        return Grid.from_json(version.manifest["grid"]).first_target(version.as_of)


def _saw(rival: VersionRow, count: int, of: int) -> Finding:
    return Finding(
        "CHAMPION_SAW_GATE",
        "warning",
        rival.panel,
        f"champion {rival.version_id[:12]} was trained on targets of {count} of the gate's {of} "
        "origins; they are left out",
        "nothing, if the source was cut short since; with none left the champion stays",
    )


def _passed_over(rival: VersionRow, code: str, why: str) -> Finding:
    return Finding(
        code,
        "warning",
        rival.panel,
        f"champion {rival.version_id[:12]} was not compared with: {why}",
        "nothing: the candidate has to beat the seasonal naives alone",
    )


def _sample(held_out: HeldOut, seed: int) -> AnyArray:
    """Series for the statistical method, in the order in which they are tried."""
    windowset = held_out.windowset
    windows = windowset.usable(windowset.parts.gate_origins).sum(axis=1)  # [series]
    order = statistical.sampled(held_out.panel, seed)
    kept: AnyArray = order[(windows[order] > 0) & (windowset.scale[order] > 0)]
    return kept


def _scores(held_out: HeldOut, scored: Scored, windows: Windows) -> Json:
    parts = held_out.windowset.parts
    labels = held_out.panel.grid.label_of(parts.gate_origins)
    return {
        "scores": {name: tally.scores() for name, tally in scored.tallies.items()},
        "by_step": {name: tally.by_step() for name, tally in scored.tallies.items()},
        "origins": [datetime.fromtimestamp(label, UTC).isoformat() for label in labels.tolist()],
        "series": len(held_out.panel.series),
        "season": held_out.windowset.season,
        "horizon": held_out.windowset.horizon,
        "levels": list(windows.network.levels),
        "overlap": overlap_of(held_out.windowset.horizon, parts.gate_apart),
    }


def _coverages(residuals: Residuals, levels: Sequence[float]) -> Json:
    """Coverage of the network's own ranges over the gate's windows."""
    shares = {"coverage_80": 0.8, "coverage_95": 0.95}
    found = {
        name: coverage(residuals.actual, residuals.quantiles, levels, share)
        for name, share in shares.items()
    }
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def _keep_errors(store: "Store", held_out: HeldOut, scored: Scored) -> str:
    """Scaled error of each window by method, [origins, series]; the gate reads them."""
    errors = {name: tally.windows() for name, tally in scored.tallies.items()}
    return store.put_arrays({**errors, "origins": held_out.windowset.parts.gate_origins}, "errors")


def _detail(held_out: HeldOut, scored: Scored, raw: Residuals) -> Json:
    """MASE of each method by series and by origin, and how the candidate errs."""
    errors = {name: tally.windows() for name, tally in scored.tallies.items()}  # [origins, series]
    same = common_windows(errors)
    counted = np.flatnonzero(same.any(axis=0))
    uncalibrated = Portrait(scored.portrait.levels, raw.scale)
    if len(raw.scale):
        every = np.ones(len(raw.scale), bool)
        uncalibrated.add(raw.actual, raw.quantiles, every)
    return {
        "series": held_out.ids[counted].tolist(),
        "by_series": {
            name: _means(values[:, counted], same[:, counted], 0) for name, values in errors.items()
        },
        "by_origin": {name: _means(values, same, 1) for name, values in errors.items()},
        "windows_by_origin": same.sum(axis=1).tolist(),
        "candidate": scored.portrait.to_json(),
        "uncalibrated": uncalibrated.to_json()["reached"],
    }


def _means(errors: FloatArray, same: BoolArray, axis: int) -> list[float | None]:
    """Means of the windows that count, six digits; None where there are none."""
    means = mean_observed(np.where(same, errors, np.nan), axis=axis)
    return [float(f"{mean:.6g}") if np.isfinite(mean) else None for mean in means.tolist()]


def _keep_residuals(
    store: "Store", residuals: dict[str, Residuals], late: dict[str, Residuals]
) -> str:
    """Uncalibrated forecasts of both held-out parts, beside what happened; then of late inputs."""
    kept = [held_out[part] for held_out in (residuals, late) for part in PARTS]
    joined = Residuals.joined(kept)
    places = [place for _ in (residuals, late) for place in range(len(PARTS))]
    part = np.repeat(places, [len(each.scale) for each in kept])
    return store.put_arrays({**joined.to_arrays(), "part": part}, "residuals")


def _add_statistical(
    scores: Json,
    held_out: HeldOut,
    scored: Scored,
    order: AnyArray,
    row: VersionRow,
) -> None:
    """The statistical method on its sample, and the network on the same windows."""
    sample = statistical.forecast_sample(
        held_out.truth,
        held_out.windowset.parts.gate_origins,
        statistical.Question(
            held_out.windowset.horizon,
            tuple(season["steps"] for season in row.manifest["seasons"]),
            tuple(row.manifest["network"]["levels"]),
        ),
        order.tolist(),
        STATISTICAL_SHARE * row.manifest["seconds"],
    )
    told: Json = {
        "method": statistical.NAME,
        "series": len(sample.series),
        "of": len(held_out.panel.series),
        "seconds": sample.seconds,
        "reason": sample.reason,
    }
    if len(sample.series):
        theirs, ours = scored.beside(sample)
        scores["scores"][statistical.NAME] = theirs.scores()
        told["network_on_the_same"] = ours.scores()
    scores["statistical"] = told
