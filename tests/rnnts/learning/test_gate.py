"""Only a clear winner passes; what decided is said in numbers."""

import numpy as np
import pytest

from rnnts.learning import gate
from rnnts.panels.arrays import FloatArray
from tests.rnnts.learning.simulated import (
    ETT_H1,
    FLIGHTS,
    M4_HOURLY,
    Measured,
    equal_pair,
    typical_baseline,
)

ORIGINS, SERIES = 8, 40


def errors(seed: int, **means: float) -> dict[str, FloatArray]:
    """Errors by method around a mean, with a shock that all methods share at each origin."""
    random = np.random.default_rng(seed)
    shock = random.normal(0, 0.1, (ORIGINS, 1))
    return {
        method: mean + shock + random.normal(0, 0.05, (ORIGINS, SERIES))
        for method, mean in means.items()
    }


def test_a_candidate_better_than_all_others_is_promoted_with_its_numbers() -> None:
    verdict = gate.judge(
        errors(0, network=0.8, champion=0.9, seasonal_naive_day=1.0, seasonal_naive_week=1.1), 2
    )
    assert verdict.promote
    assert verdict.reason.startswith("MASE 0.8")
    assert verdict.numbers["skill"]["champion"] == pytest.approx(1 / 9, abs=0.02)
    assert verdict.numbers["confidence"]["champion"] > 0.99
    assert verdict.numbers["windows"] == ORIGINS * SERIES


@pytest.mark.parametrize("rival", ["champion", "seasonal_naive_day", "seasonal_naive_week"])
def test_a_candidate_worse_than_any_one_is_rejected_for_that_one(rival: str) -> None:
    means = {"network": 0.8, "champion": 0.9, "seasonal_naive_day": 1, "seasonal_naive_week": 1.1}
    verdict = gate.judge(errors(1, **(means | {rival: 0.7})), 2)
    assert not verdict.promote
    assert f"does not beat {rival} 0.7" in verdict.reason
    assert "% worse" in verdict.reason


def test_a_series_that_a_baseline_would_serve_does_not_decide_for_all_others() -> None:
    told = errors(4, network=0.8, seasonal_naive_day=1.0)
    told["network"][:, 3] += 100.0
    verdict = gate.judge(told, 2)
    assert verdict.promote
    alone = verdict.numbers["networks"]["network"]
    assert alone == pytest.approx(0.8 + 100 / SERIES, abs=0.1)
    assert verdict.numbers["mase"]["network"] == pytest.approx(0.8, abs=0.1)
    assert f"the network alone {alone:.4f}, beats" in verdict.reason


def test_how_an_origin_is_served_is_said_by_the_others() -> None:
    """A strange day does not choose its own method afterwards, and neither does one beside it."""
    told = errors(5, network=0.8, seasonal_naive_day=1.0)
    told["network"][5, 3] = 100.0
    served = gate.as_served(told, 2)
    assert served[5, 3] == 100.0
    told["network"][:, 3] = 100.0
    served = gate.as_served(told, 2)
    np.testing.assert_array_equal(served[:, 3], told["seasonal_naive_day"][:, 3])
    np.testing.assert_array_equal(np.delete(served, 3, 1), np.delete(told["network"], 3, 1))


def test_safeguards_that_would_have_cost_the_mean_are_none() -> None:
    """Days that are not alike choose badly for each other: half of them are a holiday's."""
    told = errors(7, network=0.8, seasonal_naive_day=1.0)
    told["network"][:4, :20] = 2.5
    told["network"][4:, :20] = 0.2
    told["seasonal_naive_day"][:, 20:] = 3.0
    assert gate.safeguards(told, 2) == {}
    np.testing.assert_array_equal(gate.as_served(told, 2), told["network"])
    told["network"][4:, :20] = 2.5
    assert set(gate.safeguards(told, 2)) == set(range(20))


def test_a_network_that_serves_all_series_is_judged_by_its_own_errors() -> None:
    """Without one good day a baseline would serve the series, with it none does."""
    told = errors(5, network=0.8, seasonal_naive_day=1.0)
    told["network"][:, 3] = 1.35
    told["network"][5, 3] = 0.1
    assert gate.safeguards(told, 2) == {}
    assert gate.safeguards({name: np.delete(each, 5, 0) for name, each in told.items()}, 2)
    np.testing.assert_array_equal(gate.as_served(told, 2), told["network"])
    assert "alone" not in gate.judge(told, 2).reason


def test_where_too_few_origins_are_left_nothing_is_switched() -> None:
    told = {name: values[:3] for name, values in errors(6, network=5, week=1).items()}
    np.testing.assert_array_equal(gate.as_served(told, 3), told["network"])


def test_a_tie_is_no_win() -> None:
    same = errors(2, network=0.8)["network"]
    verdict = gate.judge({"network": same, "champion": same}, 2)
    assert not verdict.promote


def test_a_lead_within_chance_does_not_unseat_a_champion() -> None:
    random = np.random.default_rng(3)
    rival = random.normal(1.0, 0.3, (ORIGINS, 3))
    candidate = rival + random.normal(0, 0.3, rival.shape)
    candidate -= candidate.mean() - rival.mean() + 0.01  # one per cent better, by luck
    verdict = gate.judge({"network": candidate, "champion": rival}, 2)
    assert verdict.numbers["skill"]["champion"] > 0
    assert not verdict.promote


