from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.panels.stamps import Code, parse_stamps

NEW_YORK = "America/New_York"
SEVEN = int(datetime(2013, 3, 10, 7, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "raw",
    [
        "2013-03-10T07:00:00Z",
        "2013-03-10 07:00:00+00:00",
        "2013-03-10 07:00:00+00",
        "2013-03-10 07:00:00 +0000",
        "2013-03-10 07:00 UTC",
        "2013-03-10 08:00:00+01:00",
        "2013-03-10 03:00:00",
        "2013/03/10 03:00",
        " 2013-03-10 03:00 ",
        "1362898800",
        "1362898800000",
        SEVEN,
        float(SEVEN),
        Decimal(SEVEN),
        np.int64(SEVEN),
        SEVEN * 10**3,
        SEVEN * 10**6,
        SEVEN * 10**9,
        datetime(2013, 3, 10, 7, tzinfo=UTC),
        datetime(2013, 3, 10, 2, tzinfo=timezone(timedelta(hours=-5))),
        datetime(2013, 3, 10, 3, tzinfo=ZoneInfo(NEW_YORK)),
        datetime(2013, 3, 10, 3),  # noqa: DTZ001 - the naive case
        np.datetime64("2013-03-10T03:00"),
        pd.Timestamp("2013-03-10 03:00"),
    ],
    ids=repr,
)
def test_one_instant_is_read_from_every_spelling(raw: object) -> None:
    stamps = parse_stamps([raw], NEW_YORK)
    assert (stamps.first.tolist(), stamps.codes.tolist()) == ([SEVEN], [Code.OK])
    assert not stamps.inexact[0]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, Code.EMPTY),
        ("", Code.EMPTY),
        (float("nan"), Code.EMPTY),
        (pd.NaT, Code.EMPTY),
        ("yesterday", Code.UNPARSABLE),
        ("2013-13-01", Code.UNPARSABLE),
        ("2013-02-30 00:00", Code.UNPARSABLE),
        (True, Code.UNPARSABLE),
        (b"2013-01-01", Code.UNPARSABLE),
        ("'; DROP TABLE flights--", Code.UNPARSABLE),
        ("infinity", Code.OUT_OF_RANGE),
        ("-infinity", Code.OUT_OF_RANGE),
        ("0044-03-15 00:00:00 BC", Code.OUT_OF_RANGE),
        ("0001-01-01", Code.OUT_OF_RANGE),
        (float("inf"), Code.OUT_OF_RANGE),
        (-(10**30), Code.OUT_OF_RANGE),
    ],
    ids=repr,
)
def test_what_is_no_instant_is_told_by_its_reason(raw: object, code: Code) -> None:
    stamps = parse_stamps([raw], NEW_YORK)
    assert stamps.codes.tolist() == [code]
    assert not stamps.usable[0]


def test_a_local_time_that_clocks_skip_has_no_instant() -> None:
    stamps = parse_stamps(["2013-03-10 01:59", "2013-03-10 02:30", "2013-03-10 03:00"], NEW_YORK)
    assert stamps.codes.tolist() == [Code.OK, Code.NONEXISTENT, Code.OK]


def test_a_local_time_that_comes_twice_gives_both_instants() -> None:
    stamps = parse_stamps(["2013-11-03 01:30", "2013-11-03 01:30-05:00"], NEW_YORK)
    assert stamps.codes.tolist() == [Code.AMBIGUOUS, Code.OK]
    assert (stamps.second - stamps.first).tolist() == [3_600, 0]
    assert stamps.second[0] == stamps.first[1]
    assert stamps.usable.all()


def test_half_an_hour_comes_twice_on_lord_howe() -> None:
    stamps = parse_stamps(["2013-04-07 01:45", "2013-04-07 01:15"], "Australia/Lord_Howe")
    assert stamps.codes.tolist() == [Code.AMBIGUOUS, Code.OK]
    assert (stamps.second - stamps.first).tolist() == [1_800, 0]


def test_naive_stamps_are_told_from_those_with_an_offset() -> None:
    raw = ["2013-05-01 00:00", "2013-05-01 00:00Z", 1_367_366_400, date(2013, 5, 1)]
    assert parse_stamps(raw, NEW_YORK).naive.tolist() == [True, False, False, True]


def test_naive_stamps_are_refused_without_a_zone_and_others_are_not() -> None:
    stamps = parse_stamps(["2013-05-01 00:00", "2013-05-01 00:00Z", None], None)
    assert stamps.codes.tolist() == [Code.WITHOUT_ZONE, Code.OK, Code.EMPTY]


def test_a_day_begins_even_where_clocks_skip_its_midnight() -> None:
    at_one = int(datetime(2013, 3, 10, 1, tzinfo=ZoneInfo("America/Havana")).timestamp())
    for raw in (date(2013, 3, 10), "2013-03-10", "20130310"):
        stamps = parse_stamps([raw], "America/Havana")
        assert (stamps.first.tolist(), stamps.codes.tolist()) == ([at_one], [Code.OK])
    moment = parse_stamps(["2013-03-10 00:00"], "America/Havana")
    assert moment.codes.tolist() == [Code.NONEXISTENT]
    day = parse_stamps(["2013-03-10 00:00"], "America/Havana", whole_days=True)
    assert (day.first.tolist(), day.codes.tolist()) == ([at_one], [Code.OK])


def test_midnight_at_24_is_the_next_day() -> None:
    stamps = parse_stamps(["2013-05-01 24:00", "2013-05-01T24:00:00Z", "2013-05-02 00:00"], "UTC")
    assert len(set(stamps.first.tolist())) == 1
    assert parse_stamps(["2013-05-01 24:30"], "UTC").codes.tolist() == [Code.UNPARSABLE]


def test_a_fraction_of_a_second_is_cut_off_and_told() -> None:
    raw = ["2013-03-10 07:00:00.5Z", SEVEN + 0.25, SEVEN * 1_000 + 1, SEVEN]
    stamps = parse_stamps(raw, "UTC")
    assert stamps.first.tolist() == [SEVEN] * 4
    assert stamps.inexact.tolist() == [True, True, True, False]


def test_seconds_before_1970_are_cut_downwards() -> None:
    stamps = parse_stamps([-0.5, "1969-12-31 23:59:59.5Z"], "UTC")
    assert stamps.first.tolist() == [-1, -1]


def test_the_second_of_two_folds_is_another_instant() -> None:
    zone = ZoneInfo(NEW_YORK)
    first = datetime(2013, 11, 3, 1, 30, tzinfo=zone)
    stamps = parse_stamps([first, first.replace(fold=1)], "UTC")
    assert (stamps.first[1] - stamps.first[0]) == 3_600


def test_an_empty_page_is_an_empty_page() -> None:
    assert len(parse_stamps([], "UTC")) == 0


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.datetimes(),
            st.datetimes(timezones=st.timezones()),
            st.dates(),
            st.text(max_size=25),
            st.integers(),
            st.floats(),
            st.binary(max_size=5),
            st.none(),
        ),
        max_size=20,
    )
)
def test_no_junk_raises_and_each_row_is_read_alone(raw: list[Any]) -> None:
    together = parse_stamps(raw, NEW_YORK)
    alone = [parse_stamps([value], NEW_YORK) for value in raw]
    assert together.first.tolist() == [int(each.first[0]) for each in alone]
    assert together.codes.tolist() == [int(each.codes[0]) for each in alone]
