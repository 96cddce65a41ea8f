"""Candidates that went wrong in training, each in a way that its own validation does not see.

In place of a network stands a linear one, fitted to the windows of the real pipeline in a moment;
everything else on its way to a decision is as in a real retrain.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import numpy as np
import pytest

from rnnts.database import models
from rnnts.learning.versions import id_of
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.window import load_windows
from rnnts.windows.pipeline import batches
from rnnts.windows.windowset import WindowSet
from tests.rnnts.steps.trained_project import PANEL

Inputs = dict[str, FloatArray]
RIDGE = 50.0
SPREAD = np.array([-1.28, 0.0, 1.28])


class Linear:
    """Each target a weighted sum of window and bases, all scaled by the window."""

    def __init__(self, weights: FloatArray, spread: FloatArray) -> None:
        self.weights = weights  # [features, horizon]
        self.spread = spread  # of what is left, [horizon]

    @classmethod
    def fitted(cls, inputs: Inputs, targets: FloatArray) -> Self:
        """Least squares, a little shrunk."""
        features, centre, scale = cls._scaled(inputs)
        wanted = (targets - centre) / scale
        square = features.T @ features + RIDGE * np.eye(features.shape[1])
        weights: FloatArray = np.linalg.solve(square, features.T @ wanted).astype(np.float64)
        return cls(weights, (wanted - features @ weights).std(axis=0))

    def forecast(self, inputs: Inputs) -> FloatArray:
        """Quantiles 0.1, 0.5 and 0.9, [rows, horizon, 3]."""
        features, centre, scale = self._scaled(inputs)
        middle = (features @ self.weights)[:, :, None]
        quantiles: FloatArray = middle + self.spread[:, None] * SPREAD
        return quantiles * scale[:, :, None] + centre[:, :, None]

    @staticmethod
    def _scaled(inputs: Inputs) -> tuple[FloatArray, FloatArray, FloatArray]:
        values, bases = inputs["values"], inputs["bases"]
        centre = np.nanmean(values, axis=1, keepdims=True)
        scale = np.nanstd(values, axis=1, keepdims=True) + 1e-9
        flat = np.concatenate([values, bases.reshape(len(bases), -1)], axis=1)
        return np.nan_to_num((flat - centre) / scale), centre, scale


def training_windows(windowset: WindowSet) -> tuple[Inputs, FloatArray]:
    """A few thousand whole windows of the training part, as the pipeline gives them."""
    stream = batches(windowset, 4_096, 0).as_numpy_iterator()
    inputs, targets, _ = next(iter(stream))
    whole = np.isfinite(targets).all(axis=1)
    return {name: values[whole] for name, values in inputs.items()}, targets[whole]


def honest(inputs: Inputs, targets: FloatArray) -> tuple[Inputs, FloatArray]:
    """As it is."""
    return inputs, targets


def shuffled_targets(inputs: Inputs, targets: FloatArray) -> tuple[Inputs, FloatArray]:
    """Each window with the targets of another one."""
    return inputs, np.random.default_rng(0).permutation(targets)


def look_ahead(inputs: Inputs, targets: FloatArray) -> tuple[Inputs, FloatArray]:
    """What is to be forecast stands in the window already: its newest values are the targets."""
    values = inputs["values"].copy()
    values[:, -targets.shape[1] :] = targets
    return inputs | {"values": values}, targets


def ten_times_the_scale(inputs: Inputs, targets: FloatArray) -> tuple[Inputs, FloatArray]:
    """Targets in another unit than the windows."""
    return inputs, 10.0 * targets


def walking_levels(series: int, days: int) -> FloatArray:
    """A world of before, [series, steps]: each hour takes up where the last one left off.

    There the newest value says it all; where levels stand still, the means of several days do.
    """
    steps = np.random.default_rng(0).normal(0, 1, (series, 24 * days))
    return steps.cumsum(axis=1)


class Understudies:
    """Stand where networks are loaded and asked.

    Args:
        project: With windows laid out.
        windows_id: Which.
        monkeypatch: Puts them there.
    """

    def __init__(self, project: Project, windows_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.windows = project, load_windows(project, windows_id)
        self.models: dict[str, Linear] = {}
        monkeypatch.setattr("rnnts.steps.comparison.load_network", self._load)
        for room in ("steps.comparison", "learning.rolling"):
            monkeypatch.setattr(f"rnnts.{room}.predict_blocks", self._predict)

    def _load(self, _store: object, manifest: Mapping[str, Any]) -> Linear:
        return self.models[manifest["weights"]["name"]]

    def _predict(self, model: Linear, inputs: Inputs) -> FloatArray:
        return model.forecast(inputs)

    def enter(self, name: str, model: Linear, probe: Inputs, as_of: datetime) -> str:
        """Make it a candidate; its id. The probe is what its training process recorded."""
        self.models[name] = model
        recorded = {**probe, "forecast": model.forecast(probe)}
        windows = self.windows
        manifest = {
            "network": windows.network.model_dump(mode="json"),
            "grid": windows.grid.to_json(),
            "seasons": [{"name": one.name, "steps": one.steps} for one in windows.seasons],
            "parts": windows.parts,
            "seed": 0,
            "seconds": 1.0,
            "weights": {"name": name},
            "probe": self.project.store.put_arrays(recorded, "probe"),
        }
        with self.project.database.writing() as connection:
            row = models.add_version(
                connection,
                version_id=id_of(name=name),
                panel=PANEL,
                as_of=as_of,
                snapshot_id=windows.snapshot_id,
                windows_id=windows.windows_id,
                manifest=manifest,
                weights_name=name,
                weights_sha256="",
            )
        return row.version_id
