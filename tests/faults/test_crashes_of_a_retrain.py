"""A retrain killed at any failpoint and run again: one new champion; forecasts go on meanwhile."""

import signal
from collections.abc import Iterator

import pytest

from rnnts.failpoints import FAILPOINTS
from tests.faults import reached
from tests.faults.forks import Run, warm_process
from tests.faults.nights import (
    broken,
    champion_of,
    retrained,
    steps_that_had_nothing_to_do,
    what_readers_see,
)
from tests.faults.scenes import DEGRADED, Scene
from tests.faults.stages import Stage

TRAIN_KILLED = 5  # exit code
IN_A_REAL_PROCESS = "train.checkpoint_half"
"""Dies in a process that the product started to train. All else is trained in forks, which saves
the imports; what goes on from the checkpoints of that process gives the same bits."""
SWITCHES = frozenset({"promote.switched", "promote.committed"})
"""Where there is a champion to be replaced: on SQLite in a second retrain."""
CRASHES = [
    *(("first_on_sqlite", name) for name in sorted(reached.IN_A_RETRAIN - SWITCHES)),
    *(("second_on_sqlite", name) for name in sorted(SWITCHES)),
    *(
        pytest.param("first_on_postgresql", name, marks=pytest.mark.postgresql)
        for name in sorted(reached.AROUND_A_COMMIT_OF_A_RETRAIN)
    ),
]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a night or a retrain in a fork of a process that has imported TensorFlow."""
    with warm_process("networks") as run:
        yield run


@pytest.fixture(scope="module")
def first_on_sqlite(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene.first(run, Stage(tmp_path_factory.mktemp("retrains-sqlite"), None))


@pytest.fixture(scope="module")
def second_on_sqlite(first_on_sqlite: Scene) -> Scene:
    return first_on_sqlite.following()


@pytest.fixture(scope="module")
def first_on_postgresql(
    run: Run,
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_url: str,
    first_on_sqlite: Scene,
) -> Scene:
    stage = Stage(tmp_path_factory.mktemp("retrains-postgresql"), postgresql_url)
    return Scene.first(run, stage, first_on_sqlite)


def test_a_second_retrain_replaces_the_champion_by_one_decision_on_one_scorecard(
    second_on_sqlite: Scene,
) -> None:
    found = retrained(second_on_sqlite.whole)
    old, new = champion_of(second_on_sqlite.start), champion_of(second_on_sqlite.whole)
    statuses = {name: status for name, (status, _) in found["versions"].items()}
    assert statuses == {old: "retired", new: "champion"}
    decided = [(action, version, replaced) for action, version, replaced, *_ in found["decisions"]]
    assert decided == [("promote", new, old), ("promote", old, None)]
    assert len(found["scorecards"]) == len(found["messages"]) == found["manifests"] == 2


@pytest.mark.parametrize(("database", "failpoint"), CRASHES)
def test_a_retrain_killed_at_a_failpoint_is_whole_after_one_rerun(
    request: pytest.FixtureRequest, run: Run, database: str, failpoint: str
) -> None:
    scene: Scene = request.getfixturevalue(database)
    undisturbed = (scene.twin or scene).whole
    config = scene.before(failpoint)
    before, old, new = what_readers_see(config), champion_of(config), champion_of(undisturbed)

    in_child, spawn = failpoint in reached.IN_A_TRAINING_PROCESS, failpoint == IN_A_REAL_PROCESS
    kill = "kill@2" if in_child else "kill"  # by then there is a checkpoint to go on from
    killed = run(scene.retrain(config, f"{failpoint}:{kill}", spawn=spawn))

    assert killed == (TRAIN_KILLED if in_child else -signal.SIGKILL), f"{failpoint} is not reached"
    assert broken(config) == []
    assert what_readers_see(config) == before
    serving = champion_of(config)
    assert serving == (new if failpoint == "promote.committed" else old)
    assert run(scene.night(config)) == (0 if serving else DEGRADED)  # nobody has to mend anything
    published = what_readers_see(config)
    assert (published[0], published[2]) == (scene.night_at.isoformat(), serving)
    for _ in ("the rerun", "once more: a no-op"):
        assert run(scene.retrain(config)) == 0
        assert retrained(config) == retrained(undisturbed)
        assert broken(config) == []
    assert {"train", "evaluate", "promote"} <= steps_that_had_nothing_to_do(config)
    assert what_readers_see(config) == published


@pytest.mark.parametrize("failpoint", sorted(reached.IN_A_NIGHT_OF_A_CHAMPION))
def test_a_night_killed_while_its_network_forecasts_keeps_what_readers_see(
    second_on_sqlite: Scene, run: Run, failpoint: str
) -> None:
    scene = second_on_sqlite
    config = scene.before(failpoint)
    before, after = what_readers_see(config), what_readers_see(scene.whole_night)

    killed = run(scene.night(config, f"{failpoint}:kill"))

    assert killed == -signal.SIGKILL, f"{failpoint} is not reached"
    assert what_readers_see(config) == before
    assert champion_of(config) == after[2] == before[2] is not None
    assert run(scene.night(config)) == 0
    assert what_readers_see(config) == after
    assert broken(config) == []


def test_every_failpoint_is_killed_at_by_a_crash_test_or_it_is_said_why_not() -> None:
    killed = reached.IN_A_NIGHT | reached.IN_A_NIGHT_OF_A_CHAMPION | reached.IN_A_RETRAIN
    assert killed | reached.NOT_HERE.keys() == FAILPOINTS
    assert not killed & reached.NOT_HERE.keys()
