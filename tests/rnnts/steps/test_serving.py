from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.database.migrate import ensure_schema
from rnnts.database.models import add_calibration
from rnnts.errors import IntegrityError
from rnnts.findings import Finding
from rnnts.learning.calibration import Calibration
from rnnts.panels.grid import Grid
from rnnts.project import Project, open_project
from rnnts.steps.results import Kind
from rnnts.steps.serving import Serving, serving_at
from tests.rnnts.steps.small_champion import LEVELS, MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, lay_out

DAY = timedelta(days=1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = lay_out(tmp_path, {}, more=MORE)
    ensure_schema(made.database)
    return made


@pytest.fixture
def repeater(monkeypatch: pytest.MonkeyPatch) -> Repeater:
    return Repeater(monkeypatch)


def served(
    project: Project, days: int, kind: Kind = "night"
) -> tuple[Serving | None, list[Finding]]:
    return serving_at(project, "loads", Grid("1h"), BEGIN + days * DAY, kind)


def refuse(code: str, *names: str) -> Any:  # noqa: ANN401 - put in place of load_network
    def load(_store: Store, manifest: dict[str, Any]) -> str:
        name = manifest["weights"]["name"]
        if name.removeprefix("weights/") in names:
            raise IntegrityError(code, got="other bytes", where=name, do="restore the store")
        return f"network {name}"

    return load


def calibrate(project: Project, version_id: str, days: int, factor: float) -> str:
    places = np.tile([0.5 - 0.4 * factor, 0.5, 0.5 + 0.4 * factor], (6, 1))
    fitted = replace(Calibration.identity(LEVELS, 6), steps=places)
    name = project.store.put_arrays(fitted.to_arrays(), "calibration")
    with project.database.writing() as connection:
        add_calibration(
            connection,
            calibration_id=f"c{days}",
            panel="loads",
            version_id=version_id,
            as_of=BEGIN + days * DAY,
            artefact=name,
            summary={},
        )
    return name


def test_without_a_promotion_nobody_serves(project: Project, repeater: Repeater) -> None:
    crown(project, BEGIN + 5 * DAY)
    serving, (finding,) = served(project, 4)
    assert serving is None
    assert (finding.code, finding.severity) == ("NO_CHAMPION", "info")
    assert repeater.loaded == []


@pytest.mark.usefixtures("repeater")
def test_the_champion_of_an_instant_serves_it_whoever_came_later(project: Project) -> None:
    first = crown(project, BEGIN + 5 * DAY, "v1")
    second = crown(project, BEGIN + 9 * DAY, "v2")
    for days, expected in ((5, first), (8, first), (9, second), (20, second)):
        serving, findings = served(project, days)
        assert serving is not None
        assert (serving.version.version_id, serving.method, findings) == (expected, "network", [])


@pytest.mark.usefixtures("repeater")
def test_a_hindcast_is_served_by_the_champion_of_today(project: Project) -> None:
    crown(project, BEGIN + 5 * DAY, "v1")
    newest = crown(project, BEGIN + 9 * DAY, "v2")
    serving, _ = served(project, 1, "hindcast")
    assert serving is not None
    assert serving.version.version_id == newest


@pytest.mark.parametrize("code", ["ARTEFACT_CORRUPT", "ARTEFACT_MISSING", "ARTEFACT_MISMATCH"])
def test_weights_that_cannot_be_used_give_way_to_the_champion_before(
    project: Project, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr("rnnts.learning.versions.load_network", refuse(code, "v2"))
    before = crown(project, BEGIN, "v1")
    crown(project, BEGIN + DAY, "v2")
    serving, (finding,) = served(project, 2)
    assert serving is not None
    assert (serving.method, serving.version.version_id) == ("network_previous", before)
    assert (finding.code, finding.severity) == (code, "error")


def test_where_no_weights_can_be_used_nobody_serves(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = refuse("ARTEFACT_MISSING", "v1", "v2")
    monkeypatch.setattr("rnnts.learning.versions.load_network", refusing)
    crown(project, BEGIN, "v1")
    crown(project, BEGIN + DAY, "v2")
    serving, findings = served(project, 2)
    assert serving is None
    assert [finding.code for finding in findings] == ["ARTEFACT_MISSING"] * 2


def test_an_unsafe_file_is_refused_aloud(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnts.learning.versions.load_network", refuse("ARTEFACT_UNSAFE", "v1"))
    crown(project, BEGIN, "v1")
    with pytest.raises(IntegrityError, match="ARTEFACT_UNSAFE"):
        served(project, 2)


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ("horizon = 6", "horizon = 7"),
        ("window = 48", "window = 72"),
        ("quantiles = [0.1", "quantiles = [0.2"),
    ],
)
def test_a_configuration_that_asks_for_more_than_the_network_gives(
    project: Project, repeater: Repeater, asked: str, changed: str
) -> None:
    crown(project, BEGIN)
    text = project.file.read_text()
    assert asked in text
    project.file.write_text(text.replace(asked, changed))
    serving, (finding,) = served(open_project(project.file), 2)
    assert serving is None
    assert finding.code == "MODEL_MISMATCH"
    assert asked.partition(" ")[0] in finding.evidence
    assert repeater.loaded == []


def test_another_frequency_is_a_mismatch_too(project: Project, repeater: Repeater) -> None:
    crown(project, BEGIN)
    serving, (finding,) = serving_at(project, "loads", Grid("30min"), BEGIN + DAY, "night")
    assert (serving, finding.code) == (None, "MODEL_MISMATCH")
    assert "frequency is 30min, was 1h" in finding.evidence
    assert repeater.loaded == []


@pytest.mark.usefixtures("repeater")
def test_fewer_quantiles_than_the_network_has_are_no_mismatch(project: Project) -> None:
    crown(project, BEGIN)
    text = project.file.read_text().replace("[0.1, 0.5, 0.9]", "[0.5, 0.9]")
    project.file.write_text(text)
    assert served(open_project(project.file), 2)[0] is not None


@pytest.mark.usefixtures("repeater")
def test_the_newest_calibration_known_at_the_instant_is_taken(project: Project) -> None:
    version = crown(project, BEGIN)
    other = crown(project, BEGIN - DAY, "other")
    for days, factor in ((1, 1.5), (3, 2.0), (5, 3.0)):
        calibrate(project, version, days, factor)
    calibrate(project, other, 4, 9.0)
    for days, expected in ((0, None), (1, "c1"), (4, "c3"), (6, "c5")):
        serving, _ = served(project, days)
        assert serving is not None
        assert serving.calibration_id == expected
        assert serving.calibration.is_identity == (expected is None)


@pytest.mark.usefixtures("repeater")
def test_a_damaged_calibration_leaves_the_networks_own_ranges(project: Project) -> None:
    name = calibrate(project, crown(project, BEGIN), 1, 2.0)
    (project.store.root / name).write_bytes(b"")
    serving, (finding,) = served(project, 2)
    assert serving is not None
    assert serving.calibration.is_identity
    assert (finding.code, finding.severity) == ("ARTEFACT_CORRUPT", "warning")


@pytest.mark.usefixtures("repeater")
def test_series_that_the_gate_took_away_are_known_with_their_season(project: Project) -> None:
    named = project.store.put_json({"a": "seasonal_naive_week"}, "safeguards")
    crown(project, BEGIN, numbers={"safeguards": {"series": 1, "artefact": named}})
    serving, _ = served(project, 2)
    assert serving is not None
    assert serving.baselines == {"a": 7}
