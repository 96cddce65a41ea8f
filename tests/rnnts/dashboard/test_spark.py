import re

from rnnts.dashboard.spark import HEIGHT, WIDTH, spark


def test_a_line_stays_inside_its_frame_and_ends_at_both_sides() -> None:
    found = re.findall(r"([0-9.-]+),([0-9.-]+)", spark([3.0, -1.0, 1e18]))
    points = [(float(x), float(y)) for x, y in found]
    assert len(points) == 3
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert (points[0][0], points[-1][0]) == (2.0, WIDTH - 2.0)


def test_a_flat_line_and_a_single_value_are_drawn() -> None:
    assert "2.0,22.0 118.0,22.0" in spark([5.0, 5.0])
    assert "2.0,22.0" in spark([5.0])


def test_nothing_is_drawn_of_nothing() -> None:
    assert spark([]) == ""
