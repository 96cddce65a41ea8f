"""Windows are laid out once, by content, and too little history is said before any training."""

from pathlib import Path

import numpy as np
import pytest

from rnnts.errors import ConfigurationError, NoUsableDataError
from rnnts.steps.window import load_windows, window, windowset_of
from tests.rnnts.steps.trained_project import AS_OF, PANEL, add_snapshot, daily_rows, project_in


def test_a_window_set_says_how_it_splits(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    snapshot_id = add_snapshot(project, daily_rows())
    result = window(project, PANEL, snapshot_id, AS_OF)
    windows = load_windows(project, result.windows_id)
    windowset = windowset_of(project, windows)
    assert (result.window, result.horizon, result.gate_origins) == (48, 6, 8)
    assert result.training == windowset.counts().sum() > 0
    assert (windows.panel, windows.snapshot_id) == (PANEL, snapshot_id)
    assert (windows.network.units, windows.network.window) == (4, 48)
    assert windows.network.levels == (0.1, 0.5, 0.9)
    assert [season.name for season in windows.seasons] == ["day", "week"]
    assert windows.grid.frequency == "1h"


def test_the_same_snapshot_gives_the_same_windows(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    snapshot_id = add_snapshot(project, daily_rows())
    first = window(project, PANEL, snapshot_id, AS_OF)
    files = sorted(project.store.names("windows"))
    assert window(project, PANEL, snapshot_id, AS_OF) == first
    assert sorted(project.store.names("windows")) == files


def test_another_network_makes_other_windows(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    snapshot_id = add_snapshot(project, daily_rows())
    first = window(project, PANEL, snapshot_id, AS_OF)
    wider = project_in(tmp_path, model="window = 48, units = 5")
    assert window(wider, PANEL, snapshot_id, AS_OF).windows_id != first.windows_id


def test_a_window_longer_than_the_history_is_refused_with_one_that_fits(tmp_path: Path) -> None:
    project = project_in(tmp_path, model="window = 1000")
    snapshot_id = add_snapshot(project, daily_rows())
    with pytest.raises(ConfigurationError, match=r"history of 960 steps.*set model.window = 288"):
        window(project, PANEL, snapshot_id, AS_OF)


def test_a_history_too_short_to_hold_anything_out_says_what_it_needs(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    snapshot_id = add_snapshot(project, daily_rows(days=3)[:, -55:])
    with pytest.raises(NoUsableDataError, match=r"TOO_SHORT loads: expected a series of \d+ steps"):
        window(project, PANEL, snapshot_id, AS_OF)


@pytest.mark.parametrize("scale", ["window", "series"])
@pytest.mark.parametrize("steps", [1, 40, 48])
def test_a_history_that_the_default_window_does_not_fit_into_is_too_short(
    tmp_path: Path, steps: int, scale: str
) -> None:
    project = project_in(tmp_path, model=f'units = 4, scale = "{scale}"')
    snapshot_id = add_snapshot(project, daily_rows(days=2)[:, -steps:])
    with pytest.raises(NoUsableDataError) as caught:
        window(project, PANEL, snapshot_id, AS_OF)
    assert caught.value.code == "TOO_SHORT"
    assert caught.value.exit_code == 4
    assert "48 to read" in caught.value.expected
    assert caught.value.got == f"{steps} at most"


def test_no_value_of_a_held_out_part_is_a_target_of_training(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    result = window(project, PANEL, add_snapshot(project, daily_rows()), AS_OF)
    parts = windowset_of(project, load_windows(project, result.windows_id)).parts
    held_out = np.concatenate([parts.calibration_origins, parts.gate_origins])
    assert parts.training_until <= held_out.min()
    assert parts.calibration_until <= parts.gate_origins.min()
