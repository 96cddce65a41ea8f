"""The order of work, with tasks that only say that they were called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.logging import disable_run_logger

from flows import backfill_history, nightly_forecast, optional_work, weekly_retrain
from rnnts.errors import InfrastructureError, NoUsableDataError
from rnnts.failpoints import FailpointError
from rnnts.project import open_project

AT = "2013-12-02T07:00:00+00:00"
GIVES: dict[str, dict[str, Any]] = {
    "ingest": {"snapshot_id": "s1"},
    "score": {"skill": 0.2},
    "calibrate": {},
    "forecast": {"staged_id": "f1", "methods": {"network": 3}},
    "publish": {"status": "live", "rows": 72, "exit_code": 0, "noop": False, "message": ""},
    "notify": {},
    "window": {"windows_id": "w1"},
    "train": {"version_id": "v1", "status": "candidate"},
    "evaluate": {"scorecard_id": "c1"},
    "promote": {"action": "promote", "reason": "MASE 0.7 beats 0.9"},
}


class Tasks:
    """Fakes of all tasks a flow uses; each call is kept, and one may be told to fail."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.arguments: dict[str, tuple[Any, ...]] = {}
        self.noted: list[tuple[Any, ...]] = []
        self.failing: dict[str, BaseException] = {}
        self.gives: dict[str, Any] = {**GIVES}

    def fake(self, name: str) -> Callable[..., Any]:
        def task(*arguments: Any, **_named: Any) -> Any:  # noqa: ANN401 - as any task
            self.called.append(name)
            self.arguments[name] = arguments
            if name in self.failing:
                raise self.failing[name]
            return self.gives.get(name)

        task.name = name  # type: ignore[attr-defined] # a task has one
        return task


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Tasks:
    fakes = Tasks()
    every = (*GIVES, "standing", "overtaken", "report_night", "report_retrain")
    for module in (nightly_forecast, weekly_retrain):
        for name in every:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, fakes.fake(name))
    monkeypatch.setattr(optional_work, "note", lambda *what: fakes.noted.append(what))
    return fakes


