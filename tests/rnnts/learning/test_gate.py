"""Only a clear winner passes; what decided is said in numbers."""

import numpy as np
import pytest

from rnnts.learning import gate
from rnnts.panels.arrays import FloatArray

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
        errors(0, network=0.8, champion=0.9, seasonal_naive_day=1.0, seasonal_naive_week=1.1), 2, 0
    )
    assert verdict.promote
    assert verdict.reason.startswith("MASE 0.8")
    assert verdict.numbers["skill"]["champion"] == pytest.approx(1 / 9, abs=0.02)
    assert verdict.numbers["confidence"]["champion"] > 0.99
    assert verdict.numbers["windows"] == ORIGINS * SERIES


@pytest.mark.parametrize("rival", ["champion", "seasonal_naive_day", "seasonal_naive_week"])
def test_a_candidate_worse_than_any_one_is_rejected_for_that_one(rival: str) -> None:
    means = {"network": 0.8, "champion": 0.9, "seasonal_naive_day": 1, "seasonal_naive_week": 1.1}
    verdict = gate.judge(errors(1, **(means | {rival: 0.7})), 2, 0)
    assert not verdict.promote
    assert f"does not beat {rival} 0.7" in verdict.reason
    assert "% worse" in verdict.reason


def test_a_tie_is_no_win() -> None:
    same = errors(2, network=0.8)["network"]
    verdict = gate.judge({"network": same, "champion": same}, 2, 0)
    assert not verdict.promote


def test_a_lead_within_chance_does_not_unseat_a_champion() -> None:
    random = np.random.default_rng(3)
    rival = random.normal(1.0, 0.3, (ORIGINS, 3))
    candidate = rival + random.normal(0, 0.3, rival.shape)
    candidate -= candidate.mean() - rival.mean() + 0.01  # one per cent better, by luck
    verdict = gate.judge({"network": candidate, "champion": rival}, 2, 0)
    assert verdict.numbers["skill"]["champion"] > 0
    assert not verdict.promote


def test_a_baseline_is_beaten_by_a_smaller_mean_alone() -> None:
    random = np.random.default_rng(3)
    rival = random.normal(1.0, 0.3, (ORIGINS, 3))
    candidate = rival + random.normal(0, 0.3, rival.shape)
    candidate -= candidate.mean() - rival.mean() + 0.01
    verdict = gate.judge({"network": candidate, "seasonal_naive_day": rival}, 2, 0)
    assert verdict.numbers["confidence"]["seasonal_naive_day"] < gate.LEVEL
    assert verdict.promote


def test_of_equal_networks_about_one_in_ten_passes() -> None:
    passed = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        shock = random.normal(0, 0.2, (ORIGINS, 1))
        both = {name: 1 + shock + random.normal(0, 0.2, (ORIGINS, 30)) for name in "ab"}
        same = np.ones((ORIGINS, 30), bool)
        passed += gate.share_better(both["a"], both["b"], same, 2, seed) >= gate.LEVEL
    assert passed / 200 == pytest.approx(1 - gate.LEVEL, abs=0.06)


def test_only_windows_that_every_method_has_are_compared() -> None:
    scored = errors(4, network=0.8, seasonal_naive_day=1.0)
    scored["seasonal_naive_day"][:, : SERIES // 2] = np.nan
    scored["network"][:, : SERIES // 2] = 99.0
    verdict = gate.judge(scored, 2, 0)
    assert verdict.promote
    assert verdict.numbers["series"] == SERIES // 2


def test_without_a_window_nothing_is_promoted() -> None:
    nothing = np.full((ORIGINS, SERIES), np.nan)
    verdict = gate.judge({"network": nothing, "seasonal_naive_day": nothing}, 2, 0)
    assert (verdict.promote, verdict.numbers) == (False, {})


def test_the_verdict_depends_on_nothing_but_errors_and_seed() -> None:
    scored = errors(5, network=0.95, champion=0.96)
    assert gate.judge(scored, 2, 7) == gate.judge(scored, 2, 7)


def test_one_series_and_one_origin_are_judged_too() -> None:
    verdict = gate.judge({"network": np.array([[0.5]]), "champion": np.array([[0.6]])}, 1, 0)
    assert verdict.promote


def test_a_series_that_loses_clearly_and_always_is_taken_from_the_network() -> None:
    scored = errors(6, network=0.8, seasonal_naive_day=1.0, seasonal_naive_week=1.1)
    scored["seasonal_naive_week"][:, 3] = 0.2
    scored["seasonal_naive_day"][:, 5] = scored["network"][:, 5] * 0.97  # a tie, nearly
    scored["seasonal_naive_day"][:4, 7] = 0.1  # half of the time only
    assert gate.safeguards(scored) == {3: "seasonal_naive_week"}


def test_the_better_of_two_baselines_guards_a_series() -> None:
    scored = errors(7, network=0.8, seasonal_naive_day=0.3, seasonal_naive_week=0.2)
    assert set(gate.safeguards(scored).values()) == {"seasonal_naive_week"}


def test_a_champion_is_no_safeguard() -> None:
    assert gate.safeguards(errors(8, network=0.8, champion=0.2, seasonal_naive_day=1.0)) == {}


def test_few_origins_prove_nothing_about_a_series() -> None:
    scored = errors(9, network=0.8, seasonal_naive_day=0.2)
    assert gate.safeguards({name: values[:4] for name, values in scored.items()}) == {}