def test_a_baseline_is_beaten_by_a_smaller_mean_alone() -> None:
    random = np.random.default_rng(3)
    rival = random.normal(1.0, 0.3, (ORIGINS, 3))
    candidate = rival + random.normal(0, 0.3, rival.shape)
    candidate -= candidate.mean() - rival.mean() + 0.01
    verdict = gate.judge({"network": candidate, "seasonal_naive_day": rival}, 2)
    assert verdict.numbers["confidence"]["seasonal_naive_day"] < gate.LEVEL
    assert verdict.promote


PANELS = {"ett_h1": ETT_H1, "m4_hourly": M4_HOURLY, "flights": FLIGHTS}


def promoted(panel: Measured, gain: float, times: int = 200) -> int:
    """How many of so many candidates, better by a gain, replace the champion."""
    count = 0
    for seed in range(times):
        candidate, champion = equal_pair(panel, ORIGINS, np.random.default_rng(seed))
        errors = {"network": (1 - gain) * candidate, "champion": champion}
        count += gate.judge(errors | {"seasonal_naive_day": 2 * champion}, 2).promote
    return count


def promoted_beside_a_baseline(panel: Measured, gain: float, times: int) -> int:
    """The same where a baseline serves some series: the champion's since the gate before."""
    count = 0
    for seed in range(times):
        random = np.random.default_rng(seed)
        candidate, champion = equal_pair(panel, 2 * ORIGINS, random)
        baseline = typical_baseline(panel, candidate, champion, random)
        before = {"network": champion[:ORIGINS], "seasonal_naive_day": baseline[:ORIGINS]}
        candidate, champion, baseline = (
            one[ORIGINS:] for one in ((1 - gain) * candidate, champion, baseline)
        )
        served = champion.copy()
        for place in gate.safeguards(before, 2):
            served[:, place] = baseline[:, place]
        errors = {"network": candidate, "champion": champion, "seasonal_naive_day": baseline}
        count += gate.judge(errors, 2, served).promote
    return count


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_of_equal_networks_one_in_twenty_passes_at_most(panel: Measured) -> None:
    assert promoted(panel, 0.0) <= 0.05 * 200
    assert promoted_beside_a_baseline(panel, 0.0, 200) <= 0.05 * 200


@pytest.mark.parametrize("panel", [ETT_H1, M4_HOURLY], ids=["ett_h1", "m4_hourly"])
def test_a_gain_of_five_per_cent_passes_four_times_in_five(panel: Measured) -> None:
    assert promoted(panel, 0.05) >= 0.8 * 200
    assert promoted_beside_a_baseline(panel, 0.05, 200) >= 0.8 * 200


def test_where_windows_differ_most_it_takes_a_larger_gain() -> None:
    assert promoted(FLIGHTS, 0.05) < promoted(FLIGHTS, 0.1) < promoted(FLIGHTS, 0.2) > 0.8 * 200


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_loss_of_five_per_cent_never_passes(panel: Measured) -> None:
    assert promoted(panel, -0.05) == 0
    assert promoted_beside_a_baseline(panel, -0.05, 200) == 0


def test_a_gain_that_series_share_is_one_observation_an_origin() -> None:
    """Four hundred series that move as one prove no more than one of them."""
    random = np.random.default_rng(4)
    few = 1 + random.normal(-0.02, 0.05, (ORIGINS, 1))
    sure = []
    for count in (1, 400):
        candidate = np.repeat(few, count, axis=1)
        verdict = gate.judge({"network": candidate, "champion": np.ones_like(candidate)}, 2)
        sure.append(verdict.numbers["confidence"]["champion"])
    assert sure[0] == pytest.approx(sure[1])
    assert 0.5 < sure[0] < gate.LEVEL


def test_a_candidate_that_loses_to_a_naive_never_replaces_a_champion() -> None:
    verdict = gate.judge(errors(10, network=0.8, champion=1.0, seasonal_naive_week=0.79), 2)
    assert verdict.numbers["confidence"]["champion"] > gate.LEVEL
    assert not verdict.promote


def test_only_windows_that_every_method_has_are_compared() -> None:
    scored = errors(4, network=0.8, seasonal_naive_day=1.0)
    scored["seasonal_naive_day"][:, : SERIES // 2] = np.nan
    scored["network"][:, : SERIES // 2] = 99.0
    verdict = gate.judge(scored, 2)
    assert verdict.promote
    assert verdict.numbers["series"] == SERIES // 2


def test_without_a_window_nothing_is_promoted() -> None:
    nothing = np.full((ORIGINS, SERIES), np.nan)
    verdict = gate.judge({"network": nothing, "seasonal_naive_day": nothing}, 2)
    assert (verdict.promote, verdict.numbers) == (False, {})


def test_one_origin_tells_no_champion_from_a_better_one() -> None:
    verdict = gate.judge({"network": np.array([[0.5]]), "champion": np.array([[0.6]])}, 1)
    assert not verdict.promote
    assert verdict.reason.endswith("with 50.0 % confidence); needed: 97.5 %, from 1 origin")


def test_one_series_is_judged_by_its_origins() -> None:
    random = np.random.default_rng(5)
    champion = random.normal(1.0, 0.05, (ORIGINS, 1))
    verdict = gate.judge({"network": 0.8 * champion, "champion": champion}, 1)
    assert verdict.promote


def test_only_series_that_lose_clearly_to_a_baseline_are_taken_from_the_network() -> None:
    scored = errors(6, network=0.8, champion=0.2, seasonal_naive_day=1.0, seasonal_naive_week=1.1)
    scored["seasonal_naive_week"][:, 3] = 0.2
    scored["seasonal_naive_day"][:, 5] = scored["network"][:, 5] * 0.97  # a tie, nearly
    assert gate.safeguards(scored, 2) == {3: "seasonal_naive_week"}
