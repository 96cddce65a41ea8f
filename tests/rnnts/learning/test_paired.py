"""The test that decides: its standard error, by hand and by simulation."""

import numpy as np
import pytest

from rnnts.learning.paired import compare, cosine_terms, upper_tail, variance_of_sum

TABLE = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645, 5: 2.57058, 6: 2.44691, 7: 2.36462,
         8: 2.30600, 10: 2.22814, 30: 2.04227}  # fmt: skip
"""Student's t at 0.975, as any table has it."""


@pytest.mark.parametrize(("freedom", "place"), TABLE.items())
def test_the_tail_of_students_t_is_that_of_the_tables(freedom: int, place: float) -> None:
    assert upper_tail(place, freedom) == pytest.approx(0.025, rel=1e-4)
    assert upper_tail(-place, freedom) == pytest.approx(0.975, rel=1e-4)
    assert upper_tail(0.0, freedom) == 0.5


def test_the_variance_of_a_sum_is_that_of_independent_values() -> None:
    values = np.random.default_rng(0).normal(0, 2.0, (20_000, 8))
    beyond = values - values.mean(axis=1, keepdims=True)
    assert variance_of_sum(beyond, 4).mean() == pytest.approx(8 * 4.0, rel=0.03)


def test_neighbours_that_share_targets_make_the_sum_more_uncertain() -> None:
    shocks = np.random.default_rng(1).normal(0, 1, (20_000, 9))
    shared = shocks[:, 1:] + shocks[:, :-1]  # of variance 30, where 16 seem to be there
    beyond = shared - shared.mean(axis=1, keepdims=True)
    assert 1.3 * 16 < variance_of_sum(beyond, cosine_terms(8, 2)).mean() < 30


@pytest.mark.parametrize(("overlap", "most"), [(1, 0.035), (2, 0.045), (4, 0.05)])
def test_equal_forecasters_whose_targets_overlap_are_told_apart_once_in_twenty_times(
    overlap: int, most: float
) -> None:
    random = np.random.default_rng(2)
    same = np.ones((8, 1), bool)
    told = 0
    for _ in range(2_000):
        shocks = random.normal(0, 1, 8 + overlap)
        moving = np.convolve(shocks, np.ones(overlap), "valid")[:8, None]
        told += compare(moving, np.zeros((8, 1)), same, overlap).confidence >= 0.975
    assert told / 2_000 < most


def test_the_difference_is_that_of_the_windows_that_count() -> None:
    one, other = np.full((8, 3), 0.9), np.ones((8, 3))
    same = np.ones((8, 3), bool)
    same[:, 2] = same[4, 1] = False
    one[:, 2] = np.nan
    one[4, 1] = 99.0
    found = compare(one, other, same)
    assert found.difference == pytest.approx(-0.1)
    assert found.error == pytest.approx(0, abs=1e-12)


def test_a_tie_and_a_single_origin_tell_nothing() -> None:
    ones = np.ones((8, 3))
    assert compare(ones, ones, ones > 0).confidence == 0.5
    assert compare(ones[:1] * 0.1, ones[:1], ones[:1] > 0).confidence == 0.5
