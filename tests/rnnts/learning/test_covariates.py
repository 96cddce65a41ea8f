"""What covariates do to a network: nothing where there are none, much where they explain all."""

from dataclasses import replace

import numpy as np
import pytest

from rnnts.learning.fit import fit
from rnnts.learning.predict import predict_blocks
from rnnts.learning.recipe import Recipe
from rnnts.networks.build import build
from rnnts.networks.config import NetworkConfig
from rnnts.panels.covariates import ALWAYS, Covariates, Entries, Statics, Vintages
from rnnts.panels.grid import Grid
from rnnts.panels.identity import hash_keys
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.gather import inputs_at
from rnnts.windows.pipeline import batches
from rnnts.windows.windowset import WindowSet

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 turns TensorFlow's variables into arrays the old way
    "ignore:__array__ implementation:DeprecationWarning"
)
STEPS, WINDOW, HORIZON = 480, 24, 6
NAMES = ("a", "b", "c")
WEATHER = np.random.default_rng(1).normal(0.0, 1.0, (len(NAMES), STEPS + HORIZON))
"""A number that nobody could guess, for each series and step."""
QUICK = Recipe(batch=64, rate=0.01, evaluations=4, fused=False)


def panel_of(covariates: Covariates | None) -> Panel:
    """Series that are what the weather is, and a little noise."""
    noise = np.random.default_rng(0).normal(0.0, 0.05, (len(NAMES), STEPS))
    values = 100.0 + 10.0 * (WEATHER[:, :STEPS] + noise)
    infos = tuple(SeriesInfo(name, (("site", name),), 0, STEPS - 1) for name in NAMES)
    return Panel("p", Grid("1h"), infos, 0, values, STEPS - 1, covariates)


def known_weather(until: int = STEPS + HORIZON, kind: str = "x") -> Covariates:
    """The weather of each site, known in advance up to a step; and what kind of site it is."""
    entries = Entries(
        np.repeat(hash_keys(NAMES), until),
        np.tile(np.arange(until), len(NAMES)),
        np.full(len(NAMES) * until, ALWAYS),
        WEATHER[:, :until].reshape(-1, 1),
    )
    table = Vintages.of("weather", ("site",), ("temp",), 1, entries)
    keys = np.sort(hash_keys(NAMES))
    sites = Statics("sites", ("site",), ("kind",), keys, ((kind,),) * len(NAMES))
    return Covariates((table,), (sites,))


def windows_of(panel: Panel) -> WindowSet:
    return WindowSet.of(panel, window=WINDOW, horizon=HORIZON, seasons=(Season("day", 6, 1),))


def config_of(windowset: WindowSet) -> NetworkConfig:
    return NetworkConfig(
        window=WINDOW,
        horizon=HORIZON,
        seasons=windowset.seasons,
        units=8,
        layers=1,
        levels=(0.1, 0.5, 0.9),
        covariates=windowset.covariates,
    )


@pytest.fixture(scope="module")
def whole() -> Panel:
    return panel_of(known_weather())


def test_a_column_that_explains_the_values_makes_the_forecast(whole: Panel) -> None:
    losses = {}
    for name, panel in (("with", whole), ("without", replace(whole, covariates=None))):
        windowset = windows_of(panel)
        recipe = replace(QUICK, mixing=0.0)
        outcome = fit(config_of(windowset), windowset, steps=400, seed=0, recipe=recipe)
        losses[name] = outcome.validation_loss
    assert losses["with"] is not None
    assert losses["without"] is not None
    assert losses["with"] < 0.6 * losses["without"]


def test_a_fresh_network_forecasts_as_if_there_were_no_covariates(whole: Panel) -> None:
    plain = replace(whole, covariates=None)
    config = config_of(windows_of(whole))
    bare = config.model_copy(update={"covariates": None})
    origin = STEPS
    told = build(config)(inputs_at(whole, config, origin)).numpy()
    untold = build(bare)(inputs_at(plain, bare, origin)).numpy()
    middle = config.middle
    np.testing.assert_allclose(told[..., middle], untold[..., middle], rtol=1e-6)


def test_without_covariates_a_config_is_what_it_was_before_there_were_any(whole: Panel) -> None:
    told = config_of(windows_of(replace(whole, covariates=None)))
    assert "covariates" not in told.model_dump(mode="json")
    assert NetworkConfig.model_validate(told.model_dump(mode="json")) == told


def test_serving_and_training_give_a_network_the_same(whole: Panel) -> None:
    windowset = windows_of(whole)
    config = config_of(windowset)
    origin = int(windowset.parts.gate_origins[-1])
    served = inputs_at(whole.upto(origin - 1), config, origin)
    rows = [inputs for inputs, _, _ in batches(windowset, 64, 0, "gate")]
    for name in ("known_future", "past", "static"):
        trained = np.concatenate([np.asarray(inputs[name]) for inputs in rows])[-len(NAMES) :]
        np.testing.assert_array_equal(served[name], trained, err_msg=name)


@pytest.mark.parametrize("until", [STEPS, STEPS + 2])
def test_a_network_does_without_what_is_not_known(whole: Panel, until: int) -> None:
    config = config_of(windows_of(whole))
    short = replace(whole, covariates=known_weather(until, kind="never seen"))
    inputs = inputs_at(short, config, STEPS)
    column = inputs["known_future"][:, WINDOW:, 0]
    assert np.isnan(column[:, until - STEPS :]).all()
    assert not np.isnan(column[:, : until - STEPS]).any()
    assert (inputs["static"] == 0).all()
    forecast = predict_blocks(build(config), inputs)
    assert np.isfinite(forecast).all()
    assert (np.diff(forecast, axis=2) >= 0).all()
