"""Ranges cover what they say however old the newest observation is."""

from itertools import pairwise

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.learning.calibration import Calibration
from rnnts.learning.late import Late, ages_of, nearest
from rnnts.learning.residuals import Residuals

DAY = 24
HORIZON = 12
NORMAL = np.array(
    [-1.96, -1.645, -1.2816, -0.8416, -0.5244, -0.2533, 0.0, 0.2533, 0.5244, 0.8416, 1.2816, 1.645,
     1.96]
)  # fmt: skip
KEPT = 0.96
"""Share of its level that the simulated series keeps from an hour to the next."""
BUCKETS = (0, 6, 12, 24, 49)


def issues(ages: list[int], *, series: int = 20, days: int = 40, seed: int = 0) -> Residuals:
    """Forecasts of autoregressive series that claim the errors of fresh inputs, whatever the age.

    Right at age 0: the error of lead h has the variance (1 - KEPT^2h) / (1 - KEPT^2). With inputs
    older by an age it is that of lead h + age.
    """
    random = np.random.default_rng(seed)
    steps = DAY * (days + 4)
    values = np.zeros((series, steps))
    noise = random.normal(0, 1, (series, steps))
    for step in range(1, steps):
        values[:, step] = KEPT * values[:, step - 1] + noise[:, step]
    lead = np.arange(1, HORIZON + 1)
    claimed = np.sqrt((1 - KEPT ** (2 * lead)) / (1 - KEPT**2))
    parts = []
    for age in ages:
        for day in range(3, days + 3):
            origin = DAY * day
            newest = values[:, origin - 1 - age, None]
            quantiles = (newest * KEPT ** (lead + age))[:, :, None] + claimed[:, None] * NORMAL
            parts.append(
                Residuals(
                    quantiles,
                    values[:, origin : origin + HORIZON],
                    np.ones(series),
                    np.arange(series).astype(np.str_),
                    np.full(series, origin),
                    np.full(series, age),
                )
            )
    return Residuals.joined(parts)


def held_in_buckets(fitted: Calibration, *, aware: bool) -> list[float]:
    """Coverage of the 90 % range on other data, by bucket of age, in per cent."""
    held = []
    for low, high in pairwise(BUCKETS):
        new = issues(list(range(low, high, 2)), days=60, seed=1)
        ranges = fitted.apply(new.quantiles, new.series, new.age if aware else None)
        inside = (new.actual >= ranges[:, :, 1]) & (new.actual <= ranges[:, :, -2])
        held.append(100 * float(inside.mean()))
    return held


def test_the_90_percent_range_holds_in_every_bucket_of_age_and_needs_the_age_for_it() -> None:
    fitted = Calibration.fit(LEVELS, issues([0, *ages_of(DAY).tolist()]), DAY)
    aware = held_in_buckets(fitted, aware=True)
    assert all(87 <= each <= 93 for each in aware), aware
    blind = held_in_buckets(fitted, aware=False)
    assert blind[-1] < 75


def test_ranges_grow_with_age_and_do_not_cross() -> None:
    fitted = Calibration.fit(LEVELS, issues([0, *ages_of(DAY).tolist()]), DAY)
    ages = np.array([0, 2, 5, 10, 30, 48, 400])
    quantiles = np.tile(NORMAL, (len(ages), HORIZON, 1))
    ranges = fitted.apply(quantiles, np.full(len(ages), "0"), ages)
    assert (np.diff(ranges, axis=2) >= 0).all()
    width = (ranges[:, :, -2] - ranges[:, :, 1]).mean(axis=1)
    assert (np.diff(width[:6]) > 0).all()
    assert width[5] == width[6]  # nothing is known beyond; the ladder widens on from there


def test_late_errors_teach_nothing_to_fresh_rows() -> None:
    fresh = Calibration.fit(LEVELS, issues([0]), DAY)
    both = Calibration.fit(LEVELS, issues([0, 48]), DAY)
    assert fresh.late.ages.size == 0
    assert both.late.ages.tolist() == [48]
    assert (both.steps == fresh.steps).all()
    assert (both.own == fresh.own).all()


def test_a_calibration_comes_back_from_its_arrays_and_an_old_one_knows_no_ages() -> None:
    fitted = Calibration.fit(LEVELS, issues([0, 6, 48], days=6), DAY)
    arrays = fitted.to_arrays()
    again = Calibration.from_arrays(arrays)
    some = np.tile(NORMAL, (1, HORIZON, 1)), np.array(["3"]), np.array([20])
    assert (again.apply(*some) == fitted.apply(*some)).all()
    old = Calibration.from_arrays({k: v for k, v in arrays.items() if not k.startswith("late")})
    assert old.late.oldest == 0
    assert (old.apply(*some) == old.apply(*some[:2])).all()
    before = {k: v for k, v in issues([6], days=1).to_arrays().items() if k != "age"}
    assert Residuals.from_arrays(before).age.tolist() == [0] * 20


def test_places_between_two_ages_lie_on_the_line_between_theirs() -> None:
    fresh = np.array([[0.1, 0.5, 0.9]])
    late = Late(np.array([4, 8]), np.array([[[0.0, 0.5, 1.0]], [[-0.4, 0.5, 1.4]]]))
    found = late.at(np.array([0, 2, 4, 7, 8, 90]), fresh)
    assert found[:, 0, 2] == pytest.approx([0.9, 0.95, 1.0, 1.3, 1.4, 1.4])
    assert (found[0] == fresh).all()


@pytest.mark.parametrize(
    ("age", "taught"), [(0, 0), (1, 0), (2, 3), (4, 3), (5, 6), (10, 12), (60, 48)]
)
def test_an_age_teaches_the_nearest_that_is_learnt(age: int, taught: int) -> None:
    assert nearest(np.array([age]), ages_of(DAY)).tolist() == [taught]


def test_places_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="above that of a higher level"):
        Late(np.array([4]), np.array([[[0.6, 0.5, 1.0]]]))
    with pytest.raises(ValueError, match="expected places"):
        Late(np.array([4, 8]), np.array([[[0.1, 0.5, 1.0]]]))
