import pytest

from rnnts.config import Frequency
from rnnts.panels.seasons import seasons_of


@pytest.mark.parametrize(
    ("frequency", "history", "seasons"),
    [
        ("15min", 10_000, [("day", 96, 1), ("week", 672, 7)]),
        ("30min", 10_000, [("day", 48, 1), ("week", 336, 7)]),
        ("1h", 10, [("day", 24, 1), ("week", 168, 7)]),
        ("1D", 912, [("week", 7, 7)]),
        ("1D", 913, [("week", 7, 7), ("year", 365, 365)]),
        ("1W", 129, [("quarter", 13, 91)]),
        ("1W", 130, [("year", 52, 364)]),
    ],
)
def test_seasons_follow_from_frequency_and_history(
    frequency: Frequency, history: int, seasons: list[tuple[str, int, int]]
) -> None:
    found = seasons_of(frequency, history)
    assert [(season.name, season.steps, season.days) for season in found] == seasons
