import pytest

from rnnts.config import Frequency
from rnnts.panels.seasons import MOST_PATCHES, patch_of, seasons_of


@pytest.mark.parametrize(
    ("frequency", "history", "seasons"),
    [
        ("1MS", 29, [("quarter", 3, 91)]),
        ("1MS", 30, [("year", 12, 365)]),
        ("5min", 10_000, [("day", 288, 1), ("week", 2_016, 7)]),
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


@pytest.mark.parametrize("window", [2, 23, 24, 168, 336, 720, 5_000])
def test_patches_are_whole_seasons_and_few(window: int) -> None:
    patch = patch_of(window, 24)
    assert patch == window if window < 24 else patch % 24 == 0
    assert window // patch <= MOST_PATCHES
