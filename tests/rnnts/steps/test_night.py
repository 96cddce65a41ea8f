"""The steps of a night, one after another, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest

from rnnts.database.engine import Database
from rnnts.database.invariants import check_invariants
from rnnts.database.issues import live
from rnnts.database.scores import scores_of
from rnnts.steps.calibrate import calibrate
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.notify import notify
from rnnts.steps.publish import publish
from rnnts.steps.score import score
from rnnts.steps.tidy import tidy
from tests.rnnts.steps.ground import PANEL, Ground, hour, readings
from tests.rnnts.steps.small_champion import CONFIG, Repeater, crown
from tests.rnnts.steps.small_project import wave

MORE = (
    'frequency = "1h"\nminimum = 0\nquantiles = [0.1, 0.5, 0.9]\n'
    f"model = {{ window = {CONFIG.window} }}"
)
NIGHTS = (400, 424, 448)


def test_three_nights_from_the_table_to_the_scores(
    tmp_path: Path, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    ground = Ground(tmp_path, empty_database, panel=MORE)
    ground.create("feeder TEXT, at TEXT, load DOUBLE PRECISION")
    for seed, name in enumerate(("a", "é/🙂", "'; DROP")):
        ground.insert(readings(wave(480, 24, seed).tolist(), name))
    project = ground.project
    newest = None
    for place, night in enumerate(NIGHTS):
        at = hour(night)
        snapshot = ingest(project, PANEL, at).snapshot_id
        if place == 0:
            crown(project, at - timedelta(hours=1))
        scored = score(project, PANEL, snapshot, at)
        assert scored.n == (18 if place else 0)
        calibrated = calibrate(project, PANEL, snapshot, at)
        assert calibrated.residuals == place * 18
        staged = forecast(project, PANEL, snapshot, at)
        assert staged.methods == {"network": 3}
        newest = calibrated.calibration_id
        published = publish(project, PANEL, staged.staged_id, at)
        assert (published.status, published.rows, published.exit_code) == ("live", 18, 0)
        assert notify(project, PANEL).sent == 1
    with project.database.reading() as connection:
        row = live(connection, PANEL)
        table = scores_of(connection, PANEL)
    assert row is not None
    assert row.issued_at == hour(NIGHTS[-1])
    assert row.calibration_id == newest
    assert sorted(set(table.method.tolist())) == ["network", "seasonal_naive"]
    assert table.n.tolist() == [6] * 12
    assert tidy(project, nights=2).rows == 18
    assert check_invariants(project.database) == ()
    project.database.close()
