from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rnnts.panels.arrays import IntArray
from rnnts.panels.zones import NEWEST, OLDEST, instants_of, zone_offsets

ZONES = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Antarctica/Troll",
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def instants() -> IntArray:
    return np.random.default_rng(7).integers(-2_000_000_000, 4_000_000_000, 2_000)


@pytest.mark.parametrize("timezone", ZONES)
def test_offsets_equal_those_of_zoneinfo_one_by_one(timezone: str, instants: IntArray) -> None:
    zone = ZoneInfo(timezone)
    moments = [EPOCH + timedelta(seconds=int(instant)) for instant in instants]
    plain = [moment.astimezone(zone).utcoffset() for moment in moments]
    assert zone_offsets(instants, timezone).tolist() == [
        each.total_seconds() for each in plain if each is not None
    ]


@pytest.mark.parametrize("timezone", ZONES)
def test_instants_of_a_wall_clock_equal_those_of_both_folds(timezone: str) -> None:
    zone = ZoneInfo(timezone)
    begin = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp())
    civil = np.arange(begin, begin + 4 * 365 * 86_400, 1_800)
    found = instants_of(civil, timezone)
    for place in range(0, len(civil), 1):
        local = (EPOCH + timedelta(seconds=int(civil[place]))).replace(tzinfo=zone)
        first, second = local.timestamp(), local.replace(fold=1).timestamp()
        if first > second:  # in a gap the earlier fold is the later instant
            assert found.missing[place]
            assert second < found.first[place] <= first
        else:
            assert (found.first[place], found.second[place]) == (first, second)
            assert found.twice[place] == (first < second)
            assert not found.missing[place]


def test_clocks_go_on_changing_after_2037() -> None:
    summer = int(datetime(2050, 7, 1, tzinfo=UTC).timestamp())
    assert zone_offsets(np.array([summer]), "America/New_York").tolist() == [-4 * 3_600]


def test_the_ends_of_the_calendar_raise_nothing() -> None:
    ends = np.array([OLDEST, NEWEST, -(10**15), 10**15])
    assert len(zone_offsets(ends, "Asia/Tokyo")) == 4
    assert len(instants_of(ends, "Asia/Tokyo").first) == 4
