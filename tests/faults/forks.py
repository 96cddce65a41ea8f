"""Nights and retrains, run in forks of one warm process so that each can be killed.

As a program it reads one order a line and answers with the exit status of the fork that did it:
a fork costs milliseconds where a fresh interpreter costs seconds. With the word `networks` it has
imported TensorFlow too, and run nothing of it: that, a fork would not survive.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from rnnts import failpoints
from rnnts.errors import RnntsError
from rnnts.learning.supervise import PARENT_VARIABLE, Budget, Line, Outcome, _ending
from rnnts.project import open_project
from tests.faults.nights import PANEL

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Order:
    """One night or retrain of one project, with or without a failpoint."""

    config: str
    work: Literal["night", "retrain"]
    at: str  # issued_at of the night, as_of of the retrain
    failpoint: str = ""  # as RNNTS_FAILPOINT has it
    spawn: bool = False  # train as the product does, in a process of its own; else in a fork


Run = Callable[[Order], int]


@contextmanager
def warm_process(*words: str) -> Iterator[Run]:
    """The program of this module: what it gives runs an order and returns its exit status."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.forks", *words],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def run(order: Order) -> int:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(json.dumps(asdict(order)) + "\n")
        program.stdin.flush()
        return int(program.stdout.readline())

    with program:  # leaving it closes the input, which ends the program
        yield run
    assert program.returncode == 0


def night(config: str, issued_at: datetime) -> int:
    """The order of work of one night, without Prefect; its exit code."""
    from rnnts.steps.calibrate import calibrate
    from rnnts.steps.forecast import forecast
    from rnnts.steps.ingest import ingest
    from rnnts.steps.notify import notify
    from rnnts.steps.publish import publish
    from rnnts.steps.score import score

    project = open_project(config)
    snapshot = ingest(project, PANEL, issued_at).snapshot_id
    score(project, PANEL, snapshot, issued_at)
    calibrate(project, PANEL, snapshot, issued_at)
    staged = forecast(project, PANEL, snapshot, issued_at).staged_id
    published = publish(project, PANEL, staged, issued_at)
    notify(project, PANEL)
    return published.exit_code


def retrain(config: str, as_of: datetime) -> int:
    """The order of work of one retrain, without Prefect; its exit code."""
    from rnnts.steps.evaluate import evaluate
    from rnnts.steps.ingest import ingest
    from rnnts.steps.notify import notify
    from rnnts.steps.promote import promote
    from rnnts.steps.train import train
    from rnnts.steps.window import window

    project = open_project(config)
    snapshot = ingest(project, PANEL, as_of).snapshot_id
    windows = window(project, PANEL, snapshot, as_of).windows_id
    trained = train(project, PANEL, windows, as_of).version_id
    scorecard = evaluate(project, PANEL, trained).scorecard_id
    promote(project, PANEL, scorecard)
    notify(project, PANEL)
    return 0


def _do(order: Order) -> int:
    """What a fork does: arm the failpoint, do the work, give the exit code."""
    os.environ[failpoints.VARIABLE] = order.failpoint  # a training process arms its own
    failpoints._armed = failpoints._arm()
    work = {"night": night, "retrain": retrain}[order.work]
    train = nullcontext() if order.spawn else patch("rnnts.learning.jobs.supervise", _supervise)
    try:
        with train:
            return work(order.config, datetime.fromisoformat(order.at))
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except failpoints.FailpointError:
        return 1


def _supervise(
    command: Sequence[str],
    _budget: Budget,
    log: Path,
    on_line: Callable[[Line], None],
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Stands for `supervise`: the training process is a fork, which has TensorFlow already."""
    from rnnts.learning import child

    parent = str(os.getpid())
    reads, writes = os.pipe()

    def train() -> int:
        with log.open("ab") as errors:
            os.dup2(errors.fileno(), 2)
        os.dup2(writes, 1)
        os.environ.update(environment or {}, **{PARENT_VARIABLE: parent})
        sys.argv = [*command[2:]]
        child.main()
        return 0

    number = _forked(train)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as lines:
        for line in lines:
            on_line(json.loads(line))
    status = _ended(number)
    return Outcome(_ending(status, sys.maxsize), status, 0.0, 0, log.read_text(encoding="utf-8"))


def _forked(work: Callable[[], int]) -> int:
    """The number of a fork that does something, ends with what that gives, and goes no further."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            status = work()
        except BaseException:  # noqa: BLE001 - a fork must not fall back into its parent's loop
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return number


def _ended(number: int) -> int:
    """Exit status of a fork, once it ended; negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def main() -> None:
    """Import everything once, then do orders until the input ends."""
    import rnnts.database.publications
    import rnnts.steps.calibrate
    import rnnts.steps.evaluate
    import rnnts.steps.forecast
    import rnnts.steps.ingest
    import rnnts.steps.promote
    import rnnts.steps.publish
    import rnnts.steps.score
    import rnnts.steps.train

    if "networks" in sys.argv:
        from rnnts.learning.banners import load_tensorflow

        load_tensorflow()
        import rnnts.learning.fit
        import rnnts.steps.comparison  # noqa: F401

    for line in sys.stdin:
        order = Order(**json.loads(line))
        status = _ended(_forked(partial(_do, order)))
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
