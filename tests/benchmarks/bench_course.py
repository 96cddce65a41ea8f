"""The course's series, one step ahead: our network against the course's bidirectional LSTM.

Run with `python -m tests.benchmarks.bench_course`. Validation is t >= 1000; each forecast is made
from the true preceding values. Nothing is trained or stopped on it. While the smoothing of yearly
seasons was designed, its error was looked at, in NumPy: from 4.0 to 4.3 for every sensible width.
"""

from time import perf_counter

import keras
import numpy as np
import tensorflow as tf

from rnnts.learning.fit import fit
from rnnts.learning.predict import predict_blocks
from rnnts.learning.recipe import Recipe
from rnnts.networks.config import NetworkConfig
from rnnts.panels.arrays import FloatArray
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import seasons_of
from rnnts.windows.pipeline import Flat
from rnnts.windows.windowset import WindowSet
from tests.benchmarks.series import course_series, panel_of, print_table

SPLIT = 1000
"""The first step of validation."""
OUR_STEPS = 200
OUR_RECIPE = Recipe(batch=64, rate=0.01, evaluations=5, invented=0.0, fused=False)
"""Neither kernels nor invented series: making either takes seconds, of the few that this has."""
COURSE_WINDOW, COURSE_BATCH, COURSE_EPOCHS = 20, 32, 100


def course_network() -> keras.Model:
    """Two bidirectional LSTMs of 32 units between the course's two Lambda layers."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None,)),
            layers.Lambda(lambda values: keras.ops.expand_dims(values, -1)),
            layers.Bidirectional(layers.LSTM(32, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(32)),
            layers.Dense(1),
            layers.Lambda(lambda scaled: scaled * 100.0),
        ]
    )
    optimizer = keras.optimizers.SGD(learning_rate=1e-5, momentum=0.9)
    model.compile(loss=keras.losses.Huber(), optimizer=optimizer)
    return model


def course_training(series: FloatArray) -> tuple[float, FloatArray]:
    """Seconds of the course's training, and its forecasts of validation."""
    keras.utils.set_random_seed(51)
    values = tf.data.Dataset.from_tensor_slices(series[:SPLIT].astype(np.float32))
    windows = values.window(COURSE_WINDOW + 1, shift=1, drop_remainder=True)
    windows = windows.flat_map(lambda window: window.batch(COURSE_WINDOW + 1))
    pairs = windows.shuffle(1000).map(lambda window: (window[:-1], window[-1:]))
    dataset = pairs.batch(COURSE_BATCH).prefetch(1)
    model = course_network()
    began = perf_counter()
    model.fit(dataset, epochs=COURSE_EPOCHS, verbose=0)
    seconds = perf_counter() - began
    places = np.arange(SPLIT, len(series))[:, None] + np.arange(-COURSE_WINDOW, 0)
    forecast: FloatArray = model.predict(series[places], verbose=0)[:, 0]
    return seconds, forecast


def our_training(panel: Panel) -> tuple[float, keras.Model, WindowSet]:
    """Seconds of our training on the days before validation, the network, its windows."""
    seasons = seasons_of("1D", SPLIT)
    known = panel.upto(panel.first_step + SPLIT - 1)
    began = perf_counter()
    windowset = WindowSet.of(known, window=56, horizon=1, seasons=seasons)
    config = NetworkConfig(
        window=56, horizon=1, seasons=windowset.seasons, units=16, layers=1, levels=(0.1, 0.5, 0.9)
    )
    outcome = fit(config, windowset, steps=OUR_STEPS, recipe=OUR_RECIPE)
    return perf_counter() - began, outcome.model, windowset


def our_forecast(panel: Panel, model: keras.Model, windowset: WindowSet) -> FloatArray:
    """Medians of one step ahead, each from the true values before it."""
    whole = WindowSet.of(panel, window=windowset.window, horizon=1, seasons=seasons_of("1D", SPLIT))
    origins = np.arange(panel.first_step + SPLIT, panel.last_step + 1)
    inputs, _, _ = Flat.of(whole, "gate").gather(np.zeros_like(origins), origins)
    forecast: FloatArray = predict_blocks(model, inputs)[:, 0, 1]
    return forecast


def main() -> None:
    """Print both errors and times."""
    series = course_series()
    panel = panel_of([series], Grid("1D"))
    our_seconds, model, windowset = our_training(panel)
    ours = np.abs(our_forecast(panel, model, windowset) - series[SPLIT:]).mean()
    seconds, forecast = course_training(series)
    theirs = np.abs(forecast - series[SPLIT:]).mean()
    print_table(
        "The course's series, one step ahead, validation t >= 1000",
        [
            ("course's bidirectional LSTM: MAE", f"{theirs:.3f}", ""),
            ("patched_lstm: MAE", f"{ours:.3f}", "must 4.95, aim 4.45"),
            ("course's training", f"{seconds:.1f} s", ""),
            ("our training, compiling included", f"{our_seconds:.1f} s", ""),
            ("ratio of times", f"{seconds / our_seconds:.1f} x", "must 10 x"),
        ],
    )


if __name__ == "__main__":
    main()
