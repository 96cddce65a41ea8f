from dataclasses import replace

import numpy as np
import pytest

from rnnts.panels.covariates import ALWAYS, Covariates, Entries, Statics, Vintages
from rnnts.panels.grid import Grid
from rnnts.panels.identity import hash_keys
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.covariates import codes_of, known_at, learn_features
from rnnts.windows.gather import inputs_at
from rnnts.windows.pipeline import Flat
from rnnts.windows.windowset import WindowSet

STEPS, HORIZON, WINDOW = 240, 5, 12
SITES = ("a", "b", "c")
HOUR = 3_600


def vintages(leads: tuple[int, ...], *, horizon: int = HORIZON) -> Vintages:
    """A temperature of a and b, told so many steps before; each vintage has its own value."""
    keys, steps, known, values = [], [], [], []
    for place, site in enumerate("ab"):
        for step in range(0, STEPS + horizon, 2):  # every other hour is missing
            for lead in leads:
                keys.append(site)
                steps.append(step)
                known.append((step - lead) * HOUR)
                values.append((step + 1000 * place + lead / 100, -step))
    entries = Entries(hash_keys(keys), np.array(steps), np.array(known), np.array(values, float))
    return Vintages.of("weather", ("site",), ("temp", "wind"), 1, entries)


def always() -> Vintages:
    """A price that is the same for every series, and that was known ever since."""
    steps = np.arange(STEPS + HORIZON)
    entries = Entries(
        hash_keys(["all"] * len(steps)),
        steps,
        np.full(len(steps), ALWAYS),
        (steps % 7).astype(np.float64)[:, None],
    )
    return Vintages.of("shop", (), ("price",), 1, entries)


def panel_with(*tables: Vintages) -> Panel:
    random = np.random.default_rng(0)
    infos = tuple(
        SeriesInfo(site, (("site", site),), 10 * place, STEPS - 1)
        for place, site in enumerate(SITES)
    )
    values = random.normal(0, 1, (3, STEPS))
    for place, info in enumerate(infos):
        values[place, : info.first] = np.nan
    rows = np.sort(hash_keys(["a", "b"]))
    kinds = Statics("kinds", ("site",), ("kind",), rows, (("x",), ("y",)))
    return Panel("p", Grid("1h"), infos, 0, values, STEPS - 1, Covariates(tables, (kinds,)))


def windows_of(panel: Panel, known_after: int = 0) -> WindowSet:
    seasons = (Season("sixth", 6, 1),)
    return WindowSet.of(
        panel, window=WINDOW, horizon=HORIZON, seasons=seasons, known_after=known_after
    )


@pytest.mark.parametrize("known_after", [0, 2 * HOUR])
def test_a_batch_holds_what_serving_would_have_seen_then(known_after: int) -> None:
    panel = panel_with(vintages((0, 3, 9)), always())
    windowset = windows_of(panel, known_after)
    rows = np.arange(3)
    for origin in (32, 41, STEPS - HORIZON, STEPS):
        batch = Flat.of(windowset, "gate").gather(rows, np.full(3, origin))[0]
        instant = known_at(panel.grid, windowset, origin)
        served = inputs_at(panel.upto(origin - 1), windowset, origin, instant=instant)
        for name, array in served.items():
            np.testing.assert_array_equal(batch[name].numpy(), array, err_msg=f"{name} {origin}")
        assert batch["known_future"].shape == (3, WINDOW + HORIZON, 2 + 4)
        assert batch["past"].shape == (3, WINDOW, 1)


def test_a_window_of_the_past_sees_the_forecast_of_its_own_time() -> None:
    windowset = windows_of(panel_with(vintages((0, 3, 9))))
    known = (
        Flat.of(windowset, "gate").gather(np.array([0]), np.array([100]))[0]["known_future"].numpy()
    )
    ahead = known[0, WINDOW:, 0]  # from hour 100 on, as known at 100:00
    np.testing.assert_array_equal(ahead, [100.0, np.nan, 102.03, np.nan, 104.09])


def test_what_became_known_after_an_origin_changes_nothing_of_it() -> None:
    quiet, origin = panel_with(vintages((3, 9))), 100
    assert quiet.covariates is not None
    table = quiet.covariates.numbers[0]
    unit = len(table.moments) + 1
    later = table.moments[table.codes % unit - 1] > origin * HOUR
    poisoned = replace(table, values=np.where(later[:, None], 1e9, table.values))
    loud = replace(quiet, covariates=replace(quiet.covariates, numbers=(poisoned,)))
    one, other = (
        Flat.of(windows_of(panel), "gate").gather(np.arange(3), np.full(3, origin))[0]
        for panel in (quiet, loud)
    )
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_scale_and_categories_are_those_of_the_training_part() -> None:
    quiet = panel_with(always())
    until = windows_of(quiet).parts.training_until
    table = always()
    place = table.codes // (len(table.moments) + 1)
    late = replace(table, values=np.where((place >= until)[:, None], 1e9, table.values))
    loud = panel_with(late)
    assert learn_features(quiet, until) == learn_features(loud, until)
    (number,) = learn_features(quiet, until).known_future
    assert (number.name, number.centre) == ("shop.price", 3.0)
    assert learn_features(quiet, until).static[0].values == ("x", "y")


def test_a_category_or_a_column_that_the_network_never_met_is_unknown_to_it() -> None:
    panel = panel_with(vintages((0,)), always())
    features = learn_features(panel, 100)
    named = [features.static[0].values.index(kind) + 1 for kind in ("x", "y")]
    assert sorted(codes_of(panel, features)[:2, 0].tolist()) == sorted(named)
    assert codes_of(panel, features)[2, 0] == 0
    fewer = replace(panel, covariates=Covariates((always(),), ()))
    assert not codes_of(fewer, features).any()
    inputs = inputs_at(fewer, windows_of(panel), 100)
    assert np.isnan(inputs["known_future"][:, :, 0]).all()
    assert not np.isnan(inputs["known_future"][:, :, 1]).any()


def test_a_window_set_is_kept_with_its_covariates() -> None:
    windowset = windows_of(panel_with(vintages((0, 3)), always()))
    again = WindowSet.load(windowset.save())
    assert again.covariates == windowset.covariates
    rows, origins = np.arange(3), np.full(3, 100)
    one, other = (Flat.of(each, "gate").gather(rows, origins)[0] for each in (windowset, again))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_without_covariates_a_window_set_holds_what_it_always_held() -> None:
    plain = windows_of(replace(panel_with(), covariates=None))
    assert plain.covariates is None
    assert not [name for name in plain.save() if name.startswith("covariate")]
