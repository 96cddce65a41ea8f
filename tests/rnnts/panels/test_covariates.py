import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnts.panels.covariates import ALWAYS, NOWHERE, Entries, Vintages
from rnnts.panels.grid import Grid
from rnnts.panels.holiday import holiday_entries
from rnnts.panels.identity import hash_keys
from rnnts.panels.panel import SeriesInfo

Row = tuple[str, int, int, float]  # key, step, known_at, value


def table(rows: list[Row], series: tuple[str, ...] = ("site",)) -> Vintages:
    """A table of one column."""
    keys, steps, known_at, values = zip(*rows, strict=True)
    entries = Entries(
        hash_keys(keys), np.array(steps), np.array(known_at), np.array(values)[:, None]
    )
    return Vintages.of("weather", series, ("temp",), 1, entries)


def info(**keys: str) -> SeriesInfo:
    return SeriesInfo("/".join(keys.values()), tuple(keys.items()), 0, 0)


def read(found: Vintages, key: str, steps: list[int], known_by: int | None) -> list[float | None]:
    rows = found.rows_of([info(site=key)])
    values = found.at(rows, np.array(steps), known_by)[0, :, 0]
    return [None if np.isnan(value) else float(value) for value in values]


def test_the_newest_value_known_by_an_instant_is_read() -> None:
    found = table([("a", 5, 10, 1.0), ("a", 5, 20, 2.0), ("a", 6, 15, 3.0), ("b", 5, 10, 4.0)])
    assert read(found, "a", [4, 5, 6, 7], 9) == [None, None, None, None]
    assert read(found, "a", [5, 6], 10) == [1.0, None]
    assert read(found, "a", [5, 6], 19) == [1.0, 3.0]
    assert read(found, "a", [5, 6], None) == [2.0, 3.0]
    assert read(found, "b", [5], None) == [4.0]


def test_a_series_is_joined_by_its_own_keys_in_the_order_of_the_covariate() -> None:
    both = table([("x/1", 0, ALWAYS, 7.0)], ("site", "meter"))
    series = [info(meter="1", site="x"), info(meter="x", site="1"), info(meter="2", site="x")]
    assert both.rows_of(series).tolist() == [0, NOWHERE, NOWHERE]
    every = table([("all", 0, ALWAYS, 7.0)], ())
    assert every.rows_of(series).tolist() == [0, 0, 0]


def test_a_table_without_rows_has_nothing_of_anyone() -> None:
    empty = Vintages.of("weather", ("site",), ("temp",), 1, Entries.none(1))
    assert read(empty, "a", [0, 1], None) == [None, None]
    assert empty.newest().shape == (0, 1)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-3, 3), st.integers(0, 5)),
        min_size=1,
        unique=True,
    ),
    known_by=st.integers(-1, 6),
    key=st.sampled_from("abcd"),
)
def test_reading_equals_a_plain_search(
    rows: list[tuple[str, int, int]], known_by: int, key: str
) -> None:
    valued: list[Row] = [(*row, float(place)) for place, row in enumerate(rows)]
    steps = list(range(-5, 6))
    expected = []
    for step in steps:
        seen = [(at, value) for k, s, at, value in valued if (k, s) == (key, step)]
        seen = [one for one in seen if one[0] <= known_by]
        expected.append(max(seen)[1] if seen else None)
    assert read(table(valued), key, steps, known_by) == expected


def test_a_value_that_was_taken_back_is_missing() -> None:
    found = table([("a", 0, 1, 5.0), ("a", 0, 2, np.nan)])
    assert read(found, "a", [0], 1) == [5.0]
    assert read(found, "a", [0], 2) == [None]


def holidays_of(grid: Grid, begin: str, count: int) -> np.ndarray:
    first = int(grid.step_of(np.array([np.datetime64(begin, "s").astype(np.int64)]))[0])
    return holiday_entries("US", grid, first, first + count - 1).values


def test_a_holiday_is_a_day_of_the_panels_zone() -> None:
    grid = Grid("1h", "America/New_York")  # 4 July begins at 04:00 UTC
    today, tomorrow, yesterday = holidays_of(grid, "2013-07-03T04:00", 72).T
    assert today.tolist() == [0.0] * 24 + [1.0] * 24 + [0.0] * 24
    assert tomorrow.tolist() == [1.0] * 24 + [0.0] * 48
    assert yesterday.tolist() == [0.0] * 48 + [1.0] * 24


def test_a_week_has_the_share_of_its_holidays() -> None:
    today, _, _ = holidays_of(Grid("1W"), "2013-12-23T00:00", 2).T  # Christmas, then New Year
    assert today.tolist() == pytest.approx([1 / 7, 1 / 7])
