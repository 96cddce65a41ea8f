from dataclasses import replace

import numpy as np
import pytest

from rnnts.learning.plausibility import (
    Candidate,
    gate_crossing,
    gate_flat,
    gate_panel,
    gate_range,
    implausible,
    movement_of,
)
from rnnts.panels.arrays import FloatArray

HORIZON = 6
LEVELS = (0.1, 0.5, 0.9)


def lively() -> FloatArray:
    """Three series of nine stretches, between 0 and 10."""
    wave = 5 + 5 * np.sin(np.arange(9 * HORIZON) * 2 * np.pi / HORIZON)
    return np.stack([wave, wave + 0.0, wave * 1.0])


def sound() -> Candidate:
    values = lively()
    centre = values[:, :HORIZON]
    return Candidate(
        "loads",
        ("a", "b", "c"),
        LEVELS,
        np.stack([centre - 1, centre, centre + 1], axis=2),
        values.min(axis=1),
        values.max(axis=1),
        movement_of(values, HORIZON),
    )


def spoilt(row: int, step: int, level: int, value: float) -> Candidate:
    candidate = sound()
    quantiles = candidate.quantiles.copy()
    quantiles[row, step, level] = value
    return replace(candidate, quantiles=quantiles)


def test_a_sound_forecast_passes_every_gate() -> None:
    assert implausible(sound()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 21.0, -11.0])
def test_what_is_not_finite_or_far_outside_fails_its_series_alone(value: float) -> None:
    (finding,) = implausible(spoilt(1, 2, 1, value))
    assert (finding.code, finding.series, finding.panel) == ("GATE_RANGE", "b", "loads")


def test_the_range_finding_says_value_and_bounds() -> None:
    (finding,) = gate_range(spoilt(2, 0, 2, 25.0))
    assert "25" in finding.evidence
    assert "expected at most 17.9904 (3 x" in finding.evidence
    (finding,) = gate_range(spoilt(2, 0, 2, -25.0))
    assert "expected at least -7.99038 (3 x" in finding.evidence
    (finding,) = gate_range(spoilt(2, 0, 2, np.inf))
    assert "expected a number between -7.99038 and 17.9904 (3 x" in finding.evidence


def test_the_tails_may_lie_further_out_than_the_middle() -> None:
    candidate = replace(sound(), levels=(0.025, 0.5, 0.975))
    far = candidate.quantiles.copy()
    far[0, 2, 2] = 40.0
    assert gate_range(replace(candidate, quantiles=far)) == []
    far[0, 2, 2] = 45.0
    (finding,) = gate_range(replace(candidate, quantiles=far))
    assert "9 x the range of its history" in finding.evidence


def test_a_level_that_doubles_passes() -> None:
    candidate = sound()
    assert gate_range(replace(candidate, quantiles=candidate.quantiles + 5)) == []


def test_a_constant_series_may_be_forecast_as_its_constant() -> None:
    same = np.full((1, HORIZON, 3), 0.1 + 0.2)
    candidate = Candidate(
        "loads", ("a",), LEVELS, same, np.full(1, 0.3), np.full(1, 0.3), np.zeros(1)
    )
    assert implausible(candidate) == []


def test_crossing_quantiles_are_named_and_never_sorted() -> None:
    candidate = spoilt(0, 3, 0, 9.0)
    (finding,) = gate_crossing(candidate)
    assert (finding.code, finding.series) == ("GATE_CROSSING", "a")
    assert candidate.quantiles[0, 3, 0] == 9.0


def test_a_flat_forecast_of_a_lively_series_fails() -> None:
    candidate = sound()
    flat = np.broadcast_to(np.array([4.0, 5.0, 6.0]), candidate.quantiles[:1].shape)
    quantiles = np.concatenate([flat, candidate.quantiles[1:]])
    (finding,) = implausible(replace(candidate, quantiles=quantiles))
    assert (finding.code, finding.series) == ("GATE_FLAT", "a")


def test_a_flat_median_with_widening_ranges_is_no_dead_network() -> None:
    lead = np.arange(1, HORIZON + 1)
    walk = np.stack([5 - 0.1 * np.sqrt(lead), np.full(HORIZON, 5.0), 5 + 0.1 * np.sqrt(lead)], 1)
    candidate = replace(sound(), quantiles=np.broadcast_to(walk, (3, HORIZON, 3)))
    assert gate_flat(candidate) == []


def test_a_series_that_stands_still_may_be_forecast_flat() -> None:
    flat = np.broadcast_to(np.array([4.0, 5.0, 6.0]), (3, HORIZON, 3))
    assert gate_flat(replace(sound(), quantiles=flat, movement=np.zeros(3))) == []


def test_one_step_is_never_flat() -> None:
    candidate = sound()
    assert gate_flat(replace(candidate, quantiles=candidate.quantiles[:, :1])) == []


def test_a_series_that_fails_two_gates_is_named_once() -> None:
    found = implausible(replace(sound(), quantiles=sound().quantiles[:, :, ::-1] * 100))
    assert [finding.series for finding in found] == ["a", "b", "c"]
    assert {finding.code for finding in found} == {"GATE_RANGE"}


def test_over_a_fifth_of_the_series_the_network_itself_is_in_doubt() -> None:
    assert gate_panel("loads", 2, 10) is None
    finding = gate_panel("loads", 3, 10)
    assert finding is not None
    assert (finding.code, finding.severity, finding.series) == ("GATE_PANEL", "error", None)


def test_movement_is_the_median_of_stretches_and_does_not_mind_gaps() -> None:
    values = np.array([[9.0, 0, 2, 0, 4, 0, 100], [np.nan] * 7, [1, 1, 1, 1, 1, np.nan, 1]])
    assert movement_of(values, 2).tolist() == [4.0, 0.0, 0.0]
    assert movement_of(values, 8).tolist() == [0.0, 0.0, 0.0]
