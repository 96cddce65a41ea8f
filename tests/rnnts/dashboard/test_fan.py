from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from rnnts.config import LEVELS
from rnnts.dashboard.fan import Fan, Observed, central, offsets
from rnnts.database.screens.values import ForecastRow, Issue

ISSUED = datetime(2013, 12, 9, 7, tzinfo=UTC)
SECOND = int(ISSUED.timestamp())
ISSUE = Issue(1, ISSUED, "night", "live", 1, "v", 4, 1, 0, 4, False, ISSUED)  # noqa: FBT003 - its column


def row(step: int, *, middle: float = 10.0) -> ForecastRow:
    quantiles = tuple(middle + 10 * (level - 0.5) for level in LEVELS)
    return ForecastRow(
        step, ISSUED + timedelta(hours=step - 1), middle, quantiles, "network", "fresh"
    )


def fan(observed: Observed, rows: tuple[ForecastRow, ...] | None = None) -> Fan:
    chosen = rows or tuple(row(step, middle=9.0 + step) for step in (1, 2, 3, 4))
    return Fan("America/New_York", ISSUE, chosen, observed, ())


OBSERVED = Observed(
    SECOND + 3_600 * np.arange(-3, 3), np.array([8.0, np.nan, 9.0, 10.0, 30.0, np.nan])
)


def test_truth_is_found_by_its_time_and_missing_where_nothing_is_known() -> None:
    truth = fan(OBSERVED).truth
    np.testing.assert_array_equal(truth, [10.0, 30.0, np.nan, np.nan])


def test_bands_are_nested_and_widest_first() -> None:
    bands = fan(OBSERVED).bands
    assert [band.share for band in bands] == [95, 80, 40]
    for outer, inner in pairwise(bands):
        assert all(low <= inside for low, inside in zip(outer.low, inner.low, strict=True))
        assert all(high >= inside for high, inside in zip(outer.high, inner.high, strict=True))


def test_levels_that_were_not_asked_for_draw_no_band() -> None:
    few = tuple(value if level in {0.1, 0.5, 0.9} else None for level, value in
                zip(LEVELS, row(1).quantiles, strict=True))  # fmt: skip
    only = ForecastRow(1, ISSUED, 10.0, few, "network", "fresh")
    assert [band.share for band in fan(OBSERVED, (only,)).bands] == [80]


def test_without_the_usual_pairs_those_that_are_there_are_drawn() -> None:
    assert central((0.05, 0.2, 0.5, 0.8, 0.95)) == ((0.05, 0.95), (0.2, 0.8))


def test_a_gap_is_null_and_not_nan() -> None:
    values = fan(OBSERVED).to_json()["observed"]["values"]
    assert values == [8.0, None, 9.0, 10.0, 30.0, None]


def test_the_summary_says_what_the_chart_shows() -> None:
    summary = fan(OBSERVED).summary()
    assert "4 steps from Mon 9 Dec 2013, 02:00 -05:00 to Mon 9 Dec 2013, 05:00 -05:00" in summary
    assert "median lies between 10 and 13, highest at Mon 9 Dec 2013, 05:00 -05:00" in summary
    assert "2 of them have been observed since, 50 % of them inside the 80 % range" in summary


def test_the_summary_says_when_nothing_is_known_yet() -> None:
    nothing = Observed(np.array([], np.int64), np.array([]))
    said = fan(nothing).summary()
    assert "None of these steps had been observed when the panel was last read" in said


@pytest.mark.parametrize(("lowest", "expected"), [(8.0, True), (-1.0, False)])
def test_only_what_never_is_negative_begins_at_zero(lowest: float, expected: bool) -> None:  # noqa: FBT001 - the outcome
    observed = Observed(np.array([SECOND - 3_600]), np.array([lowest]))
    assert fan(observed).to_json()["from_zero"] is expected


def test_a_table_line_holds_target_truth_and_ranges() -> None:
    line = fan(OBSERVED).lines[1]
    assert (line.row.step, line.truth) == (2, 30.0)
    assert line.ranges[0] == pytest.approx((6.25, 15.75))


def test_offsets_tell_when_clocks_change_in_both_directions() -> None:
    spring = int(datetime(2013, 3, 10, 7, tzinfo=UTC).timestamp())
    autumn = int(datetime(2013, 11, 3, 6, tzinfo=UTC).timestamp())
    found = offsets("America/New_York", spring - 86_400, autumn + 86_400)
    assert found == [
        (spring - 86_400, -18_000, "EST"), (spring, -14_400, "EDT"), (autumn, -18_000, "EST"),
    ]  # fmt: skip


def test_the_caption_names_the_change_of_clocks() -> None:
    at = datetime(2013, 11, 3, 5, tzinfo=UTC)
    rows = tuple(
        ForecastRow(step, at + timedelta(hours=step), 1.0, row(1).quantiles, "network", "fresh")
        for step in (1, 2, 3)
    )
    observed = Observed(np.array([int(at.timestamp())]), np.array([1.0]))
    expected = "clocks change at Sun 3 Nov 2013, 01:00 -05:00"
    assert expected in fan(observed, rows).clock()


def test_the_clock_of_a_zone_that_never_changes_says_only_its_name() -> None:
    assert fan(OBSERVED).clock() == "Times are those of America/New_York."
