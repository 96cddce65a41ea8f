from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from rnnts.errors import ConfigurationError
from rnnts.pictures.fans import Fan, draw, local_times
from rnnts.pictures.sweep import draw_sweep

HOUR = 3_600
ISSUED = datetime(2013, 12, 2, 7, tzinfo=UTC)
HOSTILE = "<img onerror=alert(1)> $x_1$"


def fan(series_id: str = "EWR/UA") -> Fan:
    begin = int(ISSUED.timestamp())
    history = np.sin(np.arange(48.0)) + 2
    history[10:14] = np.nan
    target = begin + HOUR * np.arange(24)
    point = np.sin(np.arange(24.0)) + 2
    return Fan(
        series_id=series_id,
        timezone="America/New_York",
        issued_at=ISSUED,
        method="network",
        quality="fresh",
        history_times=begin - HOUR * np.arange(48, 0, -1),
        history=history,
        target_times=target,
        quantiles={level: point + (level - 0.5) for level in (0.025, 0.1, 0.5, 0.9, 0.975)},
        truth=np.where(np.arange(24) < 12, point, np.nan),
        earlier=(target, point + 0.1),
    )


def test_a_png_is_drawn_for_several_series_and_for_hostile_names(tmp_path: Path) -> None:
    picture = tmp_path / "fans.png"
    draw([fan(), fan(HOSTILE), fan("third")], picture, title="Departures")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_html_file_stands_alone_and_shows_hostile_names_as_text(tmp_path: Path) -> None:
    picture = tmp_path / "fans.html"
    draw([fan(HOSTILE)], picture)
    text = picture.read_text(encoding="utf-8")
    assert "plotly.js v" in text  # inside the file: nothing is fetched
    assert "<img onerror" not in text


def test_the_axis_speaks_the_series_own_zone() -> None:
    seconds = np.array([int(ISSUED.timestamp())])
    assert local_times(seconds, "America/New_York") == [datetime(2013, 12, 2, 2)]  # noqa: DTZ001 - a wall clock


@pytest.mark.parametrize("name", ["fans.gif", "fans"])
def test_another_kind_of_picture_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="PICTURE_KIND"):
        draw([fan()], tmp_path / name)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"PICTURE_PATH.*no such folder"):
        draw([fan()], tmp_path / "nowhere" / "fans.png")
    (tmp_path / "fans.html").mkdir()
    with pytest.raises(ConfigurationError, match=r"PICTURE_PATH.*[Dd]irectory"):
        draw([fan()], tmp_path / "fans.html")


def test_nothing_to_draw_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="publish one first"):
        draw([], tmp_path / "fans.png")


def test_the_sweep_is_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "sweep.png"
    draw_sweep([1e-4, 1e-3, 1e-2], [3.0, 1.0, 9.0], 1e-4, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