def night(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - as the function
    with disable_run_logger():
        return nightly_forecast.night("rnnts.toml", "loads", AT, **more)


def test_a_night_scores_the_past_before_it_forecasts(tasks: Tasks) -> None:
    night()
    assert tasks.called == [
        "standing",
        "ingest",
        "score",
        "calibrate",
        "forecast",
        "publish",
        "notify",
    ]
    assert tasks.arguments["forecast"] == ("rnnts.toml", "loads", "s1", AT, "night")
    assert tasks.arguments["publish"] == ("rnnts.toml", "loads", "f1", AT, "night")


def test_a_night_says_what_became_of_it(tasks: Tasks) -> None:
    published = night()
    assert published["message"] == "live, 72 rows (series by method: network 3)"
    assert (published["methods"], published["skill"]) == ({"network": 3}, 0.2)
    assert tasks.noted == []


@pytest.mark.parametrize(("unsent", "called"), [(False, []), (True, ["notify"])])
def test_a_night_that_stands_is_left_alone_but_alerts_that_wait_go_out(
    tasks: Tasks,
    unsent: bool,  # noqa: FBT001 - a case
    called: list[str],
) -> None:
    stands = {"noop": True, "exit_code": 0, "message": "already published", "unsent": unsent}
    tasks.gives["standing"] = stands
    assert night()["message"] == "already published"
    assert tasks.called == ["standing", *called]


def test_a_night_that_is_to_be_replaced_is_done_whatever_stands(tasks: Tasks) -> None:
    night(replace=True)
    assert tasks.called[0] == "ingest"


@pytest.mark.parametrize("step", ["score", "calibrate", "notify"])
@pytest.mark.parametrize("error", [InfrastructureError("DB_SLOW", got="a", do="b"), KeyError("n")])
def test_a_side_step_that_fails_costs_no_forecast_and_leaves_a_finding(
    tasks: Tasks, step: str, error: Exception
) -> None:
    tasks.failing[step] = error
    assert night()["status"] == "live"
    assert [(noted[1], noted[2], noted[3]) for noted in tasks.noted] == [("loads", step, AT)]


def test_a_failpoint_is_caught_by_nobody(tasks: Tasks) -> None:
    tasks.failing["score"] = FailpointError("score.half")
    with pytest.raises(FailpointError):
        night()


def test_without_a_snapshot_there_is_no_night(tasks: Tasks) -> None:
    tasks.failing["ingest"] = NoUsableDataError("SOURCE_EMPTY", got="0 rows", do="load")
    with pytest.raises(NoUsableDataError):
        night()
    assert tasks.called == ["standing", "ingest"]


@pytest.mark.parametrize("step", ["standing", "ingest", "forecast", "publish"])
def test_a_night_whose_database_is_down_is_kept_in_one_file(
    tasks: Tasks, config: str, step: str
) -> None:
    shown = open_project(config).database.shown
    down = InfrastructureError("DB_UNREACHABLE", got="refused", do="start it", where=shown)
    tasks.failing[step] = down
    with pytest.raises(InfrastructureError), disable_run_logger():
        nightly_forecast.night(config, "loads", AT)
    assert len(list((Path(config).parent / ".rnnts" / "spool").iterdir())) == 1


def retrain() -> dict[str, Any]:
    with disable_run_logger():
        return weekly_retrain.retrain("rnnts.toml", "loads", AT)


def test_a_retrain_promotes_what_it_has_evaluated(tasks: Tasks) -> None:
    decision = retrain()
    verbs = [name for name in tasks.called if name != "report_retrain"]
    assert verbs == ["ingest", "window", "train", "evaluate", "promote", "notify"]
    assert tasks.arguments["promote"] == ("rnnts.toml", "loads", "c1")
    assert (decision["exit_code"], decision["message"]) == (0, "champion: MASE 0.7 beats 0.9")


def test_a_candidate_that_is_rejected_is_a_retrain_well_done(tasks: Tasks) -> None:
    tasks.gives["promote"] = {"action": "reject", "reason": "MASE 0.9 against 0.8"}
    decision = retrain()
    assert (decision["exit_code"], decision["message"]) == (0, "rejected: MASE 0.9 against 0.8")


def test_a_training_that_diverged_is_not_evaluated(tasks: Tasks) -> None:
    tasks.gives["train"] = {"version_id": "v1", "status": "rejected", "reason": "TRAIN_DIVERGED"}
    assert retrain()["message"] == "rejected: TRAIN_DIVERGED"
    assert tasks.called == ["ingest", "window", "train", "notify"]


def backfill(monkeypatch: pytest.MonkeyPatch, tasks: Tasks, config: str) -> Any:  # noqa: ANN401
    monkeypatch.setattr(backfill_history, "night", lambda *words: one(words, tasks))
    first, last = "2013-12-02T02:00:00-05:00", "2013-12-04T02:00:00-05:00"
    with disable_run_logger():
        return backfill_history.backfill_history.fn(config, "loads", first, last)


def one(words: tuple[Any, ...], tasks: Tasks) -> dict[str, Any]:
    tasks.called.append(words[2])
    if words[2] in tasks.failing:
        raise tasks.failing[words[2]]
    return {"exit_code": 3 if "12-03" in words[2] else 0, "message": words[3]}


def test_a_backfill_is_the_night_over_past_slots(
    monkeypatch: pytest.MonkeyPatch, tasks: Tasks, config: str
) -> None:
    state = backfill(monkeypatch, tasks, config)
    assert tasks.called == [f"2013-12-0{day}T07:00:00+00:00" for day in (2, 3, 4)]
    assert (state.name, state.message) == ("Degraded", "3 nights are there")
    assert [night["message"] for night in state.data["nights"]] == ["backfill"] * 3


def test_a_past_night_without_data_leaves_the_others_theirs(
    monkeypatch: pytest.MonkeyPatch, tasks: Tasks, config: str
) -> None:
    empty = NoUsableDataError("SOURCE_EMPTY", got="0 rows", do="load")
    tasks.failing["2013-12-02T07:00:00+00:00"] = empty
    state = backfill(monkeypatch, tasks, config)
    assert len(tasks.called) == 3
    assert state.is_failed()
    assert state.data.exit_code == 4
    assert "expected 3 nights, got 2" in state.message


def test_a_backfill_ends_at_a_database_that_is_down(
    monkeypatch: pytest.MonkeyPatch, tasks: Tasks, config: str
) -> None:
    down = InfrastructureError("DB_UNREACHABLE", got="refused", do="start it")
    tasks.failing["2013-12-02T07:00:00+00:00"] = down
    state = backfill(monkeypatch, tasks, config)
    assert len(tasks.called) == 1
    assert state.data.exit_code == 5
