from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.catalogue import series_keys
from rnnts.database.scores import ScoreRows, scores_of
from rnnts.learning.metrics import pinball
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.results import ScoreResult
from rnnts.steps.score import score
from rnnts.steps.staged import Staged, blocks_of
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

NIGHT = BEGIN + timedelta(hours=600)
SERIES = {"a": wave(640, 24), "b": wave(640, 24, seed=1)}
TINY = np.concatenate([np.full(590, np.nan), wave(50, 24, seed=2)])


def night(project: Project, at: datetime) -> str:
    """Publish one issue; its staged id."""
    snapshot = ingest(project, "loads", at).snapshot_id
    staged_id = forecast(project, "loads", snapshot, at).staged_id
    publish(project, "loads", staged_id, at)
    return staged_id


def scored(project: Project, at: datetime) -> ScoreResult:
    return score(project, "loads", ingest(project, "loads", at).snapshot_id, at)


def rows(project: Project, *, by_step: bool = False) -> ScoreRows:
    with project.database.reading() as connection:
        return scores_of(connection, "loads", by_step=by_step)


def quantiles(project: Project, staged_id: str) -> dict[str, FloatArray]:
    staged = Staged.load(project.store, staged_id)
    (block,) = blocks_of(project.store, staged)
    return dict(zip(block.series, block.quantiles, strict=True))


def test_scores_are_the_sums_of_a_double_loop(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {**SERIES, "tiny": TINY})
    found = quantiles(project, night(project, NIGHT))
    result = scored(project, NIGHT + timedelta(hours=6))
    assert (result.publications, result.n) == (1, 18)
    with project.database.reading() as connection:
        keys = series_keys(connection, "loads")
    table = rows(project)
    truth = {**SERIES, "tiny": TINY}
    for name, forecast_ in found.items():
        actual = truth[name][600:606]
        at = int(np.flatnonzero(table.series == keys[name])[0])
        levels = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
        assert table.n[at] == 6
        assert table.absolute_error[at] == pytest.approx(np.abs(actual - forecast_[:, 6]).sum())
        inside = (forecast_[:, 2] <= actual) & (actual <= forecast_[:, 10])
        assert table.covered_80[at] == inside.sum()
        assert table.pinball[at] == pytest.approx(pinball(actual, forecast_, levels).sum() / 13)


def test_the_naive_is_yesterday_as_it_was_known_when_the_night_was_issued(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES)
    night(project, NIGHT)
    # Yesterday is revised after the night was issued: its naive forecast was made from what stood.
    change(project, "UPDATE readings SET value = 0 WHERE at < ?", NIGHT.isoformat())
    scored(project, NIGHT + timedelta(hours=6))
    table = rows(project)
    expected = [np.abs(SERIES[name][600:606] - SERIES[name][576:582]).sum() for name in "ab"]
    assert table.naive_absolute_error.tolist() == pytest.approx(expected)


def test_scores_by_step_add_up_to_those_by_series(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {**SERIES, "tiny": TINY})
    night(project, NIGHT)
    scored(project, NIGHT + timedelta(hours=6))
    series, steps = rows(project), rows(project, by_step=True)
    assert sorted(set(steps.step.tolist())) == [1, 2, 3, 4, 5, 6]
    for method in set(series.method.tolist()):
        mine, theirs = series.method == method, steps.method == method
        for name in ("n", "absolute_error", "naive_absolute_error", "pinball", "covered_95"):
            total = getattr(series, name)[mine].sum()
            assert getattr(steps, name)[theirs].sum() == pytest.approx(total), name


def test_truth_is_counted_as_it_comes_in_until_all_is_known(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES)
    night(project, NIGHT)
    assert scored(project, NIGHT + timedelta(minutes=30)).publications == 0
    assert scored(project, NIGHT + timedelta(hours=2)).n == 4
    assert scored(project, NIGHT + timedelta(hours=5, minutes=59)).n == 10
    assert scored(project, NIGHT + timedelta(hours=6)).n == 12
    assert scored(project, NIGHT + timedelta(hours=7)).publications == 0
    assert rows(project).n.tolist() == [6, 6]


def test_an_older_instant_takes_nothing_back(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES)
    night(project, NIGHT)
    scored(project, NIGHT + timedelta(hours=4))
    assert scored(project, NIGHT + timedelta(hours=2)).publications == 0
    assert rows(project).n.tolist() == [4, 4]


def test_a_repeated_run_writes_the_same(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES)
    night(project, NIGHT)
    first = scored(project, NIGHT + timedelta(hours=4))
    before = rows(project)
    assert scored(project, NIGHT + timedelta(hours=4)) == first
    assert (rows(project).absolute_error == before.absolute_error).all()


def test_seasonal_naive_against_itself_has_no_skill(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES)
    night(project, NIGHT)
    assert scored(project, NIGHT + timedelta(hours=6)).skill == pytest.approx(0.0)


def test_where_no_seasonal_naive_can_be_made_its_error_is_the_forecasts_own(
    tmp_path: Path,
) -> None:
    project = lay_out(tmp_path, {**SERIES, "tiny": TINY})  # ten hours old that night
    night(project, NIGHT)
    scored(project, NIGHT + timedelta(hours=6))
    with project.database.reading() as connection:
        keys = series_keys(connection, "loads")
    table = rows(project)
    of_tiny = table.series == keys["tiny"]
    assert table.method[of_tiny].tolist() == ["last_value"]
    assert table.naive_absolute_error[of_tiny] == table.absolute_error[of_tiny]


def test_without_the_levels_there_is_no_coverage(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES, more="quantiles = [0.3, 0.5, 0.9]")
    night(project, NIGHT)
    scored(project, NIGHT + timedelta(hours=6))
    table = rows(project)
    assert np.isnan(table.covered_80).all()
    assert np.isfinite(table.pinball).all()


def test_before_anything_is_published_there_is_nothing_to_score(tmp_path: Path) -> None:
    project = lay_out(tmp_path, SERIES)
    result = scored(project, NIGHT)
    assert (result.publications, result.n, result.skill) == (0, 0, None)
