"""Forecasts of other libraries, in their own environment: nothing of rnnts is imported here.

`python forecast.py TASK.npz ANSWER.npz` reads a case and one peer's name, fits it once on what lies
before the first origin, forecasts every origin from the true values before it, and writes the
quantiles with what was set and spent. Steps are counted, so no calendar is needed; missing values
are carried forward, for neither library takes gaps.
"""

import json
import logging
import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Json = dict[str, Any]
Forecaster = Any  # the libraries' own
LIBRARIES = ("neuralforecast", "statsforecast", "torch", "pytorch-lightning", "pandas", "numpy")
PILOT = (5, 35)
"""Steps of two trainings whose difference in time says what a step takes."""
BUDGET_SHARE = 0.95
"""Part of the minutes that is planned in steps, as rnnts does; the limit itself is the whole."""
LONGEST_CYCLES = 4
"""Times the longest season that statistical methods look back, where histories are longer: MSTL
over two years of hours takes minutes a series, and rnnts' own baseline looks back as far."""
FEWEST_STEPS = 1_000
"""What they look back at least, where there is as much."""


def main(task_file: str, answer_file: str) -> None:
    """Read the task, forecast, write the answer."""
    for name in ("pytorch_lightning", "lightning.pytorch", "neuralforecast"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # of libraries that are not ours
    with np.load(task_file) as arrays:
        values, origins = arrays["values"], arrays["origins"]
        task: Json = json.loads(str(arrays["task"]))
    began = time.monotonic()
    quantiles, told = METHODS[task["peer"]](values, origins, task)
    told |= {
        "seconds": round(time.monotonic() - began, 1),
        "versions": {name: version(name) for name in LIBRARIES},
    }
    np.savez(answer_file, quantiles=quantiles, told=np.array(json.dumps(told)))


def known(series: FloatArray) -> FloatArray:
    """A series from its first value on, gaps filled with the value before them."""
    there = np.flatnonzero(~np.isnan(series))
    if there.size == 0:
        return series[:0]
    place = np.where(np.isnan(series), 0, np.arange(len(series)))
    filled: FloatArray = series[np.maximum.accumulate(place)][there[0] :]
    return filled


# --- neuralforecast -------------------------------------------------------------------------------


def neural(values: FloatArray, origins: IntArray, task: Json) -> tuple[FloatArray, Json]:
    """LSTM or NHITS, trained once for the task's minutes; [series, windows, horizon, levels]."""
    train = frame(values[:, : origins[0]])
    step_seconds = seconds_of_a_step(train, task)
    steps = max(PILOT[1], int(60 * BUDGET_SHARE * task["minutes"] / step_seconds))
    forecaster = forecaster_of(task, steps, minutes=task["minutes"])
    began = time.monotonic()
    forecaster.fit(train)
    training = time.monotonic() - began
    done = len(forecaster.models[0].train_trajectories)  # one entry a step
    quantiles = np.full((len(values), len(origins), task["horizon"], len(task["levels"])), np.nan)
    for window, origin in enumerate(origins.tolist()):
        told = forecaster.predict(df=frame(values[:, :origin]))
        ids = told["unique_id"].to_numpy()[:: task["horizon"]]
        columns = told.columns[2:]  # one a level, in the order of the loss's quantiles
        rows = told[columns].to_numpy(np.float64).reshape(len(ids), task["horizon"], -1)
        quantiles[ids, window] = np.sort(rows, axis=2)
    settings = {
        "input_size": task["read"], "scaler_type": "robust", "loss": "MQLoss of our 13 levels",
        "learning_rate": 1e-3, "num_lr_decays": 3, "early_stop": "off",
        "others": "the library's defaults",
    }  # fmt: skip
    return quantiles, {"settings": settings, "steps": done, "planned_steps": steps,
                       "training_seconds": round(training, 1)}  # fmt: skip


def frame(values: FloatArray) -> pd.DataFrame:
    """Series in the long format; those without a value are left out."""
    pieces = []
    for row, series in enumerate(values):
        filled = known(series)
        steps = np.arange(len(series) - len(filled), len(series))
        pieces.append(pd.DataFrame({"unique_id": row, "ds": steps, "y": filled}))
    return pd.concat(pieces, ignore_index=True)


def seconds_of_a_step(train: pd.DataFrame, task: Json) -> float:
    """What a step takes here: the difference of a short and a shorter training."""
    spent = []
    for steps in PILOT:
        forecaster = forecaster_of(task, steps, minutes=None)
        began = time.monotonic()
        forecaster.fit(train)
        spent.append(time.monotonic() - began)
    return max(1e-3, (spent[1] - spent[0]) / (PILOT[1] - PILOT[0]))


def forecaster_of(task: Json, steps: int, *, minutes: float | None) -> Forecaster:
    """A neuralforecast with one model, set as its documentation does for such data."""
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import LSTM, NHITS

    limit = {} if minutes is None else {"max_time": {"seconds": 60 * minutes}}
    model = {"lstm": LSTM, "nhits": NHITS}[task["peer"]](
        h=task["horizon"],
        input_size=task["read"],
        loss=MQLoss(quantiles=task["levels"]),
        scaler_type="robust",
        learning_rate=1e-3,
        num_lr_decays=3,
        max_steps=steps,
        early_stop_patience_steps=-1,
        start_padding_enabled=True,
        random_seed=1 + task["seed"],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        **limit,
    )
    return NeuralForecast(models=[model], freq=1)


def predict_speed(values: FloatArray, _origins: IntArray, task: Json) -> tuple[FloatArray, Json]:
    """How long NHITS' `predict` takes for all series: the best of some, after one that warms up.

    Its training is a few steps long: weights do not change the time.
    """
    forecaster = forecaster_of({**task, "peer": "nhits"}, 3, minutes=None)
    forecaster.fit(frame(values[:100]))
    rows = frame(values)
    forecaster.predict(df=rows)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        forecaster.predict(df=rows)
        times.append(time.perf_counter() - began)
    return values[:0], {"predict_seconds": min(times)}


ROUNDS = 3


# --- statsforecast --------------------------------------------------------------------------------

STATISTICAL = ("mstl", "autoets")
LONGEST_ETS = 24
"""Steps of a season; the library leaves longer ones out."""
MEDIAN = 0.5


def statistical(values: FloatArray, origins: IntArray, task: Json) -> tuple[FloatArray, Json]:
    """MSTL or AutoETS, parameters fitted once; states renewed with the true values since."""
    jobs = [(series, origins.tolist(), task) for series in values]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(one_series, jobs, chunksize=4))
    settings = {
        "mstl": f"season_length={task['seasons']}, trend_forecaster=AutoETS('ZZN')",
        "autoets": f"season_length={ets_season(task)}, model='ZZZ'",
    }[task["peer"]]
    told = {"settings": f"{settings}, the last {history(task)} steps", "refitted": "never"}
    return np.stack(rows), told


