"""What cannot have been measured is masked and said; life, however wild, is left alone."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnts.panels.arrays import FloatArray
from rnnts.panels.doubts import CHUNK, Doubts
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

HOURS = 24 * 60
NAN = np.nan


def panel_of(*rows: FloatArray, grid: Grid | None = None) -> Panel:
    steps = max(len(row) for row in rows)
    infos = tuple(SeriesInfo(f"s{place}", (), 0, steps - 1) for place in range(len(rows)))
    values = np.stack([np.pad(row, (0, steps - len(row)), constant_values=NAN) for row in rows])
    return Panel("loads", grid or Grid("1h"), infos, 0, values, steps - 1)


def daily(level: float = 50.0, seed: int = 0) -> FloatArray:
    noise = np.random.default_rng(seed).normal(0, level / 20, HOURS)
    return level * (1 + 0.4 * np.sin(np.arange(HOURS) * np.pi / 12)) + noise


def masked_places(values: FloatArray, grid: Grid | None = None) -> list[int]:
    panel = panel_of(values, grid=grid)
    left = Doubts.of(panel).masked().values  # noqa: PD011 - a Panel's, not pandas'
    return [int(place) for place in np.flatnonzero(np.isnan(left[0]) & ~np.isnan(values))]


def changed(
    values: FloatArray, places: slice | Sequence[int], to: float | FloatArray
) -> FloatArray:
    values = values.copy()
    values[places] = to
    return values


def test_an_hour_in_another_unit_is_masked_and_said() -> None:
    values = changed(daily(), [700], 1000 * daily()[700])
    doubts = Doubts.of(panel_of(daily(seed=1), values))
    assert masked_places(values) == [700]
    assert doubts.count == 1
    (finding,) = doubts.findings()
    assert (finding.code, finding.series, finding.severity) == ("UNIT_ERROR", "s1", "warning")
    assert f"{values[700]:g} from 1970-01-30 04:00+00:00" in finding.evidence
    assert "1,000 times its neighbours" in finding.evidence


def test_an_hour_of_five_minutes_in_another_unit_is_masked_whole() -> None:
    grid = Grid("5min")
    values = np.repeat(daily(), 12) + np.random.default_rng(2).normal(0, 1, 12 * HOURS)
    wrong = changed(values, slice(6_000, 6_012), 1000 * values[6_000:6_012])
    assert masked_places(wrong, grid) == list(range(6_000, 6_012))


def test_a_number_that_stands_for_missing_is_masked_wherever_it_is() -> None:
    places = [3, 100, 101, HOURS - 1]
    assert masked_places(changed(daily(), places, -999.0)) == places
    cold = daily(10.0) - 14  # on both sides of 0
    assert masked_places(changed(cold, places, 9999.0)) == places
    both = changed(changed(cold, [7], -9999.0), [9], 99999.0)
    assert masked_places(both) == [7, 9]
    (finding,) = Doubts.of(panel_of(changed(daily(), places, -999.0))).findings()
    assert finding.code == "VALUE_SENTINEL"
    assert finding.evidence.startswith("4 values are taken for missing; -999 from ")
    assert "(2 more times before)" in finding.evidence


def test_a_number_like_that_among_others_like_it_is_a_number() -> None:
    loss = daily(900.0) - 1_000  # a balance that is often about -999
    assert masked_places(changed(loss, [40], -999.0)) == []
    assert masked_places(changed(daily(600.0), [40], 999.0)) == []


def test_a_sensor_that_is_stuck_for_days_is_masked_for_as_long() -> None:
    stuck = changed(daily(), slice(600, 672), daily()[600])
    assert masked_places(stuck) == list(range(600, 672))
    (finding,) = Doubts.of(panel_of(stuck)).findings()
    assert finding.code == "SENSOR_FROZEN"
    assert "72 steps without the least change, where 1 are usual" in finding.evidence


def test_a_sensor_stuck_until_now_is_not_read_as_fresh() -> None:
    now = changed(daily(), slice(HOURS - 60, HOURS), daily()[HOURS - 60])
    assert masked_places(now) == list(range(HOURS - 60, HOURS))


def quiet_nights() -> FloatArray:
    values = daily()
    values[np.arange(HOURS) % 24 < 8] = 21.5
    return values


def idle_weekends() -> FloatArray:
    """Standing by for 62 hours each weekend, and for ten days over the holidays."""
    hour = np.arange(HOURS)
    values = changed(daily(), slice(900, 1_140), 3.2)
    values[(hour % 168 >= 106)] = 3.2
    return values


def level_shift() -> FloatArray:
    values = daily()
    values[800:] *= 40
    return values


def counts() -> FloatArray:
    random = np.random.default_rng(5)
    values = random.poisson(0.3, HOURS).astype(np.float64)
    values[1_000] = 15.0
    values[200:400] = 0.0
    return values


def bursts() -> FloatArray:
    values = np.random.default_rng(6).lognormal(0, 0.3, HOURS)
    values[[50, 51, 400, 900]] *= [30, 90, 200, 700]
    return values


def storm() -> FloatArray:
    return changed(daily(), slice(900, 936), 0.0)


def holiday() -> FloatArray:
    return changed(daily(), slice(900, 972), 0.3 * daily()[900:972])


def whole_degrees() -> FloatArray:
    return np.round(daily(10.0) / 2)


def saturated() -> FloatArray:
    values = np.minimum(daily(), 80.0)
    return changed(values, slice(300, 400), 80.0)


def constant() -> FloatArray:
    return np.full(HOURS, 7.0)


def a_tariff() -> FloatArray:
    return np.repeat(np.random.default_rng(3).normal(20, 4, HOURS // 96), 96)


LIFE = {
    each.__name__: each
    for each in (
        quiet_nights, idle_weekends, level_shift, counts, bursts, storm, holiday, whole_degrees,
        saturated, constant, a_tariff,
    )
}  # fmt: skip


@pytest.mark.parametrize("life", LIFE)
def test_life_is_left_alone(life: str) -> None:
    assert masked_places(LIFE[life]()) == []


@pytest.mark.parametrize("until", range(24 * 10, HOURS, 97))
def test_life_is_left_alone_at_every_moment_of_it(until: int) -> None:
    assert {name: masked_places(values()[:until]) for name, values in LIFE.items()} == {
        name: [] for name in LIFE
    }


def test_a_row_is_judged_alone_whatever_stands_around_it() -> None:
    rows = [daily(seed=seed) for seed in range(CHUNK + 3)]
    rows[CHUNK + 1] = changed(rows[CHUNK + 1], [80], -999.0)
    doubts = Doubts.of(panel_of(*rows))
    assert [(doubt.row, doubt.first, doubt.last) for doubt in doubts.found] == [(CHUNK + 1, 80, 80)]
    assert doubts.rows.tolist() == [CHUNK + 1]


def test_without_a_doubt_the_panel_itself_comes_back() -> None:
    panel = panel_of(daily(), np.full(HOURS, NAN))
    assert Doubts.of(panel).masked() is panel
    empty = Panel("loads", Grid("1h"), (), 0, np.zeros((0, 0)), 0)
    assert Doubts.of(empty).count == 0


@pytest.mark.skipif(
    "RNNTS_TEST_DATA" not in os.environ, reason="RNNTS_TEST_DATA names no folder with the series"
)
@pytest.mark.parametrize("name", ["m4_hourly_train", "ett_h1"])
def test_real_series_are_believed_but_for_one_sensor_that_stood_still(name: str) -> None:
    frame = pd.read_csv(Path(os.environ["RNNTS_TEST_DATA"]) / f"{name}.csv.gz")
    groups = frame.groupby("series_id", sort=True)["value"]
    names, rows = zip(*((key, values.to_numpy(float)) for key, values in groups), strict=True)
    found = {
        (names[doubt.row], doubt.kind, doubt.last - doubt.first + 1)
        for doubt in Doubts.of(panel_of(*rows)).found
    }
    assert found == ({("LUFL", "SENSOR_FROZEN", 141)} if name == "ett_h1" else set())
