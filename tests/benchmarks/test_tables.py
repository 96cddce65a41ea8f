"""What was measured, as tables: ours first, seeds together, peers of another run beside us."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnts.config import LEVELS
from rnnts.database.schema import QUANTILE_COLUMNS
from tests.benchmarks.accuracy import results, tables
from tests.benchmarks.accuracy.case import one_day
from tests.benchmarks.accuracy.data import _moved
from tests.benchmarks.accuracy.invented import KINDS
from tests.benchmarks.accuracy.parts import OURS
from tests.benchmarks.accuracy.project import published
from tests.benchmarks.accuracy.scores import scores

Json = dict[str, Any]


def result(method: str, seed: int) -> Json:
    """A result of random forecasts."""
    values = np.random.default_rng(0).normal(size=(4, 72))
    case = replace(one_day(values), origins=np.array([48]))
    quantiles = np.sort(np.random.default_rng(seed).normal(size=(4, 1, 24, len(LEVELS))), axis=3)
    told = {
        "minutes": 15.0, "seed": seed, "decision": "champion", "methods": {"network": 4},
        "training": {"steps": 7}, "retrain_seconds": 1.0, "night_seconds": 1.0,
        "seconds": 3.0, "settings": {"input_size": 168}, "versions": {"torch": "2"},
    }  # fmt: skip
    ratios = dict(zip(case.ids, [0.5, 0.9, 1.2, None], strict=True))
    network = {"network_share_by_series": dict.fromkeys(case.ids, 1.0)} if method == OURS else {}
    skills = dict.fromkeys(("skill_short", "skill_long", "skill_three_weeks"), 0.1)
    return {
        "method": method, "told": told, "against_naive_by_series": ratios,
        **scores(case, quantiles), **network, **skills,
    }  # fmt: skip


def part(title: str, *found: Json) -> Json:
    case = {"panel": "example", "series": 4, "windows": 1, "horizon": 24,
            "first_target": "2020-01-02", "season_of_mase": 24, "results": list(found)}  # fmt: skip
    return {"title": title, "cases": [case]}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "bench")


def test_nothing_that_has_not_run_is_printed() -> None:
    assert tables.everything() == ""


def test_errors_beside_the_last_value_stand_by_kind_of_weekly_series() -> None:
    ratios = {f"{kind}-{row}": 4.0**row for kind in KINDS for row in range(2)}
    row = result(OURS, 1) | {"against_naive_by_series": ratios}
    results.write("weekly", part("weeks", row), quick=False)
    assert "| rnnts | 2.000 | 2.000 | 2.000 | 2.000 |" in tables.everything()
    few = row | {"against_naive_by_series": {f"{KINDS[0]}-0": 0.5}}
    results.write("weekly", part("weeks", few), quick=True)
    assert "| rnnts | 0.500 |  |  |  |" in tables.everything(quick=True)


def test_peers_stand_beside_us_and_seeds_are_one_row_with_their_spread() -> None:
    ours = [result(OURS, 1), result("seasonal naive (24)", 9), result(OURS, 2)]
    results.write("m4", part("M4", *ours), quick=False)
    results.write("m4-peers", part("M4", result("neuralforecast LSTM", 3)), quick=False)
    lines = tables.everything().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [
        "method", "---", "**rnnts, 15 minutes, mean of 2 seeds**", "seasonal naive (24)",
        "neuralforecast LSTM",
    ]  # fmt: skip
    low, high = sorted(one["mase"] for one in ours if one["method"] == OURS)
    assert f"{(low + high) / 2:.3f} ({low:.3f} to {high:.3f})" in rows[2]
    assert len({row.count("|") for row in rows}) == 1
    assert any("torch 2" in line for line in lines)


@pytest.mark.parametrize("name", ["m4", "ett", "nab", "small", "flights"])
def test_every_part_with_cases_has_its_tables(name: str) -> None:
    results.write(name, part("A part", result(OURS, 1)), quick=False)
    printed = tables.everything()
    assert "### A part" in printed
    assert tables.GOALS[name] in printed


def test_series_that_lose_to_the_naive_method_are_counted() -> None:
    naive = [result(f"seasonal naive ({steps})", 3) | {"together": "naive"} for steps in (24, 288)]
    head, rows = tables.over_series([[result(OURS, 1), naive[0]], [result("peer", 2), naive[1]]])
    assert [row[0] for row in rows] == [OURS, "naive", "peer"]
    assert rows[0][2:] == ["2 of 3 (67%)", "1.20", "1.20 (1 of 3 above 1.1)"]
    assert rows[1][2] == "4 of 6 (67%)"
    assert rows[2][-1] == ""
    assert len(head) == len(rows[0])


def test_a_quick_run_says_that_its_figures_say_nothing_and_replaces_no_real_one() -> None:
    results.write("m4", part("M4", result(OURS, 1)), quick=True)
    assert results.read("m4") is None
    assert tables.everything() == ""
    assert "its figures say nothing" in tables.everything(quick=True)


def test_what_is_not_a_number_is_kept_as_null() -> None:
    results.write("m4", {"mase": float("nan"), "rows": [(1.0, np.inf)]}, quick=False)
    found = results.read("m4")
    assert found is not None
    assert found["mase"] is None
    assert found["rows"] == [[1.0, None]]


def test_forecasts_are_read_by_their_instants_and_what_is_not_there_is_nan(tmp_path: Path) -> None:
    case = replace(one_day(np.zeros((2, 72))), origins=np.array([24, 48]))
    rows = [
        ("example", "1", f"{label}+00:00".replace("T", " "), "network", *np.arange(13.0) + lead)
        for lead, label in enumerate(case.labels[48:72])
    ]
    names = ", ".join(("panel", "series_id", "target_time", "method", *QUANTILE_COLUMNS))
    with sqlite3.connect(tmp_path / "bench.db") as connection:
        connection.execute(f"CREATE TABLE rnnts_latest_forecast ({names})")
        marks = ", ".join("?" * 17)
        connection.executemany(f"INSERT INTO rnnts_latest_forecast VALUES ({marks})", rows[::-1])  # noqa: S608 - marks
    connection.close()
    quantiles, methods = published(case, tmp_path / "bench.db", 1)
    assert methods == ["none", "network"]
    assert np.isnan(quantiles[0]).all()
    assert quantiles[1, :, 0].tolist() == list(range(24))
    earlier, _ = published(case, tmp_path / "bench.db", 0)
    assert np.isnan(earlier).all()


def test_a_metric_is_moved_by_whole_days_and_loses_only_its_last_part_day() -> None:
    stamps = pd.date_range("2014-02-14 14:32", periods=600, freq="5min")
    rows = pd.DataFrame({"at": stamps, "value": np.arange(600.0)})
    moved = _moved(rows, "5min")
    assert moved["at"].iloc[-1] == pd.Timestamp("2015-08-31 23:55")
    clocks = [at.strftime("%H:%M") for at in moved["at"].iloc[:2]]
    assert clocks == ["14:30", "14:35"]
    assert len(rows) - len(moved) < 288
