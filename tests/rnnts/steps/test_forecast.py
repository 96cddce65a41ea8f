import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.database.catalogue import known_series
from rnnts.database.findings import findings_of
from rnnts.errors import IntegrityError, NoUsableDataError
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.results import StagedResult
from rnnts.steps.staged import Block, Staged, blocks_of
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

HOURS = 1_000
NIGHT = BEGIN + timedelta(hours=HOURS)
NAN = np.nan


def with_gap(first: int, last: int) -> FloatArray:
    values = wave(HOURS, 24, seed=3)
    values[first:last] = NAN
    return values


def staged_at(
    project: Project, at: datetime, snapshot: str | None = None
) -> tuple[StagedResult, Staged, dict[str, tuple[FloatArray, str, str]]]:
    snapshot = snapshot or ingest(project, "loads", at).snapshot_id
    result = forecast(project, "loads", snapshot, at)
    staged = Staged.load(project.store, result.staged_id)
    found = {
        name: (block.quantiles[row], str(block.method[row]), str(block.quality[row]))
        for block in blocks_of(project.store, staged)
        for row, name in enumerate(block.series)
    }
    return result, staged, found


def codes(project: Project) -> set[tuple[str, str]]:
    with project.database.reading() as connection:
        return {(row.code, row.series_id) for row in findings_of(connection, "loads")}


@pytest.fixture
def mixed(tmp_path: Path) -> Project:
    """Five series whose histories allow less and less."""
    return lay_out(
        tmp_path,
        {
            "good": wave(HOURS, 24),
            "short": with_gap(0, HOURS - 40),
            "tiny": with_gap(0, HOURS - 9),
            "stale": with_gap(HOURS - 60, HOURS),
            "constant": np.full(HOURS, 7.0),
        },
        more='max_stale = "48h"',
    )


def test_without_a_champion_every_series_gets_the_best_plain_rung(mixed: Project) -> None:
    result, staged, found = staged_at(mixed, NIGHT)
    assert {name: each[1:] for name, each in found.items()} == {
        "good": ("seasonal_naive", "fallback"),
        "short": ("seasonal_naive", "cold"),
        "tiny": ("last_value", "cold"),
        "stale": ("seasonal_naive", "fallback"),
        "constant": ("seasonal_naive", "fallback"),
    }
    assert (result.series, result.skipped, result.degraded) == (5, 0, True)
    assert result.methods == {"last_value": 1, "seasonal_naive": 4}
    assert (staged.version_id, staged.calibration_id) == (None, None)
    assert codes(mixed) == {
        ("NO_CHAMPION", ""),
        ("TOO_SHORT", "short"),
        ("TOO_SHORT", "tiny"),
        ("SERIES_STALE", "stale"),
        ("CONSTANT", "constant"),
    }


def test_every_rung_fills_every_level_without_crossing(mixed: Project) -> None:
    _, staged, found = staged_at(mixed, NIGHT)
    assert staged.levels == LEVELS
    for quantiles, _, _ in found.values():
        assert quantiles.shape == (6, len(LEVELS))
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (found["constant"][0] == 7.0).all()


def test_targets_begin_with_the_first_step_that_has_not_ended(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24)})
    _, staged, _ = staged_at(project, NIGHT - timedelta(hours=3) + timedelta(minutes=17))
    first = datetime.fromtimestamp(staged.targets[0], UTC)
    assert first == NIGHT - timedelta(hours=3)
    assert np.diff(staged.targets).tolist() == [3600] * 5


def test_the_same_inputs_give_the_same_id(mixed: Project) -> None:
    snapshot = ingest(mixed, "loads", NIGHT).snapshot_id
    first = forecast(mixed, "loads", snapshot, NIGHT)
    assert forecast(mixed, "loads", snapshot, NIGHT).staged_id == first.staged_id
    assert forecast(mixed, "loads", snapshot, NIGHT, kind="backfill").staged_id == first.staged_id


