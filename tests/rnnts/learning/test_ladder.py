from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from rnnts.learning.ladder import Method, Rungs, climb, plain_forecast, qualities, widened
from rnnts.learning.standing import Rules, Standing
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo

NAN = np.nan
LEVELS = (0.1, 0.5, 0.9)
RULES = Rules(
    window=48, least=30, horizon=4, season=24, days=1, max_delay=6, max_stale=60, retired_after=200
)
STEPS = 400
DAILY = np.ones(1, np.int64)


def wave(steps: int = STEPS, seed: int = 0) -> FloatArray:
    noise = np.random.default_rng(seed).normal(0, 1, steps)
    return np.asarray(20 + 10 * np.sin(np.arange(steps) * np.pi / 12) + noise)


def panel_of(*rows: FloatArray) -> Panel:
    infos = []
    for row, values in enumerate(rows):
        there = np.flatnonzero(~np.isnan(values))
        first, last = (int(there[0]), int(there[-1])) if there.size else (0, STEPS - 1)
        infos.append(SeriesInfo(f"s{row}", (), first, last))
    return Panel("loads", Grid("1h"), tuple(infos), 0, np.stack(rows), STEPS - 1)


def with_gap(first: int, last: int) -> FloatArray:
    values = wave()
    values[first:last] = NAN
    return values


def climbed(
    *rows: FloatArray, top: str = "network", new: bool = False, rules: Rules = RULES
) -> tuple[Rungs, list[str]]:
    panel = panel_of(wave(seed=9), *rows)
    standing = Standing.of(panel, STEPS, rules)
    all_new = np.array([False] + [new] * len(rows))
    guarded = np.zeros(1 + len(rows), bool)
    rungs = climb(panel, standing, rules, top=cast("Method", top), new=all_new, guarded=guarded)
    quality = qualities(rungs.method, standing, rules)
    assert rungs.method[0] == top
    return rungs, [str(each) for each in quality]


