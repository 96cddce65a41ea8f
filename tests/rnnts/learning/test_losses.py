import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnts.learning.losses import huber_loss, pinball_loss

LEVELS = (0.1, 0.5, 0.9)
nan = float("nan")


def plain_pinball(targets: np.ndarray, forecast: np.ndarray, weights: np.ndarray) -> float:
    total, known = 0.0, 0
    for row, weight in enumerate(weights):
        for lead in range(targets.shape[1]):
            actual = targets[row, lead]
            if np.isnan(actual) or weight == 0:
                continue
            known += 1
            for place, level in enumerate(LEVELS):
                error = (actual - forecast[row, lead, place]) * weight
                total += 2 * (level * error if error > 0 else (level - 1) * error)
    return float(total / (max(known, 1) * len(LEVELS)))


def plain_huber(targets: np.ndarray, forecast: np.ndarray, weights: np.ndarray) -> float:
    losses = [
        error**2 / 2 if abs(error) <= 1 else abs(error) - 0.5
        for row, weight in enumerate(weights)
        for lead in range(targets.shape[1])
        if not np.isnan(targets[row, lead]) and weight > 0
        for error in [(targets[row, lead] - forecast[row, lead, 1]) * weight]
    ]
    return float(sum(losses)) / max(len(losses), 1)


values = st.floats(-100, 100, width=32)


@settings(deadline=None, max_examples=40)
@given(
    arrays.arrays(np.float64, (3, 4), elements=st.one_of(values, st.just(nan))),
    arrays.arrays(np.float64, (3, 4, 3), elements=values),
    arrays.arrays(np.float64, (3,), elements=st.sampled_from([0.0, 0.5, 2.0])),
)
def test_losses_equal_their_loops(
    targets: np.ndarray, forecast: np.ndarray, weights: np.ndarray
) -> None:
    forecast = np.sort(forecast, axis=2)
    for loss, plain in ((pinball_loss, plain_pinball), (huber_loss, plain_huber)):
        found = float(loss(targets, forecast, weights, LEVELS))
        np.testing.assert_allclose(found, plain(targets, forecast, weights), rtol=1e-4, atol=1e-5)


def test_the_pinball_loss_of_the_median_is_the_mean_absolute_scaled_error() -> None:
    targets, forecast = np.array([[3.0, 5.0]]), np.array([[[1.0], [6.0]]])
    assert float(pinball_loss(targets, forecast, np.array([0.5]), (0.5,))) == (1.0 + 0.5) / 2


def test_a_batch_of_nothing_known_costs_nothing() -> None:
    loss = pinball_loss(np.full((2, 3), nan), np.zeros((2, 3, 3)), np.ones(2), LEVELS)
    assert float(loss) == 0.0


def test_a_small_error_on_a_large_number_counts() -> None:
    targets, forecast = np.array([[1e9 + 1]]), np.full((1, 1, 1), 1e9)
    assert float(pinball_loss(targets, forecast, np.ones(1), (0.5,))) == 1.0
