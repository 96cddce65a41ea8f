"""A candidate is proved, then scored beside all others on the same windows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.database import models
from rnnts.database.findings import findings_of
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.learning import statistical
from rnnts.learning.bounds import Bounds
from rnnts.learning.metrics import mase
from rnnts.learning.rolling import HeldOut
from rnnts.learning.versions import id_of
from rnnts.panels.grid import Grid
from rnnts.project import Project
from rnnts.steps import comparison
from rnnts.steps.evaluate import evaluate
from rnnts.steps.results import ScorecardResult
from rnnts.steps.snapshots import load_panel
from rnnts.steps.window import load_windows, windowset_of
from rnnts.windows.parts import split_time
from tests.rnnts.steps.trained_project import AS_OF, PANEL, trained_project

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
NAMES = ["network", "seasonal_naive_day", "seasonal_naive_week"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return trained_project(tmp_path)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, ScorecardResult]:
    """A project whose candidate was scored, and what that gave."""
    project = trained_project(tmp_path_factory.mktemp("scored"))
    return project, evaluate(project, PANEL, candidate(project).version_id)


def candidate(project: Project) -> models.VersionRow:
    with project.database.reading() as connection:
        return models.versions(connection, PANEL)[-1]


def card(project: Project, result: ScorecardResult) -> Any:  # noqa: ANN401 - JSON
    with project.database.reading() as connection:
        row = models.scorecard(connection, result.scorecard_id)
    assert row is not None
    return row.scores


def test_a_scorecard_has_every_method_on_the_same_windows(
    scored: tuple[Project, ScorecardResult],
) -> None:
    project, result = scored
    assert list(result.scores) == NAMES
    assert result.origins == 8
    assert {scores["windows"] for scores in result.scores.values()} == {8 * 6}
    for scores in result.scores.values():
        assert all(scores[name] for name in ("mase", "smape", "wql", "coverage_80"))
    stored = card(project, result)
    assert stored["scores"] == result.scores
    assert [len(steps["mase"]) for steps in stored["by_step"].values()] == [6, 6, 6]
    assert stored["champion"] is None
    assert stored["statistical"]["reason"].endswith("10 s are needed")
    assert result.statistical == f"no mstl_ets: {stored['statistical']['reason']}"


def test_the_naive_score_is_that_of_a_plain_loop(
    scored: tuple[Project, ScorecardResult],
) -> None:
    project, result = scored
    row = candidate(project)
    panel = load_panel(project, row.snapshot_id)
    windowset = windowset_of(project, load_windows(project, row.windows_id))
    errors = []
    for origin in windowset.parts.gate_origins:
        first = int(origin) - panel.first_step
        actual = panel.values[:, first : first + 6]
        errors.append(mase(actual, panel.values[:, first - 24 : first - 18], windowset.scale))
    assert result.scores["seasonal_naive_day"]["mase"] == pytest.approx(np.mean(errors))


def test_errors_and_residuals_are_kept_for_gate_and_calibration(
    scored: tuple[Project, ScorecardResult],
) -> None:
    project, result = scored
    artefacts = card(project, result)["artefacts"]
    errors = project.store.get_arrays(artefacts["errors"])
    assert set(errors) == {*NAMES, "origins"}
    assert errors["network"].shape == (8, 6)
    residuals = project.store.get_arrays(artefacts["residuals"])
    rows = len(residuals["part"])
    fresh = residuals["age"] == 0
    assert fresh.sum() == 6 * len(np.unique(residuals["origin"]))
    assert np.unique(residuals["age"]).tolist() == [0, 3, 6, 12, 24]  # shorter than the window
    for age in (3, 24):
        late = residuals["age"] == age
        assert (residuals["actual"][late] == residuals["actual"][fresh]).all()
        assert (residuals["quantiles"][late] != residuals["quantiles"][fresh]).any()
    assert residuals["quantiles"].shape == (rows, 6, 3)
    assert residuals["actual"].shape == (rows, 6)
    assert set(residuals["part"]) == {0, 1}


def test_the_same_comparison_is_made_once(
    scored: tuple[Project, ScorecardResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, result = scored
    monkeypatch.setattr(comparison, "load_network", None)
    assert evaluate(project, PANEL, result.version_id) == result


def test_a_network_that_forecasts_another_bit_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = candidate(project)
    probe = project.store.get_arrays(row.manifest["probe"])
    probe["forecast"][1, 2, 0] = np.nextafter(probe["forecast"][1, 2, 0], np.inf)
    monkeypatch.setitem(row.manifest, "probe", project.store.put_arrays(probe, "probe"))
    monkeypatch.setattr("rnnts.steps.evaluate.version", lambda *_: row)
    with pytest.raises(IntegrityError, match=r"PROBE_MISMATCH loads: .* for 1 of \d+ windows"):
        evaluate(project, PANEL, row.version_id)


def crowned(project: Project, **changes: object) -> models.VersionRow:
    """A champion with the candidate's weights under another id, effective before it."""
    row = candidate(project)
    manifest = row.manifest | changes
    with project.database.writing() as connection:
        champion = models.add_version(
            connection,
            version_id=id_of(champion=1),
            panel=PANEL,
            as_of=AS_OF,
            snapshot_id=row.snapshot_id,
            windows_id=row.windows_id,
            manifest=manifest,
            weights_name=row.weights_name,
            weights_sha256=row.weights_sha256,
        )
        models.promote(
            connection,
            panel=PANEL,
            version_id=champion.version_id,
            scorecard_id=None,
            reason="by hand",
            numbers={},
            effective_from=AS_OF,
        )
    return champion


