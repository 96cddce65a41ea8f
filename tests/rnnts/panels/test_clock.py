"""Stamps read once, and the quick way of reading them held against the thorough one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.panels import clock
from rnnts.panels.clock import Clock
from rnnts.panels.grid import Grid
from rnnts.panels.plain_texts import read_plain
from rnnts.panels.stamps import Code, parse_stamps

stamps = st.datetimes().map(lambda at: str(at.replace(microsecond=0)))
odd = st.sampled_from(
    [
        "2024-02-29 00:00:00", "2023-02-29 00:00:00", "2024-13-01 00:00:00", "2024-01-01T24:00:00",
        "2024-01-01 00:00:60", "0000-01-01 00:00:00", "0001-01-01 00:00:00", "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+01:00", "2024-01-01 00:00:00.5", "", " ",
        "9999-12-31 23:59:59", "2024-03-10 02:30:00", "2024-11-03 01:30:00", "٢٠٢٤-01-01 00:00:00",
        "2024-01-01\x0000:00:00", "2024-01-01 00:00:00\0",
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(stamps | odd | st.text(max_size=20), unique=True, min_size=1))
@pytest.mark.parametrize("timezone", ["America/New_York", None])
def test_plain_texts_mean_what_they_mean_one_by_one(timezone: str | None, texts: list[str]) -> None:
    quick, thorough = Clock(timezone), parse_stamps(texts, timezone)
    place = quick.places(texts)
    assert quick.codes[place].tolist() == thorough.codes.tolist()
    assert quick.usable[place].tolist() == thorough.usable.tolist()
    some = thorough.usable | (thorough.codes == Code.NONEXISTENT)
    assert quick.seconds[place][some].tolist() == thorough.first[some].tolist()
    assert quick.second[place][some].tolist() == thorough.second[some].tolist()
    assert quick.naive[place][some].tolist() == thorough.naive[some].tolist()


def test_the_common_form_is_read_the_quick_way() -> None:
    seconds, utc, plain = read_plain(["1970-01-02 00:00:01", "1970-01-01T00:00:00Z", "1970-01-01"])
    assert plain.tolist() == [True, True, False]
    assert utc.tolist() == [False, True, False]
    assert seconds[:2].tolist() == [86_401, 0]


def test_a_page_with_other_kinds_is_not_for_the_quick_way() -> None:
    assert not read_plain([5, "1970-01-01 00:00:00"])[2].any()
    assert len(read_plain([])[0]) == 0


def test_places_lead_to_steps_and_distances() -> None:
    found = Clock("UTC", Grid("1h", label="end"))
    place = found.places(["1970-01-01 01:00:00", "1970-01-01 01:20:00", "1970-01-01 01:00:00"])
    assert place.tolist() == [0, 1, 0]
    assert found.steps.tolist() == [1, 2]
    assert found.after.tolist() == [0, 2_400]
    assert found.before.tolist() == [3_600, 6_000]


def test_a_fraction_of_a_second_counts_as_the_next_for_what_was_known() -> None:
    found = Clock("UTC")
    place = found.places(["1970-01-01 00:00:05.25"])
    assert (found.seconds[place][0], found.latest[place][0]) == (5, 6)


def test_too_many_stamps_are_forgotten_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MAX_KEPT", 5)
    found = Clock("UTC")
    for start in range(0, 3_000, 100):
        seconds = np.arange(start, start + 100)
        place = found.places([int(second) for second in seconds])
        assert (found.seconds[place] == seconds).all()
    assert len(found.seconds) == 100