def ets_season(task: Json) -> int:
    """The longest season that exponential smoothing can hold."""
    seasons: list[int] = task["seasons"]
    return max((season for season in seasons if season <= LONGEST_ETS), default=1)


def history(task: Json) -> int:
    """Steps that statistical methods look back."""
    longest: int = max(task["seasons"])
    return max(LONGEST_CYCLES * longest, FEWEST_STEPS)


def one_series(job: tuple[FloatArray, list[int], Json]) -> FloatArray:
    """Quantiles of one series, [windows, horizon, levels]; NaN where the method fails."""
    warnings.simplefilter("ignore")
    series, origins, task = job
    failed = np.full((task["horizon"], len(task["levels"])), np.nan)
    rows, model = [], None
    for origin in origins:
        past = known(series[max(0, origin - history(task)) : origin])
        try:
            model = model or model_of(task, len(past)).fit(past)
            intervals = sorted({interval(level) for level in task["levels"]} - {0.0})
            told = model.forward(y=past, h=task["horizon"], level=intervals)
        except Exception as error:  # noqa: BLE001 - what it cannot do is counted as unserved
            sys.stderr.write(f"{task['peer']}: {type(error).__name__}: {error}\n")
            rows.append(failed)
            continue
        columns = [np.asarray(told[column(level)], np.float64) for level in task["levels"]]
        rows.append(np.sort(np.stack(columns, axis=1), axis=1))
    return np.stack(rows)


def interval(level: float) -> float:
    """The central range, in percent, that a level bounds."""
    return round(100 * abs(1 - 2 * level), 6)


def column(level: float) -> str:
    """The library's name of a quantile."""
    width = interval(level)
    return "mean" if width == 0 else f"{'lo' if level < MEDIAN else 'hi'}-{width}"


def model_of(task: Json, length: int) -> Forecaster:
    """The method, with the seasons that the history holds twice."""
    from statsforecast.models import MSTL, AutoETS

    if task["peer"] == "autoets":
        return AutoETS(season_length=ets_season(task))
    held = [season for season in task["seasons"] if 2 * season < length]
    return MSTL(season_length=held, trend_forecaster=AutoETS(model="ZZN"))


METHODS = {
    "mstl": statistical,
    "autoets": statistical,
    "lstm": neural,
    "nhits": neural,
    "predict_speed": predict_speed,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
