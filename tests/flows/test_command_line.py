import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import ConnectError

from flows import backfill_history, command_line, nightly_forecast, tidy_up, weekly_retrain
from rnnts.errors import IntegrityError, NoUsableDataError


class Flow:
    """A flow that ends for each panel as it is told, and remembers what it was called with."""

    name = "nightly_forecast"
    description = "What it does.\nAnd more."

    def __init__(self, **ends: object) -> None:
        self.ends = ends
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **parameters: Any) -> Any:  # noqa: ANN401 - as a flow
        self.calls.append(parameters)
        end = self.ends[parameters["panel"]]
        if isinstance(end, BaseException):
            raise end
        return {"exit_code": end, "message": f"ended with {end}"}


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """No server: only whether a private one was asked for."""
    asked: list[bool] = []

    @contextmanager
    def fake(_config: str, *, private: bool) -> Iterator[str]:
        asked.append(private)
        yield "http://127.0.0.1:1/api"

    monkeypatch.setattr(command_line, "prefect_api", fake)
    return asked


def run(flow: Flow, config: str, *words: str) -> int:
    options = command_line.options_of(flow)  # type: ignore[arg-type] # what is used of a flow
    return command_line.run(flow, options, ["--config", config, *words])


def test_without_a_panel_every_panel_runs_and_the_gravest_end_counts(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = Flow(calls=NoUsableDataError("SOURCE_EMPTY", got="0 rows", do="load"), loads=3)
    assert run(flow, config) == 4
    assert [call["panel"] for call in flow.calls] == ["calls", "loads"]
    assert capsys.readouterr().out.splitlines() == [
        "calls: SOURCE_EMPTY: 0 rows; load",
        "loads: ended with 3",
    ]


def test_a_panel_that_fails_leaves_the_others_theirs(config: str) -> None:
    flow = Flow(calls=IntegrityError("FENCED", got="token 7", do="wait"), loads=0)
    assert run(flow, config, "--panel", "calls", "--panel", "loads") == 6
    assert [call["panel"] for call in flow.calls] == ["calls", "loads"]


def test_a_fault_of_ours_exits_1_and_the_others_run(config: str) -> None:
    flow = Flow(calls=KeyError("x"), loads=0)
    assert run(flow, config) == 1
    assert len(flow.calls) == 2


def test_an_api_that_goes_away_is_infrastructure(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Flow(loads=ConnectError("refused")), config, "--panel", "loads") == 5
    assert "PREFECT_UNREACHABLE" in capsys.readouterr().out


def test_an_unknown_panel_is_refused_before_anything_is_started(
    config: str, api: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Flow(), config, "--panel", "lods") == 2
    assert "did you mean loads?" in capsys.readouterr().err
    assert api == []


def test_a_time_without_offset_is_refused_before_anything_is_started(
    config: str, api: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", config, "--panel", "loads", "--issued-at", "2013-12-02 02:00"]
    assert nightly_forecast.main(words) == 2
    assert "INSTANT_INVALID" in capsys.readouterr().err
    assert api == []


def test_a_missing_configuration_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weekly_retrain.main(["--config", str(tmp_path / "no.toml")]) == 2
    error = capsys.readouterr().err
    assert "no.toml" in error
    assert len(error.splitlines()) == 1


def test_an_interrupt_exits_130(config: str) -> None:
    assert run(Flow(loads=KeyboardInterrupt()), config, "--panel", "loads") == 130


def test_sigterm_exits_143_and_leaves_every_block(config: str) -> None:
    class Terminated(Flow):
        def __call__(self, **_parameters: Any) -> Any:  # noqa: ANN401
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        run(Terminated(), config, "--panel", "loads")
    assert caught.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("words", [[], ["--private"]])
def test_a_private_server_is_asked_for_by_name(
    config: str, api: list[bool], words: list[str]
) -> None:
    assert run(Flow(loads=0), config, "--panel", "loads", *words) == 0
    assert api == [bool(words)]


@pytest.mark.parametrize("module", [nightly_forecast, weekly_retrain, backfill_history, tidy_up])
def test_every_flow_says_what_it_does(module: Any, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ANN401
    with pytest.raises(SystemExit):
        module.main(["--help"])
    said = capsys.readouterr().out
    assert "--private" in said
    assert "--config" in said


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nightly_forecast, ["--issued-at", "2013-12-02T07:00:00Z", "--replace"]),
        (weekly_retrain, ["--as-of", "2013-12-02T07:00:00Z"]),
        (backfill_history, ["--from", "2013-12-02T07:00:00Z", "--to", "2013-12-03T07:00:00Z"]),
    ],
    ids=["nightly_forecast", "weekly_retrain", "backfill_history"],
)
def test_every_flow_knows_the_words_that_are_promised(
    module: Any,  # noqa: ANN401 - a module
    words: list[str],
    config: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flow = Flow(loads=0)
    monkeypatch.setattr(module, "run", lambda _flow, options, given: run_as(flow, options, given))
    assert module.main(["--config", config, "--panel", "loads", "--private", *words]) == 0
    assert set(words[1::2]) & {str(value) for value in flow.calls[0].values()}


def run_as(flow: Flow, options: Any, words: list[str]) -> int:  # noqa: ANN401 - a parser
    return command_line.run(flow, options, words)
