from datetime import timedelta

import pytest

from rnnts.database.engine import Database
from rnnts.database.invariants import check_invariants
from rnnts.database.leases import hold
from rnnts.database.runs import record
from tests.rnnts.database.staged import NIGHT, published, staged

DAY = timedelta(days=1)


def _filled(database: Database) -> None:
    """A live night, a superseded one, a replaced one, a backfill, and one that died staging."""
    published(database, NIGHT)
    published(database, NIGHT + DAY)
    published(database, NIGHT + DAY, level=3.0, replace=True)
    published(database, NIGHT - DAY, "backfill")
    with record(database, "loads", "publish", NIGHT):
        pass
    with hold(database, "loads", "night") as lease:
        staged(database, lease, NIGHT + 2 * DAY)


def test_a_sound_database_has_no_violation(database: Database) -> None:
    assert check_invariants(database) == ()
    _filled(database)
    assert check_invariants(database) == ()


DAMAGE = {  # publication 3 is live, 1 superseded, 2 replaced
    "has the rows": "DELETE FROM rnnts_forecast WHERE publication = 3 AND step = 1",
    "has the digest": "UPDATE rnnts_forecast SET q50 = 0 WHERE publication = 3",
    "issue and target time": """
        UPDATE rnnts_forecast SET target_time = '2014-01-01 00:00:00+00:00' WHERE publication = 3
    """,
    "panel and issue": "UPDATE rnnts_publication SET status = 'superseded' WHERE id = 2",
    "only nights": "UPDATE rnnts_publication SET kind = 'shadow' WHERE id = 3",
    "has its message": "DELETE FROM rnnts_outbox WHERE id = 1",
    "has its publication": """
        UPDATE rnnts_publication SET status = 'dead', published_at = NULL WHERE id = 1
    """,
    "instant of publication": "UPDATE rnnts_publication SET published_at = NULL WHERE id = 1",
    "newer than what is live": """
        UPDATE rnnts_publication SET issued_at = '2014-01-01 00:00:00+00:00' WHERE id = 1
    """,
    "while none is live": "UPDATE rnnts_publication SET status = 'superseded' WHERE id = 3",
    "no dead lease": """
        UPDATE rnnts_lease SET holder = 'elsewhere/x/1/0', expires = expires - 100
    """,
    "a run that ended": "UPDATE rnnts_run SET finished_at = NULL",
    "the version promoted last": """
        INSERT INTO rnnts_model_version
        VALUES ('v', 'loads', '2013-12-02 07:00:00+00:00', 's', 'w', 'champion', '{}', 'n', 'h',
            '2013-12-02 07:00:00+00:00')
    """,
}


@pytest.mark.parametrize("invariant", list(DAMAGE))
def test_each_kind_of_damage_is_found(database: Database, invariant: str) -> None:
    _filled(database)
    with database.writing() as connection:
        connection.exec_driver_sql(DAMAGE[invariant])
    found = [str(violation) for violation in check_invariants(database)]
    assert any(invariant in violation for violation in found), found