CASES = {
    "a full window": (wave(seed=1), "network", "fresh", None, False),
    "up to max_delay": (with_gap(394, 400), "network", "fresh", None, False),
    "beyond max_delay": (with_gap(393, 400), "network", "late", None, False),
    "beyond max_stale": (with_gap(339, 400), "seasonal_naive", "fallback", "SERIES_STALE", True),
    "over a tenth missing": (with_gap(370, 375), "network", "imputed", None, False),
    "over half missing": (
        with_gap(370, 396),
        "seasonal_naive",
        "fallback",
        "TOO_MANY_MISSING",
        True,
    ),
    "all of the window missing": (
        with_gap(350, 400),
        "last_value",
        "fallback",
        "ALL_MISSING",
        True,
    ),
    "nothing at all": (np.full(STEPS, NAN), "skipped", "cold", "ALL_MISSING", True),
    "shorter than the window": (with_gap(0, 360), "network", "cold", None, False),
    "too short for it": (with_gap(0, 372), "seasonal_naive", "cold", "TOO_SHORT", True),
    "shorter than a season": (with_gap(0, 391), "last_value", "cold", "TOO_SHORT", True),
    "vanished": (with_gap(199, 400), "skipped", "fallback", "SERIES_RETIRED", False),
    "constant": (np.full(STEPS, 7.0), "baseline", "fresh", "CONSTANT", False),
    "a level beyond float64": (
        1e15 + wave().round() / 64,
        "seasonal_naive",
        "fallback",
        "PRECISION",
        True,
    ),
    "a high level": (1e9 + wave(), "network", "fresh", None, False),
    "a thousandfold jump": (
        np.concatenate([wave()[:-1], [30_000.0]]),
        "network",
        "fresh",
        "LEVEL_JUMP",
        False,
    ),
    "hours turned days": (
        np.where((np.arange(STEPS) > 200) & (np.arange(STEPS) % 24 > 0), NAN, wave()),
        "skipped",
        "fallback",
        "FREQUENCY_CHANGED",
        True,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_history_gets_its_rung_its_quality_and_its_reason(case: str) -> None:
    values, method, quality, code, degraded = CASES[case]
    rungs, qualities_ = climbed(values)
    assert (rungs.method[1], qualities_) == (method, ["fresh", quality])
    assert [(finding.code, finding.series) for finding in rungs.findings] == (
        [(code, "s1")] if code else []
    )
    assert rungs.degraded is degraded


def test_the_finding_of_a_short_series_says_what_it_has_and_needs() -> None:
    (finding,) = climbed(with_gap(0, 391))[0].findings
    assert finding.evidence == (
        "has 9, needs 24 for a season and 30 for the network; served by last_value"
    )


@pytest.mark.parametrize(
    ("values", "method"),
    [
        (np.full(STEPS, NAN), "profile"),
        (with_gap(0, 399), "last_value"),
        (with_gap(0, 372), "seasonal_naive"),
        (with_gap(0, 360), "network"),
    ],
)
def test_a_new_series_climbs_as_far_as_it_can_and_degrades_nothing(
    values: FloatArray, method: str
) -> None:
    rungs, quality = climbed(values, new=True)
    assert (rungs.method[1], quality[1]) == (method, "cold")
    assert rungs.findings == ()
    assert not rungs.degraded


def test_without_a_champion_every_series_stands_on_seasonal_naive() -> None:
    rungs, quality = climbed(wave(seed=1), np.full(STEPS, 7.0), top="seasonal_naive")
    assert rungs.method.tolist() == ["seasonal_naive"] * 3
    assert quality == ["fallback"] * 3


def test_the_champion_before_is_a_fallback() -> None:
    rungs, quality = climbed(wave(seed=1), top="network_previous")
    assert quality == ["fallback"] * 2
    assert rungs.degraded


def test_plain_rungs_fill_all_quantiles_and_leave_the_network_its_rows() -> None:
    panel = panel_of(wave(), np.full(STEPS, 7.0), with_gap(0, 391), np.full(STEPS, NAN))
    methods = np.array(["network", "baseline", "last_value", "profile"], dtype="<U16")
    quantiles, served = plain_forecast(panel, STEPS, methods, RULES, LEVELS, days=DAILY)
    assert served.tolist() == methods.tolist()
    assert np.isnan(quantiles[0]).all()
    assert np.isfinite(quantiles[1:]).all()
    assert (np.diff(quantiles[1:], axis=2) >= 0).all()
    assert (quantiles[1] == 7.0).all()


def test_a_row_that_a_rung_cannot_serve_steps_down() -> None:
    short, empty = with_gap(0, 398), np.full(STEPS, NAN)
    methods = np.array(["network", "seasonal_naive", "last_value"], dtype="<U16")
    _, served = plain_forecast(
        panel_of(wave(), short, empty), STEPS, methods, RULES, LEVELS, days=DAILY
    )
    assert served.tolist() == ["network", "last_value", "profile"]
    alone = np.array(["seasonal_naive"], dtype="<U16")
    _, served = plain_forecast(panel_of(empty), STEPS, alone, RULES, LEVELS, days=DAILY)
    assert served.tolist() == ["skipped"]


def test_a_rung_sees_only_its_own_rows() -> None:
    methods = np.array(["seasonal_naive", "seasonal_naive"], dtype="<U16")
    both, _ = plain_forecast(
        panel_of(wave(), wave(seed=3)), STEPS, methods, RULES, LEVELS, days=DAILY
    )
    one, _ = plain_forecast(panel_of(wave()), STEPS, methods[:1], RULES, LEVELS, days=DAILY)
    assert (both[0] == one[0]).all()


def test_a_fallback_repeats_the_season_that_has_come_nearest() -> None:
    steps = np.arange(24 * 42)
    weekend = wave()[:1].repeat(len(steps)) + 9.0 * (steps // 24 % 7 > 4) + 0.01 * (steps % 24)
    daily = np.sin(steps * np.pi / 12) + 0.001 * steps
    panel = replace(panel_of(weekend, daily), watermark=len(steps) - 1)
    methods = np.array(["seasonal_naive"] * 2, dtype="<U16")
    rules = replace(RULES, horizon=48, seasons=(1, 7))
    quantiles, _ = plain_forecast(panel, len(steps), methods, rules, LEVELS, days=DAILY)
    for row, days in enumerate((7, 1)):
        begin = len(steps) - 24 * days
        last = panel.values[row, begin : begin + 24]
        assert quantiles[row, :24, 1].tolist() == last.tolist()


def test_the_gate_gives_a_series_to_a_baseline_with_its_own_season() -> None:
    panel = panel_of(wave(), wave(), with_gap(0, 391))
    standing = Standing.of(panel, STEPS, RULES)
    guarded = np.array([True, False, True])
    nobody = np.zeros(3, bool)
    rungs = climb(panel, standing, RULES, top="network", new=nobody, guarded=guarded)
    assert rungs.method.tolist() == ["baseline", "network", "last_value"]
    days = np.array([7, 1, 7])
    weekly, _ = plain_forecast(panel, STEPS, rungs.method, RULES, LEVELS, days=days)
    assert weekly[0, :, 1].tolist() == wave()[STEPS - 168 : STEPS - 164].tolist()
    assert qualities(rungs.method, standing, RULES).tolist() == ["fresh", "fresh", "cold"]


def test_late_inputs_widen_ranges_and_fresh_ones_change_no_bit() -> None:
    quantiles = np.tile(np.array([1.0, 3.1, 4.0]), (2, 4, 1))
    wide = widened(quantiles, np.array([0, 8]), LEVELS, season=24)
    assert (wide[0] == quantiles[0]).all()
    assert (wide[1, :, 1] == 3.1).all()
    assert (np.diff(wide[1], axis=1) > np.diff(quantiles[1], axis=1)).all()
    assert wide[1, 0, 2] == pytest.approx(3.1 + 0.9 * np.sqrt(33 / 25))
