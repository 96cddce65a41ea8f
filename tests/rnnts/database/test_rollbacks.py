from datetime import timedelta

import pytest

from rnnts.database.engine import Database
from rnnts.database.invariants import check_invariants
from rnnts.database.issues import held_back, publications
from rnnts.database.rollbacks import rollback_target, take_back
from rnnts.errors import InfrastructureError
from tests.rnnts.database.staged import NIGHT, published

DAY = timedelta(days=1)


@pytest.fixture
def nights(database: Database) -> Database:
    """Three nights, and a backfill between them, which is never live."""
    for days in (0, 2, 4):
        published(database, NIGHT + days * DAY)
    published(database, NIGHT + 3 * DAY, "backfill")
    return database


def take_back_live(database: Database) -> tuple[int, int]:
    with database.writing() as connection:
        now, before = rollback_target(connection, "loads")
        assert now is not None
        assert before is not None
        take_back(connection, now, before)
    return now.id, before.id


def test_the_night_before_is_live_and_what_was_live_is_held(nights: Database) -> None:
    assert take_back_live(nights) == (3, 2)
    with nights.reading() as connection:
        seen = {row.id: row.status for row in publications(connection, "loads")}
        held = held_back(connection, "loads", NIGHT + 4 * DAY, "night")
    assert seen == {1: "superseded", 2: "live", 4: "superseded"}
    assert held is not None
    assert (held.id, held.status) == (3, "held")
    assert check_invariants(nights) == ()


def test_nothing_is_before_the_first_night(nights: Database) -> None:
    assert take_back_live(nights) == (3, 2)
    assert take_back_live(nights) == (2, 1)
    with nights.reading() as connection:
        now, before = rollback_target(connection, "loads")
        assert rollback_target(connection, "wind") == (None, None)
    assert now is not None
    assert (now.id, before) == (1, None)


def test_the_same_decision_twice_is_one_and_an_outdated_one_is_refused(nights: Database) -> None:
    with nights.reading() as connection:
        now, before = rollback_target(connection, "loads")
    assert now is not None
    assert before is not None
    for _ in range(2):
        with nights.writing() as connection:
            take_back(connection, now, before)
    published(nights, NIGHT + 5 * DAY)
    with pytest.raises(InfrastructureError, match="LIVE_CHANGED"), nights.writing() as connection:
        take_back(connection, now, before)
