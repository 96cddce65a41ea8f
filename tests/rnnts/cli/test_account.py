"""The commands that give account: explain, replay, findings, rollback; and what they print."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.cli import main
from rnnts.project import Project
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

DAY = timedelta(days=1)
NIGHT = BEGIN + 40 * DAY
Said = tuple[int, str, str]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two nights are out, by a plain method; one series is too short."""
    short = wave(24 * 50, 24)
    short[: 24 * 39 + 1] = np.nan
    more = 'timezone = "America/New_York"'
    made = lay_out(tmp_path, {"a": wave(24 * 50, 24), "short": short}, horizon=48, more=more)
    for at in (NIGHT, NIGHT + DAY):
        staged = forecast(made, "loads", ingest(made, "loads", at).snapshot_id, at)
        publish(made, "loads", staged.staged_id, at)
    return made


@pytest.fixture
def rnnts(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["rnnts", *words, "--config", str(project.file)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


def test_an_explanation_is_read_from_the_top(rnnts: Callable[..., Said]) -> None:
    code, out, _ = rnnts("explain", "loads", "short")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == ("loads / short, issued 2026-02-10 19:00-05:00 (publication 2, night, live)")
    told = {line[:12].strip(): line[12:] for line in lines if line[:12].strip()}
    assert told["Method"].startswith("seasonal_naive, a fallback: its values of one season")
    assert told["Quality"] == "cold: its history has 47 steps, the window 288"
    assert told["Model"] == "no network: a plain method serves every series of the panel"
    assert "TOO_SHORT: has 47, needs 48; served by seasonal_naive; nothing to do if it is" in out
    assert "NO_CHAMPION (whole panel): no network was promoted" in out
    assert "Against the issue before (publication 1, 2026-02-09 19:00-05:00), over the 24" in out
    assert "24 new values; 24 steps less to look ahead" in out
    assert "its history has only 47 steps" in out


def test_each_target_time_is_told_where_it_is_asked_for(rnnts: Callable[..., Said]) -> None:
    _, out, _ = rnnts("explain", "loads", "a", "--targets")
    assert "target (America/New_York)" in out
    assert "2026-02-11 18:00" in out  # the last that both issues have
    _, plain, _ = rnnts("explain", "loads", "a")
    assert "target (America/New_York)" not in plain
    assert "The past weeks most like the last one" in plain
    _, first, _ = rnnts("explain", "loads", "a", "--issued-at", NIGHT.isoformat())
    assert "Not held against the issue before: it is the first issue" in first


def test_for_machines_it_is_the_same_as_json(rnnts: Callable[..., Said]) -> None:
    code, out, _ = rnnts("explain", "loads", "a", "--json")
    found = json.loads(out)
    assert (code, found["method"], found["publication"]) == (0, "seasonal_naive", 2)
    assert len(found["change"]["parts"][0]["by_target"]) == len(found["change"]["targets"]) == 24
    assert len(found["alike"]) == 3
    code, out, _ = rnnts("replay", "1", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["exit_code"]) == (0, "identical", 0)


def test_a_replay_says_plainly_whether_it_is_the_same(
    project: Project, rnnts: Callable[..., Said]
) -> None:
    for words in (("2",), ("loads",), ("loads", "--issued-at", NIGHT.isoformat())):
        code, out, _ = rnnts("replay", *words)
        assert code == 0
        assert "IDENTICAL: every row comes out to the last bit" in out
    _, out, _ = rnnts("replay", "1")
    assert "publication 1 of loads, issued 2026-02-09 19:00-05:00 (night, superseded)" in out
    change(project, "UPDATE rnnts_forecast SET q50 = q50 + 2 WHERE publication = 2 AND step < 4")
    code, out, _ = rnnts("replay", "2")
    assert code == 6
    assert "ALTERED: the forecast comes out as it was published, but 6 of 96 rows of 2" in out
    assert "by at most 2;" in out
    assert "short" in out


def test_a_replay_of_what_is_not_there_names_what_is(rnnts: Callable[..., Said]) -> None:
    code, _, err = rnnts("replay", "9")
    assert (code, err.startswith("PUBLICATION_UNKNOWN")) == (2, True)
    code, _, err = rnnts("replay", "lods")
    assert "did you mean loads?" in err
    code, _, err = rnnts("replay", "loads", "--issued-at", (NIGHT - DAY).isoformat())
    assert code == 2
    assert "take one of 2026-02-11" in err


def test_findings_are_listed_with_what_to_do_and_narrowed(rnnts: Callable[..., Said]) -> None:
    code, out, _ = rnnts("findings", "loads")
    assert code == 0
    assert "warning: TOO_SHORT loads/short: has 47, needs 48; served by seasonal_naive" in out
    assert "    do: nothing to do if it is new; the network takes over once it has that" in out
    assert "    seen 2 times since 2026-02-09 19:00-05:00, last for 2026-02-10 19:00-05:00" in out
    assert "info: NO_CHAMPION loads: " in out
    assert out.index("TOO_SHORT") < out.index("NO_CHAMPION")

    assert "NO_CHAMPION" not in rnnts("findings", "--severity", "warning")[1]
    assert "NO_CHAMPION" not in rnnts("findings", "loads", "--series", "short")[1]
    later = (NIGHT + 2 * DAY).isoformat()
    assert rnnts("findings", "--since", later)[1] == "nothing was noticed\n"
    rows = json.loads(rnnts("findings", "--json", "--severity", "warning")[1])["findings"]
    assert {row["code"] for row in rows} == {"TOO_SHORT"}
    code, _, err = rnnts("findings", "loads", "--series", "shorn")
    assert (code, "did you mean short?" in err) == (2, True)


def test_a_rollback_says_what_holds_instead(rnnts: Callable[..., Said]) -> None:
    code, out, _ = rnnts("rollback", "loads", "forecast", "--reason", "a bad load", "--by", "ann")
    assert code == 0
    assert "taken back      2" in out
    assert "instead         1" in out
    code, _, err = rnnts("rollback", "loads", "model", "--reason", "a bad load")
    assert (code, err.startswith("ROLLBACK_NOTHING")) == (2, True)
    code, out, _ = rnnts("explain", "loads", "a", "--issued-at", (NIGHT + DAY).isoformat())
    assert "(publication 2, night, held)" in out
