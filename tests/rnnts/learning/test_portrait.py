"""A portrait's counts are those of a plain look at all errors."""

import numpy as np
import pytest

from rnnts.learning.portrait import EDGES, SHARES, Portrait

LEVELS = (0.1, 0.5, 0.9)


def test_shares_of_errors_and_of_truths_are_those_of_all_of_them() -> None:
    random = np.random.default_rng(0)
    portrait = Portrait(LEVELS, np.full(500, 2.0))
    errors = []
    for _ in range(4):
        actual = random.normal(10, 1, (500, 3))
        middle = actual + random.normal(0.5, 1.5, actual.shape)
        quantiles = np.stack([middle - 2, middle, middle + 2], axis=2)
        portrait.add(actual, quantiles, np.ones(500, bool))
        errors.append((middle - actual) / 2.0)
    told = portrait.to_json()
    every = np.concatenate(errors)
    expected = np.quantile(every, SHARES, axis=0).T
    np.testing.assert_allclose(told["errors"]["by_step"], expected, atol=0.05)
    assert sum(told["errors"]["counts"]) == told["known"] == every.size
    below = [(every * 2 > 2).mean(), (every > 0).mean(), (every * 2 > -2).mean()]
    np.testing.assert_allclose(told["reached"], below)


def test_windows_that_do_not_count_and_missing_truths_are_left_out() -> None:
    portrait = Portrait(LEVELS, np.array([1.0, 1.0, 0.0]))
    actual = np.array([[1.0, np.nan], [1.0, 1.0], [1.0, 1.0]])
    portrait.add(actual, np.ones((3, 2, 3)), np.array([True, False, True]))
    told = portrait.to_json()
    assert told["known"] == 3
    assert sum(told["errors"]["counts"]) == 1  # the third series has no scale
    assert told["errors"]["by_step"][1] is None
    assert told["reached"] == [0.5, 0.5, 0.5]  # ties count by half


def test_what_lies_beyond_the_edges_is_counted_there() -> None:
    portrait = Portrait(LEVELS, np.ones(2))
    far = np.array([[-99.0], [99.0]])
    portrait.add(np.zeros((2, 1)), np.repeat(far[:, :, None], 3, axis=2), np.ones(2, bool))
    told = portrait.to_json()["errors"]
    assert (told["counts"][0], told["counts"][-1]) == (1, 1)
    assert told["by_step"][0][0] == pytest.approx(EDGES[0])
    assert told["by_step"][0][-1] == pytest.approx(EDGES[-1])


def test_nothing_added_is_nothing_told() -> None:
    told = Portrait(LEVELS, np.ones(2)).to_json()
    assert (told["known"], told["reached"], told["errors"]["by_step"]) == (0, None, [])
