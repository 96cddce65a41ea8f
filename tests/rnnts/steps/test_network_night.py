"""A real network serves a night: loaded by hash, equal bits, blind to what comes later."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.database.findings import findings_of
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.project import Project
from rnnts.steps import serving
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.results import StagedResult
from rnnts.steps.staged import Staged, blocks_of
from tests.rnnts.steps.small_champion import MORE, crown, untrained
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
HOURS = 400
AT = BEGIN + timedelta(hours=300, minutes=37)
VALUES = {name: wave(HOURS, 24, seed) for seed, name in enumerate("abcd")}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A network as it begins, in a store of its own."""
    root = tmp_path_factory.mktemp("weights")
    return root, untrained(Store(root))


def with_champion(
    folder: Path, weights: tuple[Path, dict[str, str]], **others: FloatArray
) -> Project:
    project = lay_out(folder, VALUES | others, more=MORE)
    root, named = weights
    assert project.store.put((root / named["name"]).read_bytes(), "weights", "keras")
    ingest(project, "loads", BEGIN + timedelta(hours=200))
    crown(project, BEGIN + timedelta(hours=200), weights=named)
    return project


def night(project: Project, at: datetime = AT) -> tuple[StagedResult, dict[str, FloatArray]]:
    result = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at)
    staged = Staged.load(project.store, result.staged_id)
    (block,) = blocks_of(project.store, staged)
    return result, dict(zip(block.series, block.quantiles, strict=True))


def test_changing_what_was_not_visible_changes_no_bit_of_a_networks_forecast(
    tmp_path: Path, weights: tuple[Path, dict[str, str]]
) -> None:
    quiet = with_champion(tmp_path / "quiet", weights)
    loud = with_champion(tmp_path / "loud", weights)
    under_way = (BEGIN + timedelta(hours=300)).isoformat()
    change(loud, "UPDATE readings SET value = value * 1000 WHERE at >= ?", under_way)
    change(loud, "DELETE FROM readings WHERE at >= ? AND site = 'b'", under_way)
    change(loud, "INSERT INTO readings VALUES ('e', ?, 1)", under_way)
    first, before = night(quiet)
    second, after = night(loud)
    assert first.methods == {"network": 4}
    assert first.staged_id == second.staged_id
    assert all((before[name] == after[name]).all() for name in before)


def test_one_bad_series_changes_no_bit_of_the_others(
    tmp_path: Path, weights: tuple[Path, dict[str, str]]
) -> None:
    bad = VALUES["b"].copy()
    bad[260:299] = np.nan
    good_result, good = night(with_champion(tmp_path / "good", weights))
    bad_result, found = night(with_champion(tmp_path / "bad", weights, b=bad))
    assert (good_result.degraded, bad_result.degraded) == (False, True)
    assert bad_result.methods == {"network": 3, "seasonal_naive": 1}
    assert all((good[name] == found[name]).all() for name in "acd")


def test_a_flipped_bit_in_the_weights_costs_the_network_not_the_night(
    tmp_path: Path, weights: tuple[Path, dict[str, str]]
) -> None:
    project = with_champion(tmp_path, weights)
    path = project.store.root / weights[1]["name"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    result, _ = night(project)
    assert (result.methods, result.degraded) == ({"seasonal_naive": 4}, True)
    published = publish(project, "loads", result.staged_id, AT)
    assert (published.status, published.exit_code) == ("live", 3)
    with project.database.reading() as connection:
        found = {row.code: row.severity for row in findings_of(connection, "loads")}
    assert found["ARTEFACT_CORRUPT"] == "error"
    assert found["ALL_FALLBACK"] == "error"


def test_the_failpoint_comes_once_the_weights_are_verified(
    tmp_path: Path, weights: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hits: list[str] = []
    monkeypatch.setattr(serving, "hit", hits.append)
    project = with_champion(tmp_path, weights)
    served, _ = serving.serving_at(project, "loads", Grid("1h"), AT, "night")
    assert served is not None
    assert hits == ["forecast.weights_verified"]
