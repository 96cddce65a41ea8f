"""The page's reads on both databases, against plain loops over the same tables."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, select, text

from rnnts.database.engine import Database
from rnnts.database.schema import score, series
from rnnts.database.screens import night, worth
from rnnts.database.screens import series as reads
from rnnts.database.screens.reading import page_database, page_reading
from rnnts.database.screens.values import SeriesQuery
from rnnts.errors import RnntsError
from tests.rnnts.dashboard.nights import NIGHT, Night, Story, project_at, week

T = TypeVar("T")
NAMES = ("a", "b", "B/c", "ß")
NIGHTS = (*week()[:-1], Night(NIGHT, "live", fallen=1))


@pytest.fixture
def told(tmp_path: Path, database: Database) -> Database:
    """A panel with eight nights, in the last of which one series fell back; and another panel."""
    stories = [
        Story("loads", (*NIGHTS, Night(NIGHT + timedelta(hours=1), "held")), series=NAMES),
        Story("other", week()[-1:], series=("a",), version="e" * 64),
    ]
    return project_at(tmp_path, stories, database).database


def read(database: Database, work: Callable[[Connection], T]) -> T:
    with closing(page_database(database)) as page, page_reading(page) as connection:
        return work(connection)


def test_issues_come_newest_first_and_none_of_the_future(told: Database) -> None:
    found = read(told, lambda connection: night.issues(connection, "loads", NIGHT))
    assert [one.issued_at for one in found] == [NIGHT - timedelta(days=back) for back in range(8)]
    assert (found[0].status, found[0].degraded, found[1].degraded) == ("live", True, False)
    held = read(told, lambda connection: night.issues(connection, "loads", NIGHT.replace(hour=9)))
    assert held[0].status == "held"


def test_series_are_counted_by_method_and_quality(told: Database) -> None:
    def counts(connection: Connection) -> tuple[tuple[str, str, int], ...]:
        live = night.issues(connection, "loads", NIGHT)[0]
        return night.series_by(connection, live.publication)

    assert read(told, counts) == (("network", "fresh", 3), ("seasonal_naive", "fallback", 1))


def test_what_was_published_is_scored_and_not_the_naive_beside_it(told: Database) -> None:
    def compare(connection: Connection) -> None:
        keys = [one.publication for one in night.issues(connection, "loads", NIGHT)]
        rows = connection.execute(select(score).where(score.c.publication.in_(keys))).all()
        for key in keys:
            mine = [row for row in rows if row.publication == key and row.step == 0]
            networks = [row for row in mine if row.method != "seasonal_naive"]
            known = {row.series for row in networks}
            chosen = networks + [row for row in mine if row.series not in known]
            found = worth.realised(connection, keys)[key]
            assert found.n == found.ranged == sum(row.n for row in chosen)
            assert found.covered_80 == sum(row.covered_80 for row in chosen)
            assert found.covered_95 == sum(row.covered_95 for row in chosen)
            assert found.absolute_error == pytest.approx(sum(row.absolute_error for row in chosen))
            naive = sum(row.naive_absolute_error for row in chosen)
            assert found.naive_absolute_error == pytest.approx(naive)
            assert found.skill == pytest.approx(1 - found.absolute_error / naive)
        by_series = worth.realised_by_series(connection, keys, [row.series for row in rows])
        pooled = sum(one.n for one in by_series.values())
        assert pooled == sum(one.n for one in worth.realised(connection, keys).values())

    read(told, compare)


def test_the_worst_series_lost_most_against_naive(told: Database) -> None:
    told.run_writing(
        lambda connection: connection.execute(
            score.update()
            .where(score.c.method == "network", score.c.series == 2)
            .values(absolute_error=1e6)
        )
    )

    def worst(connection: Connection) -> list[int]:
        keys = [one.publication for one in night.issues(connection, "loads", NIGHT)]
        return [one.key for one in worth.worst_series(connection, keys)]

    assert read(told, worst) == [2]


def test_pages_of_series_follow_each_other_and_stay_in_their_panel(told: Database) -> None:
    def pages(connection: Connection) -> list[str]:
        names, after = [], None
        while True:
            asked = SeriesQuery("loads", after=after, limit=1)
            found = reads.list_series(connection, asked, [])
            names.append(found[0].series_id)
            after = found[0].key
            if len(found) == 1:
                return names

    found = read(told, pages)
    assert sorted(found) == sorted(NAMES)
    asked = SeriesQuery("loads")
    assert read(told, lambda connection: reads.count_series(connection, asked)) == len(NAMES)


@pytest.mark.parametrize(("search", "count"), [("B", 2), ("b/", 1), ("%", 0), ("_", 0), ("'", 0)])
def test_a_search_is_taken_as_text(told: Database, search: str, count: int) -> None:
    asked = SeriesQuery("loads", search)
    assert read(told, lambda connection: reads.count_series(connection, asked)) == count


def test_a_forecast_comes_in_steps_with_all_its_levels(told: Database) -> None:
    def rows(connection: Connection) -> list[int]:
        issue = reads.issues_with(connection, 1, NIGHT)[0]
        found = reads.forecast_rows(connection, issue.publication, 1, 40)
        assert all(row.point == row.quantiles[6] for row in found)
        return [row.step for row in found]

    assert read(told, rows) == list(range(41, 49))


def test_issues_of_a_series_are_those_that_hold_it(told: Database) -> None:
    other = read(told, lambda connection: connection.scalar(
        select(series.c.id).where(series.c.panel == "other")))  # fmt: skip
    assert other is not None
    found = read(told, lambda connection: reads.issues_with(connection, other, NIGHT))
    assert len(found) == 1
    assert read(told, lambda connection: reads.find_series(connection, 10_000)) is None


def test_a_page_cannot_write(told: Database) -> None:
    with pytest.raises(RnntsError, match="DB_READ_ONLY"):
        read(told, lambda connection: connection.execute(text("DELETE FROM rnnts_score")))


def test_a_query_that_takes_too_long_is_ended_by_the_database(
    told: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnts.database.screens.reading.QUERY_SECONDS", 0.05)
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) "
        "SELECT count(*) FROM n"
    )
    with pytest.raises(RnntsError, match="DB_SLOW"):
        read(told, lambda connection: connection.execute(endless).scalar())


def test_the_last_decision_is_the_one_about_the_newest_retrain(told: Database) -> None:
    found = read(told, lambda connection: night.last_decision(connection, "loads", NIGHT))
    assert found is not None
    assert found.action == "promote"
    before = NIGHT - timedelta(days=30)
    assert read(told, lambda connection: night.last_decision(connection, "loads", before)) is None
