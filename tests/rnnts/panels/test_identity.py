"""Keys of rows become series, byte for byte."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from rnnts.errors import ConfigurationError
from rnnts.panels import identity
from rnnts.panels.identity import EMPTY, UNSTORABLE, SeriesCodes


def test_each_distinct_key_is_a_series() -> None:
    series = SeriesCodes(["k"])
    assert series.codes([["A", "a", "A", "\u00e9", "e\u0301"]], 5).tolist() == [0, 1, 0, 2, 3]
    assert series.codes([["a", "new"]], 2).tolist() == [1, 4]


def test_empty_and_unstorable_keys_have_no_series() -> None:
    series = SeriesCodes(["k", "l"])
    keys: list[list[object]] = [["a", "", None, "a", "a"], [1, 1, 1, "x\0", "\udcff"]]
    codes = series.codes(keys, 5).tolist()
    assert codes == [0, EMPTY, EMPTY, UNSTORABLE, UNSTORABLE]
    assert series.ids == ["a/1"]


def test_keys_of_other_types_become_text() -> None:
    series = SeriesCodes(["k"])
    keys = [UUID(int=7), Decimal("1.50"), date(2024, 1, 1), b"\x01\xff", float("inf")]
    series.codes([keys], 5)
    assert series.ids == [
        "00000000-0000-0000-0000-000000000007", "1.50", "2024-01-01", "01ff", "inf",
    ]  # fmt: skip


def test_a_number_and_its_text_are_one_series_whichever_comes_first() -> None:
    one, other = SeriesCodes(["k"]), SeriesCodes(["k"])
    one.codes([[1, "1"]], 2)
    other.codes([["1", 1]], 2)
    assert one.ids == other.ids == ["1"]
    assert one.keys == other.keys


def test_without_keys_all_rows_are_one_series() -> None:
    assert SeriesCodes([]).codes([], 3).tolist() == [0, 0, 0]


def test_series_of_an_earlier_snapshot_keep_their_keys() -> None:
    series = SeriesCodes(["k"])
    series.remember("7", (("k", 7),))
    assert series.codes([[7, 8]], 2).tolist() == [0, 1]


def test_too_many_series_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "MAX_SERIES", 2)
    with pytest.raises(ConfigurationError, match="SERIES_LIMIT"):
        SeriesCodes(["k"]).codes([["a", "b", "c"]], 3)