def test_without_a_network_tensorflow_is_not_imported(tmp_path: Path) -> None:
    import subprocess

    project = lay_out(tmp_path, {"a": wave(HOURS, 24)})
    snapshot = ingest(project, "loads", NIGHT).snapshot_id
    program = (
        "import sys; from datetime import datetime; from rnnts.project import open_project; "
        "from rnnts.steps.forecast import forecast; "
        f"forecast(open_project({str(project.file)!r}), 'loads', {snapshot!r}, "
        f"datetime.fromisoformat({NIGHT.isoformat()!r})); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("frequency", "step", "past"),
    [
        ("1h", timedelta(hours=1), timedelta(minutes=37)),
        ("1D", timedelta(days=1), timedelta(0)),
        ("1D", timedelta(days=1), timedelta(hours=9)),
    ],
)
def test_changing_what_was_not_visible_changes_no_bit(
    tmp_path: Path, frequency: str, step: timedelta, past: timedelta
) -> None:
    values = {"a": wave(400, 7), "b": wave(400, 7, seed=1)}
    more = 'timezone = "America/New_York"'
    under_way = BEGIN + 300 * step
    at = under_way + past
    quiet = lay_out(tmp_path / "quiet", values, frequency=frequency, more=more)
    loud = lay_out(tmp_path / "loud", values, frequency=frequency, more=more)
    begun = under_way.isoformat()
    change(loud, "UPDATE readings SET value = value * 1000 WHERE at >= ? AND site = 'a'", begun)
    change(loud, "DELETE FROM readings WHERE at >= ? AND site = 'b'", begun)
    change(loud, "INSERT INTO readings VALUES ('c', ?, 1)", begun)
    first, _, before = staged_at(quiet, at)
    second, _, after = staged_at(loud, at)
    assert first.staged_id == second.staged_id
    assert all((before[name][0] == after[name][0]).all() for name in before)


def test_what_was_visible_does_change_it(tmp_path: Path) -> None:
    values = {"a": wave(400, 24)}
    at = BEGIN + timedelta(hours=300, minutes=37)
    quiet, loud = lay_out(tmp_path / "quiet", values), lay_out(tmp_path / "loud", values)
    ended = (BEGIN + timedelta(hours=299)).isoformat()
    change(loud, "UPDATE readings SET value = value + 1 WHERE at = ?", ended)
    assert staged_at(quiet, at)[0].staged_id != staged_at(loud, at)[0].staged_id


def test_a_replay_after_later_rows_changed_gives_the_same_forecast(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(400, 24), "b": wave(400, 24, seed=1)})
    at = BEGIN + timedelta(hours=300)
    first = staged_at(project, at)[0]
    staged_at(project, at + timedelta(hours=50))
    change(project, "UPDATE readings SET value = 0 WHERE at >= ?", at.isoformat())
    change(project, "INSERT INTO readings VALUES ('new', ?, 1)", at.isoformat())
    ingest(project, "loads", at + timedelta(hours=60))
    assert staged_at(project, at)[0].staged_id == first.staged_id


def test_minimum_and_maximum_hold_for_every_quantile(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24)}, more="minimum = 12\nmaximum = 26")
    quantiles = staged_at(project, NIGHT)[2]["a"][0]
    assert quantiles.min() >= 12
    assert quantiles.max() <= 26


def test_only_the_levels_asked_for_are_given(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24)}, more="quantiles = [0.1, 0.5, 0.9]")
    _, staged, found = staged_at(project, NIGHT)
    assert staged.levels == (0.1, 0.5, 0.9)
    assert found["a"][0].shape == (6, 3)


def test_a_series_whose_rows_are_gone_is_named_then_retired(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24), "b": wave(HOURS, 24, seed=1)})
    staged_at(project, NIGHT - timedelta(days=40))
    change(project, "DELETE FROM readings WHERE site = 'b'")
    result, staged, found = staged_at(project, NIGHT - timedelta(days=1))
    assert (result.skipped, staged.skipped, set(found)) == (1, ("b",), {"a"})
    assert ("NO_ROWS", "b") in codes(project)
    with project.database.reading() as connection:
        retired = {row.series_id: row.retired_at for row in known_series(connection, "loads")}
    assert retired == {"a": None, "b": NIGHT - timedelta(days=1)}
    staged_at(project, NIGHT)
    assert ("SERIES_RETIRED", "b") in codes(project)


def test_a_series_that_fell_silent_is_stale_then_retired(tmp_path: Path) -> None:
    series = {"a": wave(HOURS, 24), "b": with_gap(500, HOURS)}
    project = lay_out(tmp_path, series, more='max_stale = "48h"')
    methods = []
    for hours in (505, 520, 560, 600, 900):
        found = staged_at(project, BEGIN + timedelta(hours=hours))[2]
        methods.append(found["b"][1:] if "b" in found else None)
    assert methods[2:] == [("seasonal_naive", "fallback")] * 2 + [None]
    assert ("SERIES_RETIRED", "b") in codes(project)


