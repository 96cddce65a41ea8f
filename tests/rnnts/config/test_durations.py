import pytest

from rnnts.config import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15min", 900),
        ("15m", 900),
        ("6h", 21_600),
        ("6 H", 21_600),
        ("1.5h", 5_400),
        ("35d", 3_024_000),
        ("2w", 1_209_600),
        (" 1d 12h ", 129_600),
        ("0h", 0),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "6", "h", "6 hours", "-6h", "6h!", "1e3s", "6h 3"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        duration_seconds(text)
