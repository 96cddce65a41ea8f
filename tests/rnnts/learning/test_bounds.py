import numpy as np
import pytest

from rnnts.learning.bounds import Bounds, only_whole

nan = float("nan")


def test_without_bounds_nothing_changes() -> None:
    quantiles = np.array([[-3.0, 0.04, 9.0]])
    assert (Bounds().keep(quantiles) == quantiles).all()


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [
        (Bounds(minimum=0.0), [0.0, 0.04, 2.5, 2.93]),
        (Bounds(maximum=2.5), [-3.0, 0.04, 2.5, 2.5]),
        (Bounds(-1.0, 1.0), [-1.0, 0.04, 1.0, 1.0]),
        (Bounds(0.0, None, whole=True), [0.0, 0.0, 2.5, 3.0]),
    ],
)
def test_no_quantile_leaves_the_bounds_and_none_cross(bounds: Bounds, kept: list[float]) -> None:
    assert bounds.keep(np.array([-3.0, 0.04, 2.5, 2.93])).tolist() == kept


def test_what_is_not_known_stays_so() -> None:
    assert np.isnan(Bounds(0.0, 1.0, whole=True).keep(np.array([nan]))).all()


@pytest.mark.parametrize(
    ("values", "whole"),
    [([1.0, nan, -7.0], True), ([1.0, 2.5], False), ([nan], False), ([], False)],
)
def test_only_whole_numbers_are_counts(values: list[float], whole: bool) -> None:  # noqa: FBT001
    assert only_whole(np.array(values)) is whole


@pytest.mark.parametrize(
    ("bounds", "counted"),
    [
        (Bounds(integer=True), [-3.0, 0.0, 2.0, 3.0]),
        (Bounds(0.5, 2.9, integer=True), [1.0, 1.0, 2.0, 2.0]),
        (Bounds(0.5, 2.9), [-3.0, -0.4, 2.5, 2.93]),
    ],
)
def test_whole_numbers_are_given_to_who_asks(bounds: Bounds, counted: list[float]) -> None:
    found = bounds.counted(np.array([-3.0, -0.4, 2.5, 2.93]))
    assert found.tolist() == counted
    assert not np.signbit(found[1]) or not bounds.integer


def test_a_range_holds_every_whole_number_that_it_held() -> None:
    random = np.random.default_rng(0)
    ends = np.sort(random.normal(0, 3, (1_000, 2)), axis=1)
    whole = np.arange(-9, 10)
    before, after = (
        (each[:, :1] <= whole) & (whole <= each[:, 1:])
        for each in (ends, Bounds(integer=True).counted(ends))
    )
    assert after[before].all()
