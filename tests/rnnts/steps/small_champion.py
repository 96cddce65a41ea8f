"""Champions for the small project: a real network, never trained, or one that repeats a day."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.database.models import add_version, promote
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.project import Project

LEVELS = (0.1, 0.5, 0.9)
MORE = "quantiles = [0.1, 0.5, 0.9]\nmodel = { window = 48 }"
"""What the panel of a project with such a champion says."""
CONFIG = NetworkConfig(
    window=48, horizon=6, levels=LEVELS, seasons=((24, 3, 0),), units=2, layers=1, patch=24
)
SEASONS = [
    {"name": "day", "steps": 24, "days": 1},
    {"name": "week", "steps": 168, "days": 7},
]
WIDTH = 2.0
"""What the network that repeats a day adds and takes away for its outer levels."""


def crown(
    project: Project,
    at: datetime,
    name: str = "v1",
    *,
    weights: Mapping[str, str] | None = None,
    numbers: Mapping[str, Any] | None = None,
    bounds: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of a NetworkConfig
) -> str:
    """Make a version champion from an instant on; without weights nothing stands in the store."""
    version_id = hashlib.sha256(name.encode()).hexdigest()
    network = CONFIG.model_copy(update=changes).model_dump(mode="json")
    manifest: dict[str, Any] = {
        "network": network,
        "weights": dict(weights or {"name": f"weights/{name}", "sha256": "", "digest": ""}),
        "grid": Grid("1h").to_json(),
        "seasons": SEASONS,
        "bounds": dict(bounds or {}),
    }
    with project.database.writing() as connection:
        add_version(
            connection,
            version_id=version_id,
            panel="loads",
            as_of=at,
            snapshot_id="0" * 64,
            windows_id="0" * 64,
            manifest=manifest,
            weights_name=manifest["weights"]["name"],
            weights_sha256=manifest["weights"]["sha256"],
        )
        promote(
            connection,
            panel="loads",
            version_id=version_id,
            scorecard_id=None,
            reason="a test",
            numbers=dict(numbers or {}),
            effective_from=at,
        )
    return version_id


def untrained(store: Store, seed: int = 0) -> dict[str, str]:
    """Weights of a network as it begins, kept as training keeps them."""
    from rnnts.learning.versions import archive_of, weights_digest
    from rnnts.networks.build import build
    from rnnts.networks.seeds import draw_from

    model = build(CONFIG)
    draw_from(model, seed)
    data = archive_of(model)
    return {
        "name": store.put(data, "weights", "keras"),
        "sha256": hashlib.sha256(data).hexdigest(),
        "digest": weights_digest(model),
    }


class Repeater:
    """Stands for a network: repeats the last day, WIDTH up and down, and keeps what it was given.

    Args:
        monkeypatch: Puts it where networks are loaded and asked.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inputs: list[dict[str, FloatArray]] = []
        self.spoil: Callable[[FloatArray], object] = lambda _quantiles: None
        self.loaded: list[str] = []
        monkeypatch.setattr("rnnts.learning.versions.load_network", self.load)
        monkeypatch.setattr("rnnts.steps.rungs.predict_blocks", self.predict)

    def load(self, _store: Store, manifest: Mapping[str, Any]) -> "Repeater":
        self.loaded.append(manifest["weights"]["name"])
        return self

    def predict(
        self, _model: object, inputs: dict[str, FloatArray], _block: int = 512
    ) -> FloatArray:
        self.inputs.append(inputs)
        day = inputs["values"][:, -24 : -24 + CONFIG.horizon]
        quantiles = np.stack([day - WIDTH, day, day + WIDTH], axis=2)  # [rows, horizon, levels]
        self.spoil(quantiles)  # in place, where a test wants something else
        return quantiles
