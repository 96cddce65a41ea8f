from itertools import permutations

import numpy as np
import pytest

from rnnts.learning.parts import taken_apart
from rnnts.panels.arrays import FloatArray

NAMES = ("a", "b", "c", "d")


def tangled(done: frozenset[str]) -> FloatArray:
    """A value in which parts work on one another."""
    seed = sum(2 ** NAMES.index(name) for name in done)
    return np.random.default_rng(seed).normal(size=(5, 3))


def test_parts_sum_to_the_whole_however_tangled() -> None:
    found = taken_apart(tangled, NAMES)
    whole = tangled(frozenset(NAMES)) - tangled(frozenset())
    assert np.allclose(sum(found.values()), whole, rtol=0, atol=1e-12)


def test_the_shares_are_the_mean_over_all_orders() -> None:
    orders = list(permutations(NAMES))
    plain = dict.fromkeys(NAMES, np.zeros((5, 3)))
    for order in orders:
        for place, name in enumerate(order):
            before, after = frozenset(order[:place]), frozenset(order[: place + 1])
            plain[name] = plain[name] + (tangled(after) - tangled(before)) / len(orders)
    found = taken_apart(tangled, NAMES)
    assert all(np.allclose(found[name], plain[name], rtol=0, atol=1e-12) for name in NAMES)


def test_a_part_that_changes_nothing_has_no_share_to_the_bit() -> None:
    found = taken_apart(lambda done: np.array([1.1 * ("a" in done) + 0.7 * ("b" in done)]), NAMES)
    assert found["c"].tolist() == found["d"].tolist() == [0.0]
    assert found["a"].tolist() == pytest.approx([1.1])


def test_each_subset_is_asked_once_and_no_parts_are_no_shares() -> None:
    asked: list[frozenset[str]] = []

    def value(done: frozenset[str]) -> FloatArray:
        asked.append(done)
        return np.zeros(1)

    taken_apart(value, NAMES)
    assert len(asked) == len(set(asked)) == 16
    assert taken_apart(value, ()) == {}
