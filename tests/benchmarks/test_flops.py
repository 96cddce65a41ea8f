"""The count of a training step's operations is exact, whatever runs as a graph."""

from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.accuracy.speed import seasonal_walks
from tests.benchmarks.series import panel_of


def test_operations_of_a_graph_and_its_gradient_are_counted_by_their_shapes() -> None:
    import tensorflow as tf

    from tests.benchmarks.accuracy.flops import counted

    weights = tf.Variable(tf.ones((3, 4)))

    def twice(inputs: tf.Tensor) -> tf.Tensor:
        def step(turn: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return turn + 1, total + tf.reduce_sum(inputs @ weights)

        return tf.while_loop(lambda turn, _: turn < 2, step, (0, 0.0))[1]

    graph = tf.function(twice)

    with counted() as tally, tf.GradientTape() as tape:
        total = graph(tf.ones((5, 3)))
        tape.gradient(total, weights)
    # 2 x 5 x 3 x 4 a product; two forward, two for the weights' gradient, none for the input's
    assert tally.total == 4 * 120
    assert tally.kinds == {"MatMul": 4 * 120}
    graph(tf.ones((5, 3)))
    assert tally.total == 4 * 120  # nothing is counted after the block


def test_the_lstm_of_a_step_is_counted_whole() -> None:
    from tests.benchmarks.accuracy.flops import operations_of_a_step

    panel = panel_of(list(seasonal_walks(20, 300)), Grid("1h"))
    windowset = WindowSet.of(panel, window=24, horizon=6, seasons=())
    config = NetworkConfig(
        architecture="lstm", window=24, horizon=6, units=8, layers=1, levels=(0.5,)
    )
    batch, units, features = 128, 8, 1
    inner = 2 * batch * 24 * 4 * units * units
    from_input = 2 * batch * 24 * 4 * units * features
    head = 2 * batch * units * 6
    # Forward and the weights' gradients; the states' gradients, but for the first state's; and one
    # step more, of which Keras asks the shape alone: a graph leaves it out.
    expected = 2 * (inner + from_input + head) + inner * 23 // 24 + head
    expected += (inner + from_input) // 24
    assert operations_of_a_step(config, windowset).total == expected
