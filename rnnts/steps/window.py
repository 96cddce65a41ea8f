"""Window: which windows a snapshot has, and how they split by time."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import PanelConfig
from rnnts.database.findings import record_findings
from rnnts.database.runs import record
from rnnts.errors import NoUsableDataError
from rnnts.failpoints import hit
from rnnts.learning.bounds import Bounds, lowest_of, only_whole
from rnnts.panels.doubts import Doubts
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel
from rnnts.panels.resolve import Resolved, check_window, resolve
from rnnts.panels.seasons import Season
from rnnts.panels.slots import newest_slot
from rnnts.steps.results import WindowResult

if TYPE_CHECKING:
    from rnnts.networks.config import NetworkConfig
    from rnnts.project import Project
    from rnnts.windows.windowset import WindowSet

KIND = "windows"


@dataclass(frozen=True, slots=True)
class Windows:
    """What training needs to know, frozen: the manifest of a window set."""

    windows_id: str
    panel: str
    snapshot_id: str
    arrays: str  # artefact of the window set's arrays
    network: "NetworkConfig"
    grid: Grid
    seasons: tuple[Season, ...]
    bounds: Bounds
    parts: dict[str, int] | None  # `Parts.ends`; None in a manifest of before they were kept


def window(project: "Project", panel: str, snapshot_id: str, as_of: datetime) -> WindowResult:
    """Lay a snapshot out as windows, split by time; the same snapshot gives the same id.

    Values that are not believed are missing in it, with a finding (rnnts.panels.doubts).

    Raises:
        ConfigurationError: WINDOW_TOO_LONG, with one that fits, where the user wrote it.
        NoUsableDataError: TOO_SHORT where no window is left for training, or none for the gate.
    """
    from rnnts.steps.snapshots import load_panel

    config = project.panel(panel)
    with record(project.database, panel, "window", as_of) as run:
        doubts = Doubts.of(load_panel(project, snapshot_id, with_covariates=True))
        values = doubts.masked()
        history = history_steps(values)
        resolved = resolve(panel, config, values.grid, history).knowing(lowest_of(values.values))
        check_window(config, resolved, history)
        windowset = cut(values, config, resolved, as_of)
        _check_enough(panel, values, windowset)
        network = network_of(config, resolved, windowset)
        hit("window.half")
        whole = only_whole(windowset.values)
        bounds = Bounds(resolved.minimum, resolved.maximum, whole, resolved.integer)
        windows_id = _keep(project, snapshot_id, windowset, network, resolved, bounds)
        result = WindowResult(
            panel=panel,
            windows_id=windows_id,
            snapshot_id=snapshot_id,
            as_of=as_of,
            training=int(windowset.counts().sum()),
            calibration_origins=len(windowset.parts.calibration_origins),
            gate_origins=len(windowset.parts.gate_origins),
            window=windowset.window,
            horizon=windowset.horizon,
        )
        doubted = list(doubts.findings())
        project.database.run_writing(lambda one: record_findings(one, doubted, as_of))
        run.done(result.to_json())
    return result


def history_steps(panel: Panel) -> int:
    """Steps from the oldest observation of any series to the watermark."""
    oldest = min((info.first for info in panel.series), default=panel.watermark + 1)
    return max(0, panel.watermark - oldest + 1)


def cut(panel: Panel, config: PanelConfig, resolved: Resolved, as_of: datetime) -> "WindowSet":
    """The window set of a panel, as a retrain of an instant lays it out."""
    from rnnts.windows.windowset import WindowSet

    return WindowSet.of(
        panel,
        window=resolved.window,
        horizon=resolved.horizon,
        seasons=resolved.seasons,
        by_series=config.model.scale == "series",
        known_after=_known_after(panel, config, as_of),
    )


def _known_after(panel: Panel, config: PanelConfig, as_of: datetime) -> int:
    """Seconds from the end of the newest step to a night's slot: what is known by then counts."""
    cron = config.schedule.forecast
    slot = newest_slot(cron, config.timezone, as_of) if cron and panel.covariates else None
    if slot is None:
        return 0
    ended = panel.grid.visible_from(np.array([panel.grid.last_visible(slot)]))
    return int(slot.timestamp()) - int(ended[0])


def network_of(config: PanelConfig, resolved: Resolved, windowset: "WindowSet") -> "NetworkConfig":
    """The network that fits these windows."""
    from rnnts.networks.config import NetworkConfig

    return NetworkConfig(
        architecture=config.model.architecture,
        window=resolved.window,
        horizon=resolved.horizon,
        levels=resolved.levels,
        seasons=windowset.seasons,
        patch=resolved.patch,
        units=config.model.units,
        loss=config.model.loss,
        rate=config.train.rate,
        scale=config.model.scale,
        constant=config.model.constant,
        known_future=windowset.known_future,
        static=windowset.static,
        covariates=windowset.covariates,
    )


def _check_enough(panel: str, values: Panel, windowset: "WindowSet") -> None:
    """Refuse to train where nothing is left for it, or for the gate that decides on it."""
    training = int(windowset.counts().sum())
    gate = int(windowset.counts("gate").sum())
    if training and gate:
        return
    held_out = windowset.parts.gate_until - windowset.parts.training_until
    needed = windowset.minimum + windowset.partial + held_out
    raise NoUsableDataError(
        "TOO_SHORT",
        panel=panel,
        expected=f"a series of {needed} steps: {windowset.minimum} to read, at least "
        f"{windowset.partial} to forecast, {held_out} held out for calibration and gate",
        got=f"{history_steps(values)} at most",
        do="wait for more history, shorten horizon or model.window; forecasts come from the "
        "baselines meanwhile",
    )


def _keep(
    project: "Project",
    snapshot_id: str,
    windowset: "WindowSet",
    network: "NetworkConfig",
    resolved: Resolved,
    bounds: Bounds,
) -> str:
    """Keep arrays, then manifest: the id is the manifest's hash."""
    arrays = project.store.put_arrays(windowset.save(), KIND)
    manifest = {
        "panel": resolved.panel,
        "snapshot_id": snapshot_id,
        "arrays": arrays,
        "network": network.model_dump(mode="json"),
        "grid": resolved.grid.to_json(),
        "seasons": [asdict(season) for season in resolved.seasons],
        "bounds": asdict(bounds),
        "parts": windowset.parts.ends,
    }
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=False, allow_nan=False)
    name = project.store.put(
        text.encode(), KIND, "json", before_rename=lambda: hit("window.before_rename")
    )
    return Path(name).stem


def load_windows(project: "Project", windows_id: str) -> Windows:
    """The manifest of a window set.

    Raises:
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT.
    """
    from rnnts.networks.config import NetworkConfig

    manifest = project.store.get_json(project.store.name_of(KIND, windows_id, "json"))
    return Windows(
        windows_id=windows_id,
        panel=manifest["panel"],
        snapshot_id=manifest["snapshot_id"],
        arrays=manifest["arrays"],
        network=NetworkConfig.model_validate(manifest["network"]),
        grid=Grid.from_json(manifest["grid"]),
        seasons=tuple(Season(**season) for season in manifest["seasons"]),
        bounds=Bounds(**manifest["bounds"]),
        parts=manifest.get("parts"),
    )


def windowset_of(project: "Project", windows: Windows) -> "WindowSet":
    """The window set itself.

    Raises:
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT.
    """
    from rnnts.windows.windowset import WindowSet

    return WindowSet.load(project.store.get_arrays(windows.arrays))
