"""`python -m flows.X`: its options, a reachable Prefect, one run a panel, one exit code."""

import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from httpx import TransportError
from prefect import Flow

from flows.prefect_api import prefect_api
from flows.run_outcome import BUG, Json, combined
from rnnts.errors import InfrastructureError, RnntsError
from rnnts.project import open_project
from rnnts.steps.instants import parse_instant


def instant(text: str) -> str:
    """The text, if it is an instant with its offset: refused before anything is started."""
    parse_instant(text)
    return text


def options_of(flow: Flow[..., Any], *, panels: bool = True) -> ArgumentParser:
    """The options that all flows have; each adds its own, named like its parameters.

    Args:
        flow: Whose description the help shows.
        panels: Whether it runs once a panel.
    """
    options = ArgumentParser(
        prog=f"python -m flows.{flow.name}", description=(flow.description or "").partition("\n")[0]
    )
    if panels:
        options.add_argument(
            "--panel", action="append", metavar="PANEL", help="repeatable; default: every panel"
        )
    options.add_argument(
        "--config",
        default=os.environ.get("RNNTS_CONFIG", "rnnts.toml"),
        metavar="FILE",
        help="the project's rnnts.toml",
    )
    options.add_argument(
        "--private",
        action="store_true",
        help="start a Prefect server for this run alone, although one is configured",
    )
    return options


def run(
    flow: Callable[..., Any], options: ArgumentParser, words: Sequence[str] | None = None
) -> int:
    """Run a flow for the panels that were asked for; all run, whatever happens to one.

    Returns:
        0, 2, 3, 4, 5 or 6 as the flow says, the worst of all panels; 1 for a bug of ours, and 130
        after SIGINT. SIGTERM ends the process with 143.
    """
    previous = signal.signal(signal.SIGTERM, _terminated)
    try:
        given = vars(options.parse_args(words))
        private = given.pop("private")
        runs = _runs(given)
        with prefect_api(given["config"], private=private):
            return combined(_one(flow, parameters) for parameters in runs)
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGTERM, previous)


def _runs(given: Json) -> list[Json]:
    """The parameters of each run; unknown panels are refused before anything is started."""
    project = open_project(given["config"])
    if "panel" not in given:
        return [given]
    panels = given["panel"] or sorted(project.config.panels)
    for panel in panels:
        project.panel(panel)
    return [given | {"panel": panel} for panel in panels]


def _one(flow: Callable[..., Any], parameters: Json) -> int:
    """Run once, print how it ended, and give the exit code."""
    code, message = BUG, "failed by a fault of rnnts; the log above says where"
    try:
        result = flow(**parameters)
        code, message = result["exit_code"], result["message"]
    except RnntsError as error:
        code, message = error.exit_code, str(error)
    except TransportError as error:
        code = InfrastructureError.exit_code
        message = f"PREFECT_UNREACHABLE: the Prefect API went away ({error}); run again"
    except Exception as error:  # noqa: BLE001 - Prefect has logged it; the other panels run
        message = f"{message} ({type(error).__name__})"
    sys.stdout.write(f"{parameters.get('panel', 'project')}: {message}\n")
    return code


def _terminated(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