def test_a_new_series_without_history_gets_a_forecast_and_no_blame(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24), "b": with_gap(0, 990)})
    staged_at(project, BEGIN + timedelta(hours=900))
    found = staged_at(project, NIGHT)[2]
    assert found["b"][1:] == ("last_value", "cold")
    assert ("TOO_SHORT", "b") not in codes(project)
    assert ("SERIES_NEW", "b") in codes(project)


def test_a_series_that_came_later_is_new_for_a_window_and_no_longer(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24), "b": with_gap(0, 600)})
    change(project, "UPDATE readings SET value = NULL WHERE site = 'b'")
    staged_at(project, BEGIN + timedelta(hours=500))
    found = staged_at(project, BEGIN + timedelta(hours=700))[2]
    assert found["b"][1:] == ("profile", "cold")
    result, staged, _ = staged_at(project, NIGHT)
    assert (staged.skipped, result.degraded) == (("b",), True)
    assert ("ALL_MISSING", "b") in codes(project)


def test_a_series_of_which_nothing_is_usable_is_skipped_with_a_reason(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(HOURS, 24), "b": np.full(HOURS, 1.0)})
    change(project, "UPDATE readings SET value = NULL WHERE site = 'b'")
    result, staged, _ = staged_at(project, NIGHT)
    assert (result.skipped, staged.skipped) == (1, ("b",))
    assert ("ALL_MISSING", "b") in codes(project)
    assert result.degraded


def test_where_nothing_can_be_forecast_it_says_so(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {"a": wave(50, 24)})
    snapshot = ingest(project, "loads", NIGHT).snapshot_id
    with pytest.raises(NoUsableDataError, match="NOTHING_TO_FORECAST"):
        forecast(project, "loads", snapshot, NIGHT + timedelta(days=400))
    assert ("ALL_MISSING", "a") in codes(project)


def test_a_corrupt_chunk_is_refused(mixed: Project) -> None:
    result, staged, _ = staged_at(mixed, NIGHT)
    path = mixed.store.root / staged.chunks[0].name
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="ARTEFACT_CORRUPT"):
        list(blocks_of(mixed.store, Staged.load(mixed.store, result.staged_id)))


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -100.0])
def test_a_block_that_crosses_or_is_not_finite_cannot_be(spoilt: float) -> None:
    quantiles = np.array([[[1.0, 2.0, spoilt]]])
    with pytest.raises(ValueError, match="finite and do not cross"):
        Block(
            ("a",), quantiles, quantiles, np.array(["network"]), np.array(["fresh"]),
            np.zeros(1, np.int64),
        )  # fmt: skip


@pytest.mark.parametrize("failpoint", ["forecast.chunk_half", "forecast.chunk_done"])
def test_killed_at_a_chunk_and_run_again_it_ends_where_it_would_have(
    mixed: Project, monkeypatch: pytest.MonkeyPatch, failpoint: str
) -> None:
    def die(name: str) -> None:
        if name == failpoint:
            raise KeyboardInterrupt

    snapshot = ingest(mixed, "loads", NIGHT).snapshot_id
    with monkeypatch.context() as patched:
        patched.setattr("rnnts.steps.staged.hit", die)
        with pytest.raises(KeyboardInterrupt):
            forecast(mixed, "loads", snapshot, NIGHT)
    assert list(mixed.store.names("staged")) == []
    again = forecast(mixed, "loads", snapshot, NIGHT)
    assert list(mixed.store.names("staged")) == [
        f"staged/{again.staged_id[:2]}/{again.staged_id}.json"
    ]
    assert len(list(mixed.store.names("forecast"))) == 2


def test_the_ledger_names_what_was_staged(mixed: Project) -> None:
    result, _, _ = staged_at(mixed, NIGHT)
    with sqlite3.connect(mixed.root / "rnnts.db") as connection:
        rows = connection.execute(
            "SELECT status, result FROM rnnts_run WHERE step = 'forecast'"
        ).fetchall()
    connection.close()
    assert [row[0] for row in rows] == ["done"]
    assert result.staged_id in rows[0][1]
