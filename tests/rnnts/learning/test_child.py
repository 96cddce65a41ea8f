"""A training leaves a result that another process can prove, and goes on where it was stopped."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.learning import child
from rnnts.learning.refit import BEST_TIMES, FEWEST_STEPS
from rnnts.learning.supervise import Line
from rnnts.networks.config import NetworkConfig
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.panels.seasons import Season
from rnnts.windows.windowset import WindowSet

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)

CONFIG = NetworkConfig(
    window=12, horizon=5, seasons=((6, 3, 0),), units=4, layers=1, levels=(0.1, 0.5, 0.9)
)
Anything = Any


def windows() -> WindowSet:
    random = np.random.default_rng(0)
    values = 10 + np.sin(np.arange(240) * np.pi / 3) + random.normal(0, 0.1, (3, 240))
    infos = tuple(SeriesInfo(f"s{place}", (), 0, 239) for place in range(3))
    panel = Panel("p", Grid("1h"), infos, 0, values, 239)
    return WindowSet.of(panel, window=12, horizon=5, seasons=[Season("sixth", 6, 1)])


def job_in(folder: Path) -> child.Job:
    store = Store(folder / "store")
    (folder / "job").mkdir()
    return child.Job(
        store=str(store.root),
        windows=store.put_arrays(windows().save(), "windows"),
        network=CONFIG.model_dump(mode="json"),
        seed=0,
        steps=10,
        seconds=None,
        folder=str(folder / "job"),
    )


@pytest.fixture
def job(tmp_path: Path) -> child.Job:
    return job_in(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[child.Job, list[Line]]:
    """A training that nothing disturbed, and what it said."""
    job = job_in(tmp_path_factory.mktemp("whole"))
    return job, run(job)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[child.Job, list[Line]]:
    """A training long enough for a second one on what was held out, and what it said."""
    job = replace(job_in(tmp_path_factory.mktemp("long")), steps=70)
    return job, run(job)


def result_of(job: child.Job) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((Path(job.folder) / "result.json").read_text())
    return result


def run(job: child.Job) -> list[Line]:
    lines: list[Line] = []
    child.run(job, lines.append)
    return lines


def test_a_job_is_the_same_after_its_file(job: child.Job) -> None:
    assert child.Job.read(job.write()) == job


def test_a_result_names_weights_probe_curve_and_steps(
    whole: tuple[child.Job, list[Line]],
) -> None:
    job, lines = whole
    result = result_of(job)
    assert (result["status"], result["steps"], result["retried"]) == ("trained", 10, False)
    assert result["planned"] == {"steps": 10, "step_seconds": None}
    assert result["curve"][-1][0] == 10
    assert [line["event"] for line in lines if line["event"] != "step"] == [
        "ready",
        "planned",
        "done",
    ]
    folder = Path(job.folder)
    assert (folder / "weights.keras").exists()
    with np.load(folder / "probe.npz", allow_pickle=False) as probe:
        assert probe["forecast"].shape[1:] == (5, 3)
        assert len(probe["values"]) == len(probe["forecast"]) > 0


def test_a_budget_of_time_becomes_steps_once_and_is_kept(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[float] = [0.01, 1.0]
    monkeypatch.setattr(
        "rnnts.learning.pace.measure_step_seconds", lambda *_, **__: measured.pop(0)
    )
    job = replace(job, steps=None, seconds=10.0)
    windowset = windows()
    planned = child.planned_steps(job, CONFIG, windowset)
    assert planned == {"steps": 475, "step_seconds": 0.01}  # half is for the second one
    assert child.planned_steps(job, CONFIG, windowset) == planned
    assert measured == [1.0]


def test_a_tiny_budget_still_trains_a_little(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnts.learning.pace.measure_step_seconds", lambda *_, **__: 10.0)
    planned = child.planned_steps(replace(job, steps=None, seconds=1.0), CONFIG, windows())
    assert planned["steps"] == child.FEWEST_STEPS


class FakeFit:
    """A training that diverges so many times, then succeeds."""

    def __init__(self, divergences: int) -> None:
        self.divergences = divergences
        self.calls: list[dict[str, Any]] = []

    def __call__(self, *_: object, **arguments: Anything) -> Anything:
        from rnnts.learning.fit import Outcome
        from rnnts.networks.build import build

        self.calls.append(arguments)
        diverged = len(self.calls) <= self.divergences
        return Outcome(
            status="diverged" if diverged else "trained",
            model=build(CONFIG),
            steps=3,
            seconds=0.1,
            validation_loss=None if diverged else 1.0,
            best_step=3,
            curve=((3, float("nan"), 1.0),),
            reason="the loss became nan at step 3 of 10" if diverged else "",
        )


def test_a_divergence_is_tried_once_more_at_a_tenth_of_the_rate(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeFit(1)
    monkeypatch.setattr("rnnts.learning.fit.fit", fake)
    lines = run(job)
    result = result_of(job)
    rates = [call["recipe"].rate for call in fake.calls]
    assert rates == pytest.approx([rates[0], rates[0] / 10])
    assert fake.calls[0]["checkpoint_dir"] != fake.calls[1]["checkpoint_dir"]
    assert (result["status"], result["retried"]) == ("trained", True)
    assert result["curve"] == [[3, None, 1.0]]
    assert "diverged" in [line["event"] for line in lines]


def test_a_slow_start_comes_off_both_trainings_and_leaves_time_for_a_retry(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeFit(1)
    monkeypatch.setattr("rnnts.learning.fit.fit", fake)
    timed = replace(job, steps=None, seconds=90.0)
    began = perf_counter() - 57  # of 90 seconds, 9 of them for what follows: 24 are left
    child.trained(timed, CONFIG, windows(), {"steps": 10}, lambda _line: None, began)
    assert [call["seconds"] for call in fake.calls] == pytest.approx([12.0, 12.0], abs=5.0)


def test_what_the_parent_took_comes_off_the_budget(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeFit(0)
    monkeypatch.setattr("rnnts.learning.fit.fit", fake)
    began = perf_counter() - 57
    timed = replace(job, steps=None, seconds=90.0, began=began)
    child.write_json(Path(job.folder) / "steps.json", {"steps": 10, "step_seconds": 0.1})
    run(timed)
    assert fake.calls[0]["seconds"] == pytest.approx(12.0, abs=5.0)


def test_a_second_divergence_is_a_result_without_weights(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeFit(2)
    monkeypatch.setattr("rnnts.learning.fit.fit", fake)
    run(job)
    result = result_of(job)
    assert len(fake.calls) == 2
    assert result["status"] == "diverged"
    assert "became nan" in result["reason"]
    assert "weights" not in result


def test_a_longer_training_goes_on_with_what_was_held_out(
    long: tuple[child.Job, list[Line]],
) -> None:
    job, lines = long
    result = result_of(job)
    assert (result["steps"], result["refit"]["reason"]) == (70, "")
    second = min(70, int(BEST_TIMES * result["best_step"]))
    assert result["refit"]["steps"] == second >= FEWEST_STEPS
    assert result["weights"]["digest"] != result["scored"]["weights"]["digest"]
    assert result["seconds"] > result["refit"]["seconds"] > 0
    folder = Path(job.folder)
    for prefix, told in (("", result), ("scored_", result["scored"])):
        for file, part in (("weights.keras", "weights"), ("probe.npz", "probe")):
            data = (folder / f"{prefix}{file}").read_bytes()
            assert hashlib.sha256(data).hexdigest() == told[part]["sha256"]
    steps = [line["step"] for line in lines if line["event"] == "step"]
    assert steps == sorted(steps)
    assert steps[-1] == 70 + second


def test_what_was_made_worse_does_not_serve(
    job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([1.0, 1.5])
    monkeypatch.setattr("rnnts.learning.refit.gate_loss", lambda *_: next(losses))
    run(replace(job, steps=70))
    result = result_of(job)
    assert "rose from 1 to 1.5" in result["refit"]["reason"]
    assert "scored" not in result
    assert not (Path(job.folder) / "scored_weights.keras").exists()


def test_an_interrupted_second_training_ends_at_the_same_weights(
    long: tuple[child.Job, list[Line]], job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnts.learning import checkpoints

    write = checkpoints.write

    def write_once(folder: Path, *arguments: Anything) -> None:
        write(folder, *arguments)
        if folder.name == "refit":
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "write", write_once)
    job = replace(job, steps=70)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.undo()
    run(job)
    undisturbed, resumed = result_of(long[0]), result_of(job)
    for told in ("weights", "scored", "probe"):
        assert resumed[told] == undisturbed[told]


def test_an_interrupted_training_ends_at_the_same_weights(
    whole: tuple[child.Job, list[Line]], job: child.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnts.learning import checkpoints

    write, written = checkpoints.write, []

    def write_twice(*arguments: Anything) -> None:
        write(*arguments)
        written.append(arguments[0])
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "write", write_twice)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.undo()
    assert not (Path(job.folder) / "result.json").exists()
    run(job)
    undisturbed, resumed = result_of(whole[0]), result_of(job)
    assert resumed["weights"]["digest"] == undisturbed["weights"]["digest"]
    assert resumed["probe"] == undisturbed["probe"]
    assert resumed["curve"] == undisturbed["curve"]
