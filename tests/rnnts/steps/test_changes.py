from dataclasses import replace

import numpy as np

from rnnts.config import PanelConfig
from rnnts.panels.covariates import Covariates
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.steps.changes import COVARIATES, NEW, mixed, parts_between, settings_changed
from rnnts.steps.nights import Given, Known
from rnnts.steps.provenance import Provenance

CONFIG = PanelConfig.model_validate(
    {"source": {"table": "t", "time": "at", "value": "v"}, "horizon": 6}
)


def given(steps: int, covariates: Covariates | None) -> Given:
    infos = (SeriesInfo("a", (), 0, steps - 1),)
    values = np.arange(float(steps))[None]
    panel = Panel("p", Grid("1h"), infos, 0, values, steps - 1, covariates)
    return Given(panel, 0, steps - 1, steps, CONFIG, None, Known(frozenset(), (), frozenset()), ())


def test_covariates_are_a_part_of_their_own_and_new_data_leave_them_as_they_were() -> None:
    then, later = Covariates(), Covariates()
    before, now = given(50, then), given(52, later)
    parts = parts_between(before, now)
    assert [part.name for part in parts] == [NEW, COVARIATES]
    moved = mixed(before, now, parts, frozenset({NEW}))
    assert moved.origin == 52
    assert moved.panel.covariates is then
    told = mixed(before, now, parts, frozenset({COVARIATES}))
    assert told.origin == 50
    assert told.panel.covariates is later
    np.testing.assert_array_equal(told.panel.values, before.panel.values)


def test_a_panel_without_covariates_has_no_such_part() -> None:
    before = given(50, None)
    assert parts_between(before, replace(before, origin=51)) != ()
    assert COVARIATES not in [part.name for part in parts_between(before, given(52, None))]


def test_how_covariates_are_read_is_no_setting_of_a_forecast() -> None:
    weather = {"table": "weather", "url": "postgresql://reader:secret@db/w", "time": "at"}
    told = CONFIG.model_dump() | {
        "holidays": "US",
        "covariates": {"weather": weather | {"past": ["temp"]}},
    }
    with_weather = PanelConfig.model_validate(told)
    before = given(50, None)
    now = replace(before, config=with_weather)
    assert settings_changed(before, now) == {}
    kept = Provenance.of(now)
    assert "secret" not in str(kept.to_json())
    assert kept.config(with_weather) == with_weather