def test_a_champion_is_scored_beside_the_candidate(
    project: Project, scored: tuple[Project, ScorecardResult]
) -> None:
    _, alone = scored
    champion = crowned(project)
    result = evaluate(project, PANEL, alone.version_id)
    assert result.scorecard_id != alone.scorecard_id
    assert result.scores["champion"] == result.scores["network"] == alone.scores["network"]
    assert card(project, result)["champion"] == champion.version_id


def test_a_candidate_that_was_promoted_meanwhile_is_no_rival_of_its_own(project: Project) -> None:
    champion = crowned(project)
    row = candidate(project)
    first = evaluate(project, PANEL, row.version_id)
    with project.database.writing() as connection:
        models.promote(
            connection,
            panel=PANEL,
            version_id=row.version_id,
            scorecard_id=first.scorecard_id,
            reason="by hand",
            numbers={},
            effective_from=AS_OF,
        )
    again = evaluate(project, PANEL, row.version_id)
    assert again == first
    assert card(project, again)["champion"] == champion.version_id


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (
            {"weights": {"name": "weights/00/00.keras", "sha256": "", "digest": ""}},
            "ARTEFACT_MISSING",
        ),
        ({"network": {"window": 48, "horizon": 7}}, "MODEL_MISMATCH"),
        ({"grid": Grid("30min").to_json()}, "MODEL_MISMATCH"),
    ],
)
def test_a_champion_that_cannot_be_compared_is_passed_over_with_a_finding(
    project: Project, changes: dict[str, Any], code: str
) -> None:
    row = candidate(project)
    windows = load_windows(project, row.windows_id)
    panel = load_panel(project, row.snapshot_id)
    held_out = HeldOut(panel, windowset_of(project, windows), Bounds())
    champion = crowned(project, **changes)
    methods, findings = comparison._champion(project, held_out, windows, champion)
    assert methods == {}
    assert [finding.code for finding in findings] == [code]


def test_no_window_counts_that_the_champion_was_trained_on(project: Project) -> None:
    row = candidate(project)
    parts = windowset_of(project, load_windows(project, row.windows_id)).parts
    third = int(parts.gate_origins[2])
    crowned(project, parts=parts.ends | {"calibration": third})
    result = evaluate(project, PANEL, row.version_id)
    assert {scores["windows"] for scores in result.scores.values()} == {6 * 6}
    with project.database.reading() as connection:
        (finding,) = findings_of(connection, PANEL)
    assert finding.code == "CHAMPION_SAW_GATE"
    assert "2 of the gate's 8 origins" in finding.evidence


def test_what_a_version_was_made_from_ends_before_the_gate(project: Project) -> None:
    row = candidate(project)
    parts = windowset_of(project, load_windows(project, row.windows_id)).parts
    assert comparison.seen_until(project, row) == parts.gate_origins[0]
    assert row.manifest["parts"] == parts.ends
    old = replace(row, manifest={name: row.manifest[name] for name in ("grid", "network")})
    assert comparison.seen_until(project, old) == parts.gate_origins[0]  # its windows still say
    tidied = replace(old, windows_id="0" * 64)
    assert comparison.seen_until(project, tidied) == parts.gate_until  # all that was known then


def test_the_champion_of_a_week_ago_has_seen_no_window_of_the_gate() -> None:
    """A week later, on whatever history, what taught the older one ends before the newer gate."""
    for history in (200, 700, 2_000, 20_000):
        older = split_time(0, history, 48, 24)
        newer = split_time(0, history + 168, 48, 24)
        assert older.calibration_until <= newer.gate_origins[0]
        assert older.training_until <= newer.training_until


def test_a_statistical_method_is_scored_on_its_sample_beside_the_network(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "STATISTICAL_SHARE", 1e6)
    monkeypatch.setattr(statistical, "MOST_SERIES", 2)
    monkeypatch.setattr(statistical, "_forecast", lambda _past, _question: np.full((6, 3), 10.0))
    result = evaluate(project, PANEL, candidate(project).version_id)
    stored = card(project, result)
    told = stored["statistical"]
    assert (told["series"], told["of"], told["reason"]) == (2, 6, "")
    assert result.scores["mstl_ets"]["windows"] == told["network_on_the_same"]["windows"] == 4
    assert told["network_on_the_same"]["mase"] != result.scores["network"]["mase"]
    assert result.statistical.startswith("mstl_ets on 2 of 6 series in ")
    assert f"on the same windows {told['network_on_the_same']['mase']:.4g}" in result.statistical


def test_an_unknown_version_is_said(project: Project) -> None:
    with pytest.raises(ConfigurationError, match="VERSION_UNKNOWN"):
        evaluate(project, PANEL, "0" * 64)
