import pytest

from rnnts.panels import clock
from rnnts.panels.clock import Clock
from rnnts.panels.grid import Grid
from rnnts.panels.stamps import Code

SKIPPED = "2013-03-10 00:00:00"  # in Havana, where clocks went from midnight to one


def test_each_distinct_stamp_has_one_place() -> None:
    found = Clock("UTC")
    assert found.places(["2013-01-01", "2013-01-02", "2013-01-01"]).tolist() == [0, 1, 0]
    assert found.places(["2013-01-02", "2013-01-03"]).tolist() == [1, 2]
    assert len(found.seconds) == 3


def test_forgetting_changes_no_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MAX_KEPT", 5)
    found = Clock("UTC")
    place = found.places(["2013-01-01"])
    first = found.seconds[place].tolist()
    for day in range(2, 29):
        found.places([f"2013-01-{day:02d}"])
        assert len(found.seconds) <= 6
    place = found.places(["2013-01-01"])
    assert found.seconds[place].tolist() == first


def test_a_day_whose_midnight_clocks_skip_is_a_day_of_daily_data_and_no_hour() -> None:
    daily = Clock("America/Havana", Grid("1D", "America/Havana"))
    hourly = Clock("America/Havana", Grid("1h", "America/Havana"))
    assert daily.places([SKIPPED]).tolist() == hourly.places([SKIPPED]).tolist() == [0]
    assert (daily.codes.tolist(), daily.after.tolist()) == ([Code.OK], [0])
    assert hourly.codes.tolist() == [Code.NONEXISTENT]


def test_steps_lie_between_their_labels() -> None:
    found = Clock("UTC", Grid("1h"))
    place = found.places(["2013-01-01 00:10:00"])
    assert (found.after[place].tolist(), found.before[place].tolist()) == ([600], [3_000])
