"""Killed at any failpoint and run again: one live publication, nothing doubled, nothing lost."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.faults.forks import Order, Run, warm_process
from tests.faults.nights import FIRST_NIGHT, SECOND_NIGHT, broken, what_readers_see
from tests.faults.reached import IN_A_NIGHT
from tests.faults.stages import Stage

DEGRADED = 3  # no champion: every night of this project stands on the ladder


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a night in a fork of a warm process."""
    with warm_process() as run:
        yield run


@dataclass(frozen=True, slots=True)
class Nights:
    """A project after one good night, and one after a second that nothing disturbed."""

    stage: Stage
    good: Path
    undisturbed: Path


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def nights(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run: Run
) -> Nights:
    server = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    stage = Stage(tmp_path_factory.mktemp(f"crashes-{request.param}"), server)
    good = stage.make("good")
    assert run(Order(str(good), "night", FIRST_NIGHT.isoformat())) == DEGRADED
    undisturbed = stage.copy(good, "undisturbed")
    assert run(Order(str(undisturbed), "night", SECOND_NIGHT.isoformat())) == DEGRADED
    return Nights(stage, good, undisturbed)


@pytest.mark.parametrize("failpoint", sorted(IN_A_NIGHT))
def test_a_night_killed_at_a_failpoint_is_whole_after_one_rerun(
    nights: Nights, run: Run, failpoint: str
) -> None:
    config = nights.stage.copy(nights.good, failpoint)
    before, after = what_readers_see(config), what_readers_see(nights.undisturbed)
    again = Order(str(config), "night", SECOND_NIGHT.isoformat())

    killed = run(replace(again, failpoint=f"{failpoint}:kill"))

    assert killed == -signal.SIGKILL, f"{failpoint} is never reached"
    assert broken(config) == []
    assert what_readers_see(config) in (before, after)
    if failpoint in {"publish.committed", "notify.sent_unmarked"}:
        assert what_readers_see(config) == after
    assert run(again) in (0, DEGRADED)
    assert what_readers_see(config) == after
    assert broken(config) == []
    assert run(again) in (0, DEGRADED)  # and again: a no-op
    assert what_readers_see(config) == after
