import numpy as np
import tensorflow as tf

from rnnts.learning.mixing import mix

nan = float("nan")
SEED = tf.constant([1, 2], tf.int64)


def batch_of(values: list[list[float]], targets: list[list[float]], weights: list[float]) -> tuple:  # type: ignore[type-arg] # as the pipeline has it
    rows = tf.constant(values, tf.float64)
    inputs = {"values": rows, "bases": rows[:, :, None], "static": tf.zeros([len(values), 0])}
    return inputs, tf.constant(targets, tf.float64), tf.constant(weights, tf.float64)


def test_a_blend_keeps_the_line_that_both_windows_lie_on() -> None:
    # Targets are twice the values, in both rows: so they are in any blend of them.
    batch = batch_of([[1.0, 2.0], [30.0, 10.0]], [[2.0, 4.0], [60.0, 20.0]], [1.0, 0.1])
    inputs, targets, weights = mix(batch, 0.5, SEED)
    np.testing.assert_allclose(targets, 2 * inputs["values"].numpy(), rtol=1e-12)
    np.testing.assert_array_equal(inputs["bases"][:, :, 0], inputs["values"])
    np.testing.assert_array_equal(weights, [1.0, 0.1])
    assert not np.allclose(inputs["values"], [[1.0, 2.0], [30.0, 10.0]])


def test_a_neighbour_counts_in_its_own_seasonal_errors() -> None:
    batch = batch_of([[1.0], [1000.0]], [[1.0], [1000.0]], [1.0, 0.001])
    inputs, _, _ = mix(batch, 0.5, SEED)
    np.testing.assert_allclose(inputs["values"], [[1.0], [1000.0]])  # both are 1 such error


def test_no_share_changes_nothing() -> None:
    batch = batch_of([[1.0], [7.0]], [[1.0], [7.0]], [1.0, 1.0])
    np.testing.assert_array_equal(mix(batch, 0.0, SEED)[0]["values"], [[1.0], [7.0]])


def test_a_window_without_a_weight_takes_no_part() -> None:
    batch = batch_of([[1.0], [7.0], [9.0]], [[1.0], [7.0], [9.0]], [1.0, 0.0, 1.0])
    mixed = mix(batch, 0.5, SEED)[0]["values"].numpy().ravel()
    assert mixed[1] == 7.0  # itself
    assert mixed[2] == 9.0  # its neighbour
    assert 1.0 < mixed[0] < 9.0


def test_what_is_missing_in_either_is_missing_in_the_blend() -> None:
    batch = batch_of([[1.0, nan], [7.0, 2.0]], [[1.0, 1.0], [nan, 1.0]], [1.0, 1.0])
    inputs, targets, _ = mix(batch, 0.5, SEED)
    assert np.isnan(inputs["values"]).tolist() == [[False, True], [False, True]]
    assert np.isnan(targets).tolist() == [[True, False], [True, False]]


def test_covariates_of_a_neighbour_that_knows_of_none_change_nothing() -> None:
    known = tf.constant([[[1.0, 1.0]], [[3.0, nan]], [[nan, 5.0]]], tf.float64)
    inputs, targets, weights = batch_of([[1.0]] * 3, [[1.0]] * 3, [1.0] * 3)
    inputs |= {"known_future": known, "past": known}
    mixed, _, _ = mix((inputs, targets, weights), 0.5, SEED, covariates=True)
    for name in ("known_future", "past"):
        first, second, third = mixed[name].numpy()[:, 0]
        assert first[0] == 1.0  # beside the third, which knows nothing there
        assert 1.0 < first[1] < 5.0
        assert 1.0 < second[0] < 3.0
        assert np.isnan(second[1])  # its own are missing
        assert np.isnan(third[0])
        assert third[1] == 5.0
