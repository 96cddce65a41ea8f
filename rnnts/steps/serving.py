"""Which network serves an instant, verified before anyone uses it, or why none does."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rnnts.database.models import VersionRow, calibration_at, champion, previous_champions
from rnnts.errors import IntegrityError
from rnnts.failpoints import hit
from rnnts.findings import Finding
from rnnts.learning.calibration import Calibration
from rnnts.learning.ladder import Method

if TYPE_CHECKING:
    from rnnts.config import PanelConfig
    from rnnts.networks.config import NetworkConfig
    from rnnts.panels.grid import Grid
    from rnnts.project import Project
    from rnnts.steps.results import Kind

PASSED_OVER = {"ARTEFACT_CORRUPT", "ARTEFACT_MISSING", "ARTEFACT_MISMATCH"}
"""What makes the ladder take the champion before; anything else is refused aloud."""
END_OF_TIME = datetime.max.replace(microsecond=0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A verified network with its calibration."""

    method: Method  # network, or network_previous where the champion itself cannot be used
    version: VersionRow
    config: "NetworkConfig"
    model: Any  # keras.Model
    calibration: Calibration
    calibration_id: str | None  # None: there is none yet, ranges stay as the network gave them
    baselines: dict[str, int]  # days of the season of each series that a baseline serves


def serving_at(
    project: "Project", panel: str, grid: "Grid", issued_at: datetime, kind: "Kind"
) -> tuple[Serving | None, list[Finding]]:
    """The champion effective at an instant, else the one before it, else none; and why.

    A hindcast is served by today's champion, whatever was champion then.

    Raises:
        IntegrityError: ARTEFACT_UNSAFE; such a file is not to be passed over.
    """
    at = END_OF_TIME if kind == "hindcast" else issued_at
    with project.database.reading() as connection:
        first = champion(connection, panel, at)
        before = previous_champions(connection, panel, at) if first else ()
    if first is None:
        return None, [_no_champion(panel)]
    findings: list[Finding] = []
    for version in (first, *before):
        mismatch = _mismatch(panel, project.panel(panel), grid, version)
        if mismatch is not None:
            return None, [*findings, mismatch]
        try:
            model = load_verified(project, version)
        except IntegrityError as error:
            if error.code not in PASSED_OVER:
                raise
            findings.append(_passed_over(panel, version, error))
            continue
        method: Method = "network" if version is first else "network_previous"
        calibration, calibration_id, found = _calibrated(project, version, issued_at)
        guarded = _guarded(project, version)
        config = config_of(version)
        return (
            Serving(method, version, config, model, calibration, calibration_id, guarded),
            [*findings, *found],
        )
    return None, findings


def load_verified(project: "Project", version: VersionRow) -> Any:  # noqa: ANN401 - keras.Model
    """The network of a version; see `rnnts.learning.versions.load_network`."""
    from rnnts.learning.versions import load_network

    model = load_network(project.store, version.manifest)
    hit("forecast.weights_verified")
    return model


def config_of(version: VersionRow) -> "NetworkConfig":
    """How the network of a version is built."""
    from rnnts.networks.config import NetworkConfig

    return NetworkConfig.model_validate(version.manifest["network"])


def _calibrated(
    project: "Project", version: VersionRow, issued_at: datetime
) -> tuple[Calibration, str | None, list[Finding]]:
    """The newest calibration of a version as of an instant; none changes nothing."""
    config = config_of(version)
    identity = Calibration.identity(config.levels, config.horizon)
    with project.database.reading() as connection:
        row = calibration_at(connection, version.panel, version.version_id, issued_at)
    if row is None:
        return identity, None, []
    try:
        arrays = project.store.get_arrays(row.artefact)
    except IntegrityError as error:
        found = Finding(
            error.code,
            "warning",
            version.panel,
            f"calibration {row.calibration_id[:12]} cannot be read, ranges are the network's own: "
            f"{error.got}, in {error.where}",
            "run `rnnts calibrate` again; look at the disk of the store",
        )
        return identity, None, [found]
    return Calibration.from_arrays(arrays), row.calibration_id, []


def _guarded(project: "Project", version: VersionRow) -> dict[str, int]:
    """Series that the gate took from a version's network, and the season that serves each."""
    from rnnts.steps.promote import safeguarded

    days = {f"seasonal_naive_{one['name']}": one["days"] for one in version.manifest["seasons"]}
    named = safeguarded(project, version.panel, version.version_id)
    return {series_id: int(days[method]) for series_id, method in named.items()}


def _mismatch(
    panel: str, config: "PanelConfig", grid: "Grid", version: VersionRow
) -> Finding | None:
    """MODEL_MISMATCH where the configuration now asks for what the network cannot give."""
    network = config_of(version)
    trained_on = version.manifest.get("grid", {}).get("frequency", grid.frequency)
    asked = {
        "horizon": (config.horizon, network.horizon),
        "window": (config.model.window or network.window, network.window),
        "frequency": (grid.frequency, trained_on),
        "quantiles": (sorted({*config.quantiles, *network.levels}), sorted(network.levels)),
    }
    changed = [f"{name} is {now}, was {was}" for name, (now, was) in asked.items() if now != was]
    if not changed:
        return None
    return Finding(
        "MODEL_MISMATCH",
        "warning",
        panel,
        f"since version {version.version_id[:12]} was trained {'; '.join(changed)}; "
        "served by seasonal_naive",
        "run the weekly retrain, or set the old value again",
    )


def _no_champion(panel: str) -> Finding:
    return Finding(
        "NO_CHAMPION",
        "info",
        panel,
        "no network was promoted for this instant; served by seasonal_naive",
        "run the weekly retrain; if the gate refused its network, its decision says why",
    )


def _passed_over(panel: str, version: VersionRow, error: IntegrityError) -> Finding:
    return Finding(
        error.code,
        "error",
        panel,
        f"version {version.version_id[:12]} cannot be used: {error.got}, in {error.where}",
        f"{error.do}; until then the champion before it serves, or seasonal_naive",
    )
