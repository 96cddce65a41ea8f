"""The page's reads on both databases, against plain loops over the same tables."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from sqlalchemy import Connection, select, text

from rnnts.database.engine import Database
from rnnts.database.migrate import ensure_schema
from rnnts.database.schema import score, series
from rnnts.database.screens import night, worth
from rnnts.database.screens import series as reads
from rnnts.database.screens.reading import page_database, page_reading
from rnnts.database.screens.values import SeriesQuery
from rnnts.errors import RnntsError
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.score import score as scored
from tests.rnnts.dashboard.nights import NIGHT, Night, Story, project_at, week
from tests.rnnts.steps.small_champion import MORE, Repeater, crown
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

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


def test_sums_of_real_scores_equal_a_loop_over_their_series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repeater(monkeypatch)
    short = wave(24 * 30, 24, 1)
    short[: 24 * 20] = np.nan  # too short for the window at first: seasonal naive serves it
    project = lay_out(tmp_path, {"long": wave(24 * 30, 24), "short": short}, more=MORE)
    ensure_schema(project.database)
    crown(project, BEGIN)
    for day in (21, 22, 23):
        at = BEGIN + timedelta(days=day)
        snapshot = ingest(project, "loads", at).snapshot_id
        publish(project, "loads", forecast(project, "loads", snapshot, at).staged_id, at)
    at = BEGIN + timedelta(days=25)
    scored(project, "loads", ingest(project, "loads", at).snapshot_id, at)
    with project.database.reading() as connection:
        rows = connection.execute(select(score).where(score.c.series > 0)).all()
        keys = sorted({row.publication for row in rows})
        found = worth.realised(connection, keys)
    methods = {
        key: {
            series: sorted(
                row.method for row in rows if (row.publication, row.series) == (key, series)
            )
            for series in (1, 2)
        }
        for key in keys
    }
    assert methods[keys[0]] == {1: ["network", "seasonal_naive"], 2: ["seasonal_naive"]}
    for key in keys:
        chosen = [
            row
            for row in rows
            if row.publication == key and row.method == methods[key][row.series][0]
        ]
        assert found[key].n == sum(row.n for row in chosen)
        assert found[key].covered_80 == sum(row.covered_80 for row in chosen)
        assert found[key].absolute_error == pytest.approx(sum(row.absolute_error for row in chosen))
        naive = sum(row.naive_absolute_error for row in chosen)
        assert found[key].naive_absolute_error == pytest.approx(naive)


def test_the_state_of_a_publication_changes_with_its_scores(told: Database) -> None:
    def states(connection: Connection) -> dict[int, tuple[object, ...]]:
        keys = [one.publication for one in night.issues(connection, "loads", NIGHT)]
        return dict(worth.states(connection, keys))

    before = read(told, states)
    assert read(told, states) == before
    told.run_writing(
        lambda connection: connection.execute(
            score.update()
            .where(score.c.publication == 3, score.c.step > 0)
            .values(scored_as_of=NIGHT + timedelta(days=1))
        )
    )
    after = read(told, states)
    assert {key for key in before if after[key] != before[key]} == {3}


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
