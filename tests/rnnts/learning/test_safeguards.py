"""A series goes to a baseline where the network clearly loses on it, and nowhere else."""

import numpy as np
import pytest

from rnnts.learning.safeguards import safeguards
from rnnts.panels.arrays import FloatArray

ORIGINS, SERIES = 8, 200


def against(
    seed: int, factor: FloatArray, noise: float = 0.1
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Errors of a baseline, and of a network that errs by a factor of it, [series]."""
    random = np.random.default_rng(seed)
    naive = random.gamma(4.0, 0.25, (ORIGINS, len(factor)))
    network = naive * factor * np.exp(random.normal(0, noise, naive.shape))
    return {"network": network, "naive": naive}, np.ones_like(naive)


def taken(seed: int, factor: FloatArray, noise: float = 0.1) -> FloatArray:
    """Which series are taken from the network, 0 or 1, [series]."""
    errors, same = against(seed, factor, noise)
    places = list(safeguards(errors, same > 0, "network", 2))
    return np.isin(np.arange(len(factor)), places).astype(float)


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_where_both_are_equal_nothing_is_taken(noise: float) -> None:
    assert np.mean([taken(seed, np.ones(SERIES), noise).mean() for seed in range(50)]) < 0.01


def test_nine_in_ten_that_lose_by_a_third_are_found_among_winners() -> None:
    factor = np.where(np.arange(SERIES) < SERIES // 10, 1.3, 0.85)
    found = np.mean([taken(seed, factor) for seed in range(50)], axis=0)
    assert found[factor > 1].mean() > 0.9
    assert found[factor < 1].mean() < 0.001


def test_what_is_taken_on_eight_days_gains_on_later_ones() -> None:
    random = np.random.default_rng(7)
    gains = []
    for seed in range(50):
        factor = np.exp(random.normal(-0.15, 0.2, SERIES))  # some series lose by more, some less
        chosen = taken(seed, factor, 0.4) > 0
        gains.append(np.log(factor[chosen]).sum())
    assert np.mean(gains) > 0
    assert np.mean(np.array(gains) >= 0) > 0.95  # nothing taken gains 0


def test_a_loss_half_of_the_time_is_not_clear() -> None:
    errors, same = against(1, np.full(40, 0.8))
    errors["network"][:4, 7] *= 1.8
    assert safeguards(errors, same > 0, "network", 2) == {}


def test_the_better_of_two_baselines_guards_a_series() -> None:
    errors, same = against(2, np.full(40, 3.0))
    errors["better"] = errors["naive"] * 0.9
    assert set(safeguards(errors, same > 0, "network").values()) == {"better"}


def test_a_single_origin_proves_nothing_about_a_series() -> None:
    errors, same = against(3, np.full(2, 3.0))
    one = {name: values[:1] for name, values in errors.items()}
    assert safeguards(one, same[:1] > 0, "network") == {}


def test_a_single_series_is_judged_with_usual_doubts() -> None:
    assert taken(4, np.array([2.0])).tolist() == [1.0]
    assert taken(4, np.array([1.05])).tolist() == [0.0]


def test_windows_that_do_not_count_are_not_looked_at() -> None:
    errors, same = against(5, np.full(40, 0.8))
    same[3:, 5] = 0
    errors["network"][3:, 5] = 99.0
    errors["network"][:, 6] = np.where(same[:, 6] > 0, 0.0, np.nan)
    errors["naive"][:, 6] = 0.0  # neither errs
    assert safeguards(errors, same > 0, "network") == {}
