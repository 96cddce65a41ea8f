"""Killed at any failpoint and run again: one live publication, nothing doubled, nothing lost."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnts.database.engine import Database
from rnnts.database.invariants import check_invariants
from rnnts.database.issues import live
from rnnts.failpoints import FAILPOINTS
from tests import postgresql_server
from tests.faults.nights import FIRST_NIGHT, PANEL, SECOND_NIGHT, Order, encoded, make_project

ROOT = Path(__file__).parents[2]
OF_TRAINING = ("window.", "train.", "evaluate.", "promote.")
OF_TIDYING = ("tidy.",)
NOT_IN_A_NIGHT = {
    "lease.renewing": "comes after ten seconds of holding a lease",
    "forecast.weights_verified": "needs a champion",
}
NIGHTLY = sorted(
    name
    for name in FAILPOINTS
    if not name.startswith(OF_TRAINING + OF_TIDYING) and name not in NOT_IN_A_NIGHT
)
DEGRADED = 3  # no champion: every night of this project stands on the ladder
Run = Callable[[Order], int]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a night in a fork of a warm process."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nights"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def do(order: Order) -> int:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(encoded(order))
        program.stdin.flush()
        return int(program.stdout.readline())

    with program:  # leaving it closes the input, which ends the program
        yield do
    assert program.returncode == 0


class Stage:
    """A project after one good night, to be copied for each crash."""

    def __init__(self, folder: Path, server: str | None, run: Run) -> None:
        self.folder, self.server, self.run = folder, server, run
        self.template = postgresql_server.new_database(server) if server else ""
        config = make_project(folder / "good", self.template or "sqlite:///rnnts.db")
        assert run(Order(str(config), FIRST_NIGHT.isoformat())) == DEGRADED
        self.undisturbed = self.copy("undisturbed")
        assert run(Order(str(self.undisturbed), SECOND_NIGHT.isoformat())) == DEGRADED

    def copy(self, name: str) -> Path:
        """A copy of the project, database and store; give back its rnnts.toml."""
        target = self.folder / name
        shutil.copytree(self.folder / "good", target)
        config = target / "rnnts.toml"
        if self.server:
            url = postgresql_server.new_database(self.server, self.template.rpartition("/")[2])
            config.write_text(config.read_text().replace(self.template, url))
        return config


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run: Run
) -> Stage:
    server = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    return Stage(tmp_path_factory.mktemp(f"crashes-{request.param}"), server, run)


def opened(config: Path) -> Database:
    from rnnts.project import open_project

    return open_project(config).database


def what_readers_see(config: Path) -> tuple[str, str]:
    """Instant and digest of the live publication."""
    database = opened(config)
    with database.reading() as connection:
        row = live(connection, PANEL)
    database.close()
    assert row is not None
    return row.issued_at.isoformat(), row.digest


def broken(config: Path) -> list[str]:
    database = opened(config)
    found = [str(violation) for violation in check_invariants(database)]
    database.close()
    return found


@pytest.mark.parametrize("failpoint", NIGHTLY)
def test_a_night_killed_at_a_failpoint_is_whole_after_one_rerun(
    stage: Stage, failpoint: str
) -> None:
    config = stage.copy(failpoint)
    before, after = what_readers_see(config), what_readers_see(stage.undisturbed)
    again = Order(str(config), SECOND_NIGHT.isoformat())

    killed = stage.run(Order(again.config, again.issued_at, f"{failpoint}:kill"))

    assert killed == -signal.SIGKILL, f"{failpoint} is never reached"
    assert what_readers_see(config) in (before, after)
    if failpoint in {"publish.committed", "notify.sent_unmarked"}:
        assert what_readers_see(config) == after
    assert stage.run(again) in (0, DEGRADED)
    assert what_readers_see(config) == after
    assert broken(config) == []
    assert stage.run(again) in (0, DEGRADED)  # and again: a no-op
    assert what_readers_see(config) == after
