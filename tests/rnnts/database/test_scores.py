from datetime import timedelta

import numpy as np
import pytest

from rnnts.database.engine import Database
from rnnts.database.scores import ScoreRows, publications_to_score, scores_of, write_scores
from rnnts.errors import IntegrityError
from tests.rnnts.database.staged import HORIZON, NIGHT, published, registered

DAY = timedelta(days=1)


def _scores(publication: int, keys: list[int], n: int) -> ScoreRows:
    """A row a series as published, seasonal naive beside the first, and a row a step."""
    series = [*keys, keys[0], *[0] * HORIZON]
    step = [0] * (len(keys) + 1) + list(range(1, HORIZON + 1))
    count = len(series)
    methods = ["network"] * len(keys) + ["seasonal_naive"] + ["network"] * HORIZON
    pinball = np.full(count, 0.5)
    covered = np.full(count, float(n))
    pinball[len(keys)] = covered[len(keys)] = np.nan
    return ScoreRows(
        np.full(count, publication),
        np.array(series),
        np.array(step),
        np.array(methods),
        np.full(count, n),
        np.arange(count, dtype=np.float64),
        np.ones(count),
        pinball,
        covered,
        covered,
    )


def test_scores_come_back_by_series_and_by_step(database: Database) -> None:
    keys = registered(database)
    publication = published(database).publication
    with database.writing() as connection:
        write_scores(connection, _scores(publication, keys, 2), NIGHT + DAY)
        by_series = scores_of(connection, "loads")
        by_step = scores_of(connection, "loads", by_step=True)
    assert len(by_series) == len(keys) + 1
    assert by_series.series.tolist() == [keys[0], keys[0], *keys[1:]]
    assert by_series.method.tolist()[:2] == ["network", "seasonal_naive"]
    assert np.isnan(by_series.pinball).tolist() == [False, True, False, False, False]
    assert np.isnan(by_series.covered_80).tolist() == [False, True, False, False, False]
    assert by_step.step.tolist() == [1, 2, 3]
    assert by_step.absolute_error.tolist() == [5.0, 6.0, 7.0]


def test_scores_are_rewritten_until_the_truth_is_complete(database: Database) -> None:
    keys = registered(database)
    publication = published(database).publication

    def due(days: int) -> list[int]:
        with database.reading() as connection:
            as_of = NIGHT + days * DAY
            return [
                row.id for row in publications_to_score(connection, "loads", as_of, NIGHT - DAY)
            ]

    assert due(0) == []  # nothing is known yet at the instant of issue
    assert due(1) == [publication]
    for n in (1, HORIZON):
        with database.writing() as connection:
            write_scores(connection, _scores(publication, keys, n), NIGHT + DAY)
            assert scores_of(connection, "loads").n.tolist() == [n] * 5
        assert due(1) == ([publication] if n < HORIZON else [])


def test_what_was_issued_long_ago_is_given_up(database: Database) -> None:
    published(database)
    with database.reading() as connection:
        as_of = NIGHT + 40 * DAY
        assert publications_to_score(connection, "loads", as_of, NIGHT + DAY) == ()


def test_a_series_that_was_not_scored_is_due(database: Database) -> None:
    keys = registered(database)
    publication = published(database).publication
    with database.writing() as connection:
        write_scores(connection, _scores(publication, keys[:-1], HORIZON), NIGHT + DAY)
        due = publications_to_score(connection, "loads", NIGHT + DAY, NIGHT)
    assert [row.id for row in due] == [publication]


def test_scores_of_a_later_instant_are_not_seen(database: Database) -> None:
    keys = registered(database)
    publication = published(database).publication
    with database.writing() as connection:
        write_scores(connection, _scores(publication, keys, 1), NIGHT + DAY)
        assert len(scores_of(connection, "loads", as_of=NIGHT + DAY)) == 5
        assert len(scores_of(connection, "loads", as_of=NIGHT)) == 0
        assert len(scores_of(connection, "loads", publication=[publication + 1])) == 0
        assert len(scores_of(connection, "wind")) == 0


def test_scores_of_no_publication_are_refused(database: Database) -> None:
    keys = registered(database)
    with pytest.raises(IntegrityError, match="DB_CONSTRAINT"), database.writing() as connection:
        write_scores(connection, _scores(77, keys, 1), NIGHT)
