import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.windows.parts import Parts, split_time


def targets(origins: np.ndarray, horizon: int) -> set[int]:
    return {int(origin) + lead for origin in origins for lead in range(horizon)}


def test_the_gate_has_eight_origins_a_day_apart_and_ends_with_the_history() -> None:
    parts = split_time(0, 4000, 48, 24)
    assert parts.gate_origins.tolist() == [3952 - 24 * back for back in range(7, -1, -1)]
    assert parts.gate_until == 4000


def test_origins_come_closer_and_grow_fewer_where_they_would_exceed_a_quarter_of_the_history() -> (
    None
):
    parts = split_time(0, 400, 48, 24)
    assert parts.gate_origins.tolist() == list(range(310, 353, 6))  # targets cover 90 of 400 steps
    assert split_time(0, 280, 48, 24).gate_origins.tolist() == [214, 220, 226, 232]


def test_shares_are_of_the_life_of_a_typical_series() -> None:
    young = split_time(0, 4000, 48, 24, life=400)
    assert young.gate_origins.tolist() == list(range(3910, 3953, 6))
    assert young.training_until == 3910 - 48
    assert split_time(0, 4000, 48, 24, life=9000).ends == split_time(0, 4000, 48, 24).ends


def test_calibration_has_forty_origins_where_they_fit_an_eighth_of_the_history() -> None:
    parts = split_time(0, 24 * 365, 48, 24)
    assert len(parts.calibration_origins) == 40
    assert len(split_time(0, 4000, 48, 24).calibration_origins) == (500 - 48) // 24 + 1


def test_an_origin_is_left_even_where_the_history_is_short() -> None:
    parts = split_time(0, 60, 48, 24)
    assert (len(parts.gate_origins), len(parts.calibration_origins)) == (1, 1)


@settings(deadline=None)
@given(
    first=st.integers(-5000, 5000),
    history=st.integers(2, 20_000),
    horizon=st.integers(1, 500),
    season=st.integers(1, 700),
)
def test_no_target_lies_in_two_parts(first: int, history: int, horizon: int, season: int) -> None:
    parts = split_time(first, first + history, horizon, season)
    calibration = targets(parts.calibration_origins, horizon)
    gate = targets(parts.gate_origins, horizon)
    assert not calibration & gate
    assert min(calibration) == parts.training_until
    assert max(calibration) + 1 == parts.calibration_until == min(gate)
    assert max(gate) + 1 == parts.gate_until == first + history


def test_a_part_is_found_by_its_name() -> None:
    parts: Parts = split_time(0, 4000, 48, 24)
    assert parts.until("training") == parts.training_until
    assert parts.origins("calibration") is parts.calibration_origins
