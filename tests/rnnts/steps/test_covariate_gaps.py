"""What a night has to do without, and what covariates are worth to a network."""

from dataclasses import replace

import numpy as np
import pytest

from rnnts.learning.bounds import Bounds
from rnnts.learning.fit import fit
from rnnts.learning.rolling import HeldOut
from rnnts.panels.covariates import Covariates
from rnnts.panels.panel import SeriesInfo
from rnnts.steps.covariate_gaps import gap_findings
from rnnts.steps.covariate_worth import covariate_worth, worth_sentence
from tests.rnnts.learning.test_covariates import (
    QUICK,
    STEPS,
    config_of,
    known_weather,
    panel_of,
    windows_of,
)

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 turns TensorFlow's variables into arrays the old way
    "ignore:__array__ implementation:DeprecationWarning"
)


def told(covariates: Covariates | None, *more: SeriesInfo) -> dict[str, str]:
    """Evidence by code, of a network that was trained with the weather and the kinds of sites."""
    config = config_of(windows_of(panel_of(known_weather())))
    panel = panel_of(covariates)
    values = np.concatenate([panel.values, *(panel.values[:1] for _ in more)])
    panel = replace(panel, series=(*panel.series, *more), values=values)
    return {one.code: one.evidence for one in gap_findings(panel, config, STEPS)}


def test_a_night_that_has_all_it_reads_says_nothing() -> None:
    assert told(known_weather()) == {}


def test_what_ends_before_the_horizon_does_is_told_with_step_and_count() -> None:
    evidence = told(known_weather(STEPS + 2))["COVARIATE_MISSING"]
    assert evidence == "weather.temp is missing for 4 of 6 steps from 1970-01-21 02:00+00:00"


def test_a_covariate_that_is_gone_is_told_by_its_columns() -> None:
    evidence = told(None)["COVARIATE_MISSING"]
    assert "weather.temp is not among the panel's covariates any more" in evidence
    assert "sites.kind is not among the panel's covariates any more" in evidence


def test_a_series_without_rows_of_its_own_is_counted() -> None:
    found = told(known_weather(), SeriesInfo("d", (("site", "d"),), 0, STEPS - 1))
    assert found == {"COVARIATE_UNMATCHED": "weather has no rows for 1 of 4 series"}


def test_hiding_what_explains_the_values_costs_what_it_explained() -> None:
    panel = panel_of(known_weather())
    windowset = windows_of(panel)
    config = config_of(windowset)
    recipe = replace(QUICK, mixing=0.0)
    model = fit(config, windowset, steps=200, seed=0, recipe=recipe).model
    worth = covariate_worth(HeldOut(panel, windowset, Bounds()), model, config)
    assert set(worth["without"]) == {"weather", "sites", "all"}
    assert worth["without"]["weather"]["wql"] > 1.3 * worth["with"]["wql"]
    assert worth["without"]["sites"]["wql"] == pytest.approx(worth["with"]["wql"], rel=0.1)
    assert "without weather" in worth_sentence(worth)


def test_a_network_without_covariates_has_nothing_to_hide() -> None:
    panel = panel_of(None)
    windowset = windows_of(panel)
    held_out = HeldOut(panel, windowset, Bounds())
    assert covariate_worth(held_out, None, config_of(windowset)) == {}
    assert worth_sentence({}) == ""
