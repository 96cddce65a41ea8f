"""A night whose network reads covariates: what is there is read, what is missing is told."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.database.findings import FindingRow, findings_of
from rnnts.database.issues import PublicationRow, live
from rnnts.panels.arrays import FloatArray
from rnnts.panels.covariates import Category, Features, Number
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.replay import replay
from tests.rnnts.steps.small_champion import CONFIG, MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

HOURS = 400
AT = BEGIN + timedelta(hours=300, minutes=37)  # the first target is hour 300
COVARIATES = """
holidays = "US"
[panels.loads.covariates.weather]
table = "weather"
series = "site"
time = "at"
known_at = "told"
known_future = "temp"
past = "wind"
"""
FEATURES = Features(
    known_future=(Number("weather.temp", 0.0, 1.0), Number("holidays.today", 0.0, 1.0)),
    past=(Number("weather.wind", 0.0, 1.0),),
    static=(Category("kinds.kind", ("x",)),),
)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Repeater:
    return Repeater(monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Readings of the sites a and b; the weather of a was forecast at 295:00 up to 305:00."""
    series = {name: wave(HOURS, 24, seed) for seed, name in enumerate("ab")}
    made = lay_out(tmp_path, series, more=MORE + COVARIATES)
    change(made, "CREATE TABLE weather (site TEXT, at TEXT, told TEXT, temp REAL, wind REAL)")
    for hour in range(280, 306):
        told(made, hour, min(hour, 295), hour + 0.5)
    ingest(made, "loads", BEGIN + timedelta(hours=200))
    crown(made, BEGIN + timedelta(hours=200), covariates=FEATURES)
    yield made
    made.database.close()


def told(project: Project, hour: int, at: int, temp: float) -> None:
    """A row of weather at a."""
    when, known = ((BEGIN + timedelta(hours=each)).isoformat() for each in (hour, at))
    change(project, "INSERT INTO weather VALUES ('a', ?, ?, ?, 1.0)", when, known, temp)


def night(project: Project, at: datetime = AT) -> dict[str, FindingRow]:
    """Forecast and publish; the findings."""
    staged = forecast(project, "loads", ingest(project, "loads", at).snapshot_id, at)
    assert staged.methods == {"network": 2}
    assert publish(project, "loads", staged.staged_id, at).status == "live"
    assert issued(project).rows == 2 * CONFIG.horizon
    with project.database.reading() as connection:
        return {one.code: one for one in findings_of(connection, "loads")}


def temps(network: Repeater) -> FloatArray:
    """What the network was given of the horizon's temperature at a."""
    known: FloatArray = network.inputs[-1]["known_future"][0, CONFIG.window :, 0]
    return known


def test_the_network_gets_the_newest_outlook_and_the_series_without_rows_is_told(
    project: Project, network: Repeater
) -> None:
    told(project, 302, 300, -1.0)
    told(project, 303, 301, -2.0)  # told too late for this night
    findings = night(project)
    assert temps(network).tolist() == [300.5, 301.5, -1.0, 303.5, 304.5, 305.5]
    assert np.isnan(network.inputs[-1]["known_future"][1, :, 0]).all()
    assert network.inputs[-1]["known_future"].shape == (2, CONFIG.window + 6, 2)
    assert network.inputs[-1]["past"][0, :, 0].tolist()[-20:] == [1.0] * 20
    assert "weather has no rows for 1 of 2 series" in findings["COVARIATE_UNMATCHED"].evidence
    missing = findings["COVARIATE_MISSING"].evidence
    assert missing == "kinds.kind is not among the panel's covariates any more"


def test_a_night_whose_outlook_ends_early_goes_on_without_the_rest(
    project: Project, network: Repeater
) -> None:
    findings = night(project, AT + timedelta(hours=2))
    assert temps(network)[:4].tolist() == [302.5, 303.5, 304.5, 305.5]
    assert np.isnan(temps(network)[4:]).all()
    said = findings["COVARIATE_MISSING"]
    assert "weather.temp is missing for 2 of 6 steps from 2026-01-13 18:00" in said.evidence
    assert said.severity == "warning"


def test_a_night_without_the_table_is_published_from_values_alone(
    project: Project, network: Repeater
) -> None:
    change(project, "DROP TABLE weather")
    findings = night(project)
    assert np.isnan(temps(network)).all()
    assert not np.isnan(network.inputs[-1]["known_future"][:, :, 1]).any()  # the holidays
    assert findings["COVARIATE_UNREADABLE"].severity == "error"
    assert "weather.temp is missing for 6 of 6 steps" in findings["COVARIATE_MISSING"].evidence


def test_a_backfill_sees_the_outlook_of_its_own_time(project: Project, network: Repeater) -> None:
    told(project, 302, 305, -9.0)
    at = AT - timedelta(hours=1)
    snapshot = ingest(project, "loads", at).snapshot_id
    forecast(project, "loads", snapshot, at, kind="backfill")
    assert temps(network).tolist() == [299.5, 300.5, 301.5, 302.5, 303.5, 304.5]


def test_a_replay_sees_the_outlook_of_its_night_whatever_the_table_says_since(
    project: Project, network: Repeater
) -> None:
    def by_temperature(quantiles: FloatArray) -> FloatArray:
        outlook = network.inputs[-1]["known_future"][:, CONFIG.window :, 0]
        return np.add(quantiles, np.nansum(outlook) / 1_000, out=quantiles)

    network.spoil = by_temperature
    night(project)
    change(project, "UPDATE weather SET temp = temp + 7")
    told(project, 302, 296, -9.0)  # as if it had been known that night
    row = issued(project)
    found = replay(project, row.id)
    assert (found.verdict, found.differences) == ("identical", [])
    assert temps(network).tolist() == [300.5, 301.5, 302.5, 303.5, 304.5, 305.5]
    night(project, AT + timedelta(minutes=1))  # the same hour, and another outlook
    assert temps(network)[2] == -9.0
    assert issued(project).digest != row.digest


def issued(project: Project) -> PublicationRow:
    """The newest publication."""
    with project.database.reading() as connection:
        found = live(connection, "loads")
    assert found is not None
    return found
