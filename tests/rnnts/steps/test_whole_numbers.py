"""`integer = true`: every quantile that a reader or the gate sees is a whole number."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.learning.bounds import Bounds
from rnnts.learning.calibration import Calibration
from rnnts.learning.rolling import HeldOut
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import seasons_of
from rnnts.project import Project
from rnnts.steps.check import Report, check
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.windows.windowset import WindowSet
from tests.rnnts.steps.small_champion import LEVELS, MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

HOURS = 400
NIGHT = BEGIN + timedelta(hours=HOURS)
NAN = np.nan


def cut(first: int, last: int, seed: int) -> FloatArray:
    values = wave(HOURS, 24, seed)
    values[first:last] = NAN
    return values


def laid_out(folder: Path, more: str) -> Project:
    """Fractions on the rungs of network, seasonal_naive, last_value; and a constant one."""
    series = {
        "network": wave(HOURS, 24, 1),
        "stale": cut(330, HOURS, 2),
        "tiny": cut(0, HOURS - 5, 3),
        "young": cut(0, HOURS - 30, 4),
        "constant": np.full(HOURS, 17.4),
    }
    return lay_out(folder, series, more=f"{more}\nmax_stale = '48h'\n{MORE}")


def published(project: Project) -> dict[str, FloatArray]:
    """The live quantiles by method, [rows, quantiles]."""
    ingest(project, "loads", NIGHT - timedelta(hours=1))
    crown(project, BEGIN)
    staged = forecast(project, "loads", ingest(project, "loads", NIGHT).snapshot_id, NIGHT)
    assert publish(project, "loads", staged.staged_id, NIGHT).status == "live"
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        rows = connection.execute(
            "SELECT method, q10, q50, q90, point FROM rnnts_latest_forecast"
        ).fetchall()
    connection.close()
    found: dict[str, list[list[float]]] = {}
    for method, *quantiles in rows:
        found.setdefault(method, []).append(quantiles)
    return {method: np.array(values) for method, values in found.items()}


def test_every_published_quantile_is_whole_and_inside_the_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    found = published(laid_out(tmp_path, "integer = true\nminimum = 5.5\nmaximum = 31.5"))
    assert set(found) == {"network", "seasonal_naive", "last_value", "baseline"}
    for quantiles in found.values():
        assert (quantiles == np.rint(quantiles)).all()
        assert (np.diff(quantiles[:, :3], axis=1) >= 0).all()
        assert (quantiles[:, 1] == quantiles[:, 3]).all()
        assert quantiles.min() >= 6
        assert quantiles.max() <= 31
    assert (found["baseline"] == 17).all()


def test_nobody_who_does_not_ask_gets_whole_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    for quantiles in published(laid_out(tmp_path, "")).values():
        assert (quantiles != np.rint(quantiles)).mean() > 0.9


def test_the_gate_scores_what_would_be_published() -> None:
    values = np.stack([wave(1_000, 24, seed) for seed in range(3)])
    infos = tuple(SeriesInfo(f"s{row}", (), 0, 999) for row in range(3))
    panel = Panel("loads", Grid("1h"), infos, 0, values, 999)
    seasons = seasons_of("1h", 1_000)
    windowset = WindowSet.of(panel, window=48, horizon=6, seasons=seasons)
    held_out = HeldOut(panel, windowset, Bounds(0.0, integer=True))
    raw = np.sort(np.random.default_rng(0).normal(3, 2, (3, 6, 3)), axis=2)
    served = held_out.served(lambda _origin: raw, Calibration.identity(LEVELS, 6))
    naive = held_out.seasonal_naive(seasons[0], LEVELS)
    origin = int(windowset.parts.gate_origins[0])
    for forecast_at in (served, naive):
        quantiles = forecast_at(origin)
        assert (quantiles == np.rint(quantiles)).all()
    assert served(origin) == pytest.approx(np.maximum(raw, 0), abs=0.5)


def findings(report: Report) -> dict[str, str]:
    return {finding.code: finding.evidence for finding in report.findings}


def test_check_says_so_and_doubts_it_where_there_are_fractions(tmp_path: Path) -> None:
    counts = {"a": np.rint(wave(HOURS, 24))}
    whole = check(lay_out(tmp_path / "a", counts, more="integer = true"), "loads", NIGHT)
    assert ("yes", "rnnts.toml") in {
        (each.value, each.origin) for each in whole.settings if each.name == "integer"
    }
    assert "NOT_WHOLE" not in findings(whole)
    counts["a"][:40] += 0.5
    some = check(lay_out(tmp_path / "b", counts, more="integer = true"), "loads", NIGHT)
    assert "10 % of the observations" in findings(some)["NOT_WHOLE"]
    unasked = check(lay_out(tmp_path / "c", counts), "loads", NIGHT)
    assert "NOT_WHOLE" not in findings(unasked)
