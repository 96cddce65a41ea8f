from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from rnnts.database import models
from rnnts.database.engine import Database
from rnnts.errors import IntegrityError

FIRST = datetime(2013, 11, 24, 8, tzinfo=UTC)
WEEK = timedelta(days=7)


def _train(connection: Connection, name: str, as_of: datetime = FIRST) -> str:
    version_id = name * 64
    models.add_version(
        connection,
        version_id=version_id,
        panel="loads",
        as_of=as_of,
        snapshot_id="5" * 64,
        windows_id="6" * 64,
        manifest={"steps": 100, "name": "Größe"},
        weights_name=f"weights/{name}",
        weights_sha256="7" * 64,
    )
    models.add_scorecard(
        connection,
        scorecard_id=f"score-{name}",
        panel="loads",
        version_id=version_id,
        snapshot_id="5" * 64,
        as_of=as_of,
        scores={"candidate": {"mase": 0.7, "smape": None}},
    )
    return version_id


def _promote(connection: Connection, name: str, effective_from: datetime) -> models.DecisionRow:
    return models.promote(
        connection,
        panel="loads",
        version_id=_train(connection, name, effective_from),
        scorecard_id=f"score-{name}",
        reason="better by 3 %",
        numbers={"mase": 0.7},
        effective_from=effective_from,
    )


def _champion(connection: Connection, at: datetime) -> str | None:
    found = models.champion(connection, "loads", at)
    return None if found is None else found.version_id[0]


def test_a_version_is_recorded_once_and_comes_back_whole(database: Database) -> None:
    with database.writing() as connection:
        _train(connection, "a")
        first = models.version(connection, "a" * 64)
        _train(connection, "a", FIRST + WEEK)
        assert models.version(connection, "a" * 64) == first
        assert models.version(connection, "b" * 64) is None
    assert first is not None
    assert first.manifest == {"steps": 100, "name": "Größe"}
    assert (first.status, first.as_of) == ("candidate", FIRST)


def test_a_scorecard_comes_back_whole(database: Database) -> None:
    with database.writing() as connection:
        _train(connection, "a")
        card = models.scorecard(connection, "score-a")
        assert card == models.scorecard_of(connection, "a" * 64)
    assert card is not None
    assert card.scores == {"candidate": {"mase": 0.7, "smape": None}}


def test_the_champion_of_an_instant_is_the_newest_promotion_effective_then(
    database: Database,
) -> None:
    with database.writing() as connection:
        _promote(connection, "a", FIRST)
        _promote(connection, "b", FIRST + WEEK)
        assert _champion(connection, FIRST - timedelta(seconds=1)) is None
        assert _champion(connection, FIRST) == "a"
        assert _champion(connection, FIRST + WEEK - timedelta(seconds=1)) == "a"
        assert _champion(connection, FIRST + WEEK) == "b"
        before = models.previous_champions(connection, "loads", FIRST + WEEK)
        assert [row.version_id[0] for row in before] == ["a"]
        assert models.previous_champions(connection, "loads", FIRST) == ()


def test_one_version_a_panel_is_champion_by_status(database: Database) -> None:
    with database.writing() as connection:
        _promote(connection, "a", FIRST)
        decision = _promote(connection, "b", FIRST + WEEK)
        statuses = {row.version_id[0]: row.status for row in models.versions(connection, "loads")}
    assert statuses == {"a": "retired", "b": "champion"}
    assert decision.replaces == "a" * 64
    with pytest.raises(IntegrityError, match="DB_CONSTRAINT"), database.writing() as connection:
        connection.execute(text("UPDATE rnnts_model_version SET status = 'champion'"))


def test_a_retrain_made_up_for_the_past_takes_nothing_from_todays_champion(
    database: Database,
) -> None:
    with database.writing() as connection:
        _promote(connection, "b", FIRST + WEEK)
        decision = _promote(connection, "a", FIRST)
        statuses = {row.version_id[0]: row.status for row in models.versions(connection, "loads")}
        assert _champion(connection, FIRST) == "a"
        assert _champion(connection, FIRST + WEEK) == "b"
    assert statuses == {"a": "retired", "b": "champion"}
    assert decision.replaces is None


def test_a_rollback_is_effective_from_its_own_instant(database: Database) -> None:
    with database.writing() as connection:
        _promote(connection, "a", FIRST)
        _promote(connection, "b", FIRST + WEEK)
        models.promote(
            connection,
            panel="loads",
            version_id="a" * 64,
            scorecard_id=None,
            reason="b forgot the weekends",
            numbers={},
            effective_from=FIRST + 2 * WEEK,
            decided_by="ann",
            action="rollback",
        )
        assert _champion(connection, FIRST + WEEK) == "b"
        assert _champion(connection, FIRST + 2 * WEEK) == "a"
        before = models.previous_champions(connection, "loads", FIRST + 2 * WEEK)
        assert [row.version_id[0] for row in before] == ["b"]
        assert models.decisions(connection, "loads")[0].decided_by == "ann"


def test_the_same_promotion_twice_is_one_decision(database: Database) -> None:
    with database.writing() as connection:
        assert _promote(connection, "a", FIRST) == _promote(connection, "a", FIRST)
        assert len(models.decisions(connection, "loads")) == 1


def test_a_rejected_candidate_keeps_the_reason_and_changes_no_champion(
    database: Database,
) -> None:
    with database.writing() as connection:
        _promote(connection, "a", FIRST)
        version_id = _train(connection, "b", FIRST + WEEK)
        decision, again = (
            models.reject(
                connection,
                panel="loads",
                version_id=version_id,
                scorecard_id="score-b",
                reason="0.91 is no better than 0.90",
                numbers={"mase": 0.91},
            )
            for _ in range(2)
        )
        assert again == decision
        assert _champion(connection, FIRST + WEEK) == "a"
        rejected = models.version(connection, version_id)
        assert len(models.decisions(connection, "loads")) == 2
    assert rejected is not None
    assert rejected.status == "rejected"
    assert (decision.action, decision.effective_from) == ("reject", None)
    assert decision.reason == "0.91 is no better than 0.90"


def test_a_calibration_is_seen_by_nobody_before_its_instant(database: Database) -> None:
    with database.writing() as connection:
        version_id = _train(connection, "a")
        for day in range(3):
            models.add_calibration(
                connection,
                calibration_id=f"cal-{day}",
                panel="loads",
                version_id=version_id,
                as_of=FIRST + timedelta(days=day),
                artefact=f"calibration/{day}",
                summary={"residuals": day},
            )
        at = FIRST + timedelta(days=1, hours=3)
        found = models.calibration_at(connection, "loads", version_id, at)
        assert models.calibration_at(connection, "loads", None, at) is None
        assert models.calibration_at(connection, "loads", version_id, FIRST - WEEK) is None
        assert models.calibration(connection, "cal-1") == found
    assert found is not None
    assert found.summary == {"residuals": 1}


def test_numbers_that_are_no_json_are_refused(database: Database) -> None:
    with database.writing() as connection:
        version_id = _train(connection, "a")
        with pytest.raises(Exception, match="JSON compliant"):
            models.reject(
                connection,
                panel="loads",
                version_id=version_id,
                scorecard_id=None,
                reason="",
                numbers={"mase": float("nan")},
            )
