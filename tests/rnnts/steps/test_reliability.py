from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.reliability import _reliability, reliability
from tests.rnnts.steps.small_champion import MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

NORMAL = np.array(
    [-1.96, -1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645, 1.96]
)


def test_fair_ranges_hold_what_they_promise_at_every_level() -> None:
    actual = np.random.default_rng(0).normal(0, 1, (4_000, 6))
    found = _reliability("p", 1, np.tile(NORMAL, (4_000, 6, 1)), actual)
    assert found.reached == pytest.approx(np.array(LEVELS), abs=0.01)
    assert found.places == pytest.approx(np.full(10, 0.1), abs=0.02)
    assert found.coverage[0.8] == pytest.approx(np.full(6, 0.8), abs=0.02)
    assert found.truths == 24_000


def test_narrow_ranges_show() -> None:
    actual = np.random.default_rng(0).normal(0, 2, (4_000, 6))
    found = _reliability("p", 1, np.tile(NORMAL, (4_000, 6, 1)), actual)
    assert found.coverage[0.8] == pytest.approx(np.full(6, 0.48), abs=0.03)
    assert found.places[0] > 0.2


def test_nights_are_held_against_the_newest_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    project = lay_out(tmp_path, {"a": wave(800, 24), "b": wave(800, 24, 1)}, more=MORE)
    ingest(project, "loads", BEGIN + timedelta(hours=400))
    crown(project, BEGIN + timedelta(hours=400))
    assert reliability(project, "loads", None).truths == 0
    for hours in (500, 506):
        at = BEGIN + timedelta(hours=hours)
        staged = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at)
        publish(project, "loads", staged.staged_id, at)
    ingest(project, "loads", BEGIN + timedelta(hours=509))
    found = reliability(project, "loads", None)
    assert (found.nights, found.truths) == (2, 2 * (6 + 3))
    assert found.levels == (0.1, 0.5, 0.9)
    first = reliability(project, "loads", BEGIN + timedelta(hours=500))
    assert (first.nights, first.truths) == (1, 2 * 6)
