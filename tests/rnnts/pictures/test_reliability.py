from pathlib import Path

import numpy as np
import pytest

from rnnts.errors import ConfigurationError
from rnnts.pictures.reliability import Reliability, draw_reliability

FOUND = Reliability(
    panel="loads",
    nights=3,
    truths=1_200,
    levels=(0.1, 0.5, 0.9),
    reached=np.array([0.12, 0.5, 0.88]),
    places=np.full(10, 0.1),
    coverage={0.8: np.array([0.7, 0.9]), 0.95: np.array([0.9, 1.0])},
)
EMPTY = Reliability("loads", 0, 0, (), np.zeros(0), np.zeros(10), {})


def test_what_was_held_is_drawn_and_told(tmp_path: Path) -> None:
    draw_reliability(FOUND, tmp_path / "held.png")
    assert (tmp_path / "held.png").read_bytes().startswith(b"\x89PNG")
    assert FOUND.told() == (
        "the 80 % range held 80.0 %, the 95 % range held 95.0 % of 1,200 truths of 3 nights"
    )


@pytest.mark.parametrize(
    ("found", "name", "code"),
    [(EMPTY, "held.png", "PICTURE_EMPTY"), (FOUND, "held.svg", "PICTURE_KIND"),
     (FOUND, "nowhere/held.png", "PICTURE_PATH")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(
    tmp_path: Path, found: Reliability, name: str, code: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        draw_reliability(found, tmp_path / name)
    assert caught.value.code == code
