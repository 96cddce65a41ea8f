"""Observations and forecasts as frames that utilsforecast takes as they are."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.engine import Database
from rnnts.database.forecasts import ForecastRows
from rnnts.database.leases import hold
from rnnts.database.migrate import ensure_schema
from rnnts.database.publications import Manifest, flip, stage
from rnnts.errors import ConfigurationError
from rnnts.project import Project
from rnnts.steps.frames import forecasts, observations
from tests.rnnts.steps.ground import PANEL, START, Ground

HORIZON = 6
AS_OF = START + timedelta(hours=48)
ZONE = 'frequency = "1h"\ntimezone = "Europe/Berlin"'


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Two feeders of 54 hours, one with a gap; the snapshot sees 48."""
    found = Ground(tmp_path, Database(f"sqlite:///{tmp_path / 'rnnts.db'}"), panel=ZONE)
    found.create()
    found.insert(
        [
            {"feeder": feeder, "at": f"{START + timedelta(hours=hour)}", "load": hour + 1.0}
            for feeder in ("a", "b")
            for hour in range(54)
            if (feeder, hour) != ("b", 5)
        ]
    )
    return found


def publish(project: Project, issued_at: datetime) -> None:
    """A forecast of both feeders, whose point is the hour's number plus 1."""
    database = project.database
    with database.reading() as connection:
        keys = series_keys(connection, PANEL)
    step = np.tile(np.arange(1, HORIZON + 1), 2)
    first = int((issued_at - START).total_seconds()) // 3_600
    rows = ForecastRows(
        np.repeat(np.array([keys["a"], keys["b"]], np.int64), HORIZON),
        step,
        int(issued_at.timestamp()) + 3_600 * (step - 1),
        (first + step + 1.0)[:, None] + np.array(LEVELS) - 0.5,
        np.full(2 * HORIZON, "network"),
        np.full(2 * HORIZON, "fresh"),
    )
    manifest = Manifest(
        PANEL, issued_at, "night", "5" * 64, "6" * 64, None, None, HORIZON, 2, 0, degraded=False
    )
    with hold(database, PANEL, "night") as lease:
        flip(database, lease, stage(database, lease, manifest, iter([rows])).id)


def test_observations_are_long_and_leave_out_what_is_missing(ground: Ground) -> None:
    ground.ingest(AS_OF)
    frame = observations(ground.project, PANEL)
    assert list(frame.columns) == ["unique_id", "ds", "y"]
    assert frame.groupby("unique_id").size().to_dict() == {"a": 48, "b": 47}
    first = frame.iloc[0]
    assert (first.unique_id, first.y) == ("a", 1.0)
    assert first.ds == pd.Timestamp("2024-01-01 01:00", tz="Europe/Berlin")
    assert all(each.is_monotonic_increasing for _, each in frame.groupby("unique_id").ds)


def test_observations_are_those_of_the_snapshot_of_the_instant(ground: Ground) -> None:
    ground.ingest(AS_OF - timedelta(hours=24))
    ground.ingest(AS_OF)
    project = ground.project
    assert len(observations(project, PANEL, AS_OF - timedelta(hours=1))) == 2 * 24 - 1
    assert len(observations(project, PANEL)) == 2 * 48 - 1
    with pytest.raises(ConfigurationError, match="no snapshot up to"):
        observations(project, PANEL, START)


def test_forecasts_have_a_point_and_the_panels_intervals(ground: Ground) -> None:
    ground.configure(panel=ZONE + "\nquantiles = [0.025, 0.1, 0.5, 0.9, 0.95, 0.975]")
    ground.ingest(AS_OF)
    publish(ground.project, AS_OF)
    frame = forecasts(ground.project, PANEL)
    assert list(frame.columns) == [
        "unique_id", "ds", "rnnts", "rnnts-lo-95", "rnnts-hi-95", "rnnts-lo-80", "rnnts-hi-80",
    ]  # fmt: skip
    assert len(frame) == 2 * HORIZON
    assert frame.rnnts.tolist()[:HORIZON] == [50, 51, 52, 53, 54, 55]
    assert np.allclose(frame["rnnts-hi-80"] - frame["rnnts-lo-80"], 0.8)
    assert frame.ds[0] == pd.Timestamp(AS_OF)


def test_an_older_issue_is_found_by_its_instant(ground: Ground) -> None:
    ground.ingest(AS_OF)
    for issued_at in (AS_OF, AS_OF + timedelta(hours=1)):
        publish(ground.project, issued_at)
    assert forecasts(ground.project, PANEL, AS_OF).ds.min() == pd.Timestamp(AS_OF)
    assert forecasts(ground.project, PANEL).ds.min() == pd.Timestamp(AS_OF + timedelta(hours=1))
    with pytest.raises(ConfigurationError, match="nothing published for"):
        forecasts(ground.project, PANEL, START)


def test_utilsforecast_evaluates_both_as_they_are(ground: Ground) -> None:
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import coverage, mae, mase

    ground.ingest(AS_OF)
    publish(ground.project, AS_OF)
    history = observations(ground.project, PANEL)
    ground.ingest(AS_OF + timedelta(hours=6))
    truth = observations(ground.project, PANEL)
    joined = forecasts(ground.project, PANEL).merge(truth, on=["unique_id", "ds"])
    assert len(joined) == 2 * HORIZON
    found = evaluate(joined, [mae, coverage], level=[80]).set_index(["unique_id", "metric"])
    assert found.loc[("a", "mae"), "rnnts"] == pytest.approx(1.0)
    assert found.loc[("a", "coverage_level80"), "rnnts"] == 0.0
    scaled = evaluate(joined, [partial(mase, seasonality=24)], train_df=history)
    assert scaled.set_index("unique_id").loc["a", "rnnts"] == pytest.approx(1 / 24)


@pytest.mark.parametrize("read", [observations, forecasts])
def test_what_is_not_there_yet_is_told_with_the_next_step(tmp_path: Path, read: object) -> None:
    assert callable(read)
    database = Database(f"sqlite:///{tmp_path / 'rnnts.db'}")
    ground = Ground(tmp_path, database)
    with pytest.raises(ConfigurationError, match="rnnts ingest"):
        read(ground.project, PANEL)
    ensure_schema(database)
    with pytest.raises(ConfigurationError, match=r"rnnts ingest|nightly_forecast"):
        read(ground.project, PANEL)
    with pytest.raises(ConfigurationError, match="PANEL_UNKNOWN"):
        read(ground.project, "load")
