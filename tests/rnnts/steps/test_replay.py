"""A publication comes out of its records to the bit, whatever changed since; or it is said why."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnts.artefacts import Store
from rnnts.database.issues import PublicationRow, publications
from rnnts.database.models import add_calibration
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.learning.calibration import Calibration
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project, open_project
from rnnts.steps import provenance
from rnnts.steps.forecast import forecast
from rnnts.steps.ingest import ingest
from rnnts.steps.publish import publish
from rnnts.steps.replay import replay
from rnnts.steps.results import Kind
from rnnts.steps.staged import Staged
from rnnts.steps.tidy import tidy
from tests.rnnts.steps.small_champion import CONFIG, LEVELS, MORE, Repeater, crown, untrained
from tests.rnnts.steps.small_project import BEGIN, change, lay_out, wave

keras_in_old_ways = pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
HOURS = 480
NIGHT = BEGIN + timedelta(hours=400)
DAY = timedelta(days=1)
NAN = np.nan


def values() -> dict[str, FloatArray]:
    """Sound series, and some that stand on other rungs on the first of the nights."""
    found = {name: wave(HOURS, 24, seed) for seed, name in enumerate("abcdef")}
    found["b"][340:398] = NAN  # most of its window
    found["c"][:395] = NAN  # hardly begun
    found["d"][:] = 7.0
    return found


def calibrate(
    project: Project, version_id: str, at: datetime, name: str = "c1", reach: float = 0.1
) -> None:
    """Ranges that end so far beyond the outermost levels: at 0.1 a quarter wider, each side."""
    levels, horizon = CONFIG.levels, CONFIG.horizon
    wide = Calibration.identity(levels, horizon)
    wide.steps[:] = [0.1 - reach, 0.5, 0.9 + reach]
    artefact = project.store.put_arrays(wide.to_arrays(), "calibration")
    with project.database.writing() as connection:
        add_calibration(
            connection, calibration_id=name, panel="loads", version_id=version_id, as_of=at,
            artefact=artefact, summary={},
        )  # fmt: skip


def night(project: Project, at: datetime = NIGHT, kind: Kind = "night") -> PublicationRow:
    snapshot = ingest(project, "loads", at).snapshot_id
    staged = forecast(project, "loads", snapshot, at, kind=kind)
    done = publish(project, "loads", staged.staged_id, at, kind=kind)
    with project.database.reading() as connection:
        rows = publications(connection, "loads")
    return next(row for row in rows if row.id == done.publication)


def methods(project: Project, row: PublicationRow) -> dict[str, int]:
    return Staged.load(project.store, row.staged_id).methods


def everything(project: Project) -> dict[str, bytes]:
    """All that stands on the disk."""
    return {
        str(path.relative_to(project.root)): path.read_bytes()
        for path in sorted(project.root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def repeater(monkeypatch: pytest.MonkeyPatch) -> Repeater:
    return Repeater(monkeypatch)


@pytest.fixture
def project(tmp_path: Path, repeater: Repeater) -> Project:  # noqa: ARG001 - it serves
    """A champion that leaves one series to a baseline, calibrated; one night is published."""
    made = lay_out(tmp_path / "project", values(), more=MORE)
    ingest(made, "loads", NIGHT - DAY)
    guarded = made.store.put_json({"e": "seasonal_naive_week"}, "safeguards")
    numbers = {"safeguards": {"series": 1, "artefact": guarded}}
    calibrate(made, crown(made, NIGHT - DAY, numbers=numbers), NIGHT - DAY)
    return made


def test_every_rung_comes_out_to_the_bit_and_nothing_is_written(project: Project) -> None:
    row = night(project)
    assert methods(project, row) == {
        "baseline": 2,
        "network": 2,
        "last_value": 1,
        "seasonal_naive": 1,
    }
    before = everything(project)
    found = replay(project, row.id)
    assert (found.verdict, found.exit_code, found.held_against) == ("identical", 0, "table")
    assert (found.series, found.rows, found.differences) == (6, 36, [])
    assert (found.version_id, found.calibration_id) == (row.version_id, "c1")
    assert everything(project) == before


def test_what_changed_since_has_no_say(project: Project) -> None:
    row = night(project)
    change(project, "UPDATE readings SET value = value + 5")
    change(project, "DELETE FROM readings WHERE site = 'a'")
    ingest(project, "loads", NIGHT + DAY)
    named = project.store.put_json({"f": "seasonal_naive_day"}, "safeguards")
    numbers = {"safeguards": {"series": 1, "artefact": named}}
    calibrate(project, crown(project, NIGHT - DAY, "v2", numbers=numbers), NIGHT - DAY, "c2")
    settings = project.file.read_text().replace("[panels.loads]", "[panels.loads]\nminimum = 19.5")
    project.file.write_text(settings.replace("[0.1, 0.5, 0.9]", "[0.5, 0.9]"))
    changed = open_project(project.file)
    assert replay(changed, row.id).verdict == "identical"
    again = night(changed, NIGHT + timedelta(minutes=1))
    assert again.digest != row.digest  # while a new night of that hour is another one
    assert replay(changed, again.id).verdict == "identical"


def test_a_backfill_of_the_past_comes_out_too(project: Project) -> None:
    night(project, NIGHT + DAY)
    row = night(project, NIGHT, "backfill")
    assert (row.kind, row.status) == ("backfill", "superseded")
    assert replay(project, row.id).verdict == "identical"


def test_the_champion_before_serves_a_replay_though_the_champion_is_whole_again(
    project: Project, repeater: Repeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    crown(project, NIGHT - timedelta(hours=1), "v2")

    def broken(store: Store, manifest: dict[str, dict[str, str]]) -> Repeater:
        if manifest["weights"]["name"].endswith("v2"):
            raise IntegrityError("ARTEFACT_CORRUPT", got="a flipped bit", do="restore it")
        return repeater.load(store, manifest)

    with monkeypatch.context() as patch:
        patch.setattr("rnnts.learning.versions.load_network", broken)
        row = night(project)
    assert methods(project, row)["network_previous"] == 2
    repeater.loaded.clear()
    assert replay(project, row.id).verdict == "identical"
    assert repeater.loaded == ["weights/v1"]


def test_a_night_without_any_network_comes_out_too(tmp_path: Path) -> None:
    project = lay_out(tmp_path / "plain", values())
    row = night(project)
    found = replay(project, row.id)
    assert (found.verdict, found.version_id) == ("identical", None)


def test_the_series_that_were_known_then_are_known_to_a_replay(project: Project) -> None:
    ingest(project, "loads", NIGHT - timedelta(hours=30))
    change(project, "INSERT INTO readings VALUES ('young', ?, 3)", BEGIN.isoformat())
    change(project, "DELETE FROM readings WHERE site = 'a'")
    night(project, NIGHT - timedelta(hours=2))
    change(project, "DELETE FROM readings WHERE site = 'young'")
    row = night(project)
    assert Staged.load(project.store, row.staged_id).inputs["known"]["absent"]
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        connection.execute("UPDATE rnnts_series SET first_seen = '2025-01-01 00:00:00+00:00'")
    connection.close()
    assert replay(project, row.id).verdict == "identical"


def test_rows_that_went_into_files_are_held_against_those(project: Project) -> None:
    rows = [night(project, NIGHT + days * DAY) for days in range(3)]
    tidy(project, nights=2)
    found = replay(project, rows[0].id)
    assert (found.verdict, found.held_against) == ("identical", "files")
    assert replay(project, rows[2].id).held_against == "table"


@keras_in_old_ways
def test_a_real_network_gives_the_same_bits_again(tmp_path: Path) -> None:
    project = lay_out(tmp_path / "real", values(), more=MORE)
    ingest(project, "loads", NIGHT - DAY)
    weights = untrained(project.store)
    version_id = crown(project, NIGHT - DAY, weights=weights)
    calibrate(project, version_id, NIGHT - DAY)
    rows = [night(project, NIGHT + days * DAY) for days in range(2)]
    assert methods(project, rows[0])["network"] == 3
    assert [replay(project, row.id).verdict for row in rows] == ["identical", "identical"]

    path = project.store.root / weights["name"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="ARTEFACT_CORRUPT"):
        replay(project, rows[0].id)


def spoil_file(kind: str) -> Callable[[Project, PublicationRow], None]:
    def spoil(project: Project, _row: PublicationRow) -> None:
        for name in project.store.names(kind):
            path = project.store.root / name
            path.write_bytes(path.read_bytes()[:-1] + b"?")

    return spoil


def other_snapshot(project: Project, row: PublicationRow) -> None:
    change(project, "UPDATE rnnts_publication SET snapshot_id = ? WHERE id = ?", "0" * 64, row.id)


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (spoil_file("chunk"), "ARTEFACT_CORRUPT"),
        (spoil_file("snapshot"), "ARTEFACT_CORRUPT"),
        (spoil_file("calibration"), "ARTEFACT_CORRUPT"),
        (spoil_file("staged"), "ARTEFACT_CORRUPT"),
        (other_snapshot, "RECORD_MISMATCH"),
    ],
    ids=["observations", "snapshot", "calibration", "manifest", "row of the publication"],
)
def test_an_input_that_was_tampered_with_is_refused(
    project: Project, tamper: Callable[[Project, PublicationRow], None], code: str
) -> None:
    row = night(project)
    tamper(project, row)
    with pytest.raises(IntegrityError, match=code):
        replay(project, row.id)


def test_an_input_whose_hash_was_forged_too_is_told_by_the_rows(project: Project) -> None:
    """The bounds of a version stand in its row, where no hash guards them."""
    row = night(project)
    with sqlite3.connect(project.root / "rnnts.db") as connection:
        ((text,),) = connection.execute("SELECT manifest FROM rnnts_model_version")
        manifest = json.loads(text) | {"bounds": {"minimum": None, "maximum": None, "whole": True}}
        forged = json.dumps(manifest)
        connection.execute("UPDATE rnnts_model_version SET manifest = ?", (forged,))
    connection.close()
    found = replay(project, row.id)
    assert (found.verdict, found.exit_code, found.made_elsewhere) == ("differs", 6, [])
    assert 1 <= found.series_differing <= 6
    assert found.largest is not None
    assert 0 < found.largest < 0.1
    worst = found.differences[0]
    assert (worst.published, worst.largest) == (worst.replayed, found.largest)


def test_rows_that_were_changed_since_are_no_fault_of_the_replay(project: Project) -> None:
    row = night(project)
    key = "SELECT id FROM rnnts_series WHERE series_id = 'f'"
    change(
        project,
        f"UPDATE rnnts_forecast SET q90 = q90 + 0.5 WHERE step = 3 AND series = ({key})",  # noqa: S608
    )
    found = replay(project, row.id)
    assert (found.verdict, found.exit_code) == ("altered", 6)
    (one,) = found.differences
    assert (one.series_id, one.rows) == ("f", 1)
    assert one.largest == pytest.approx(0.5)


def test_a_row_that_is_missing_is_told_too(project: Project) -> None:
    row = night(project)
    key = "SELECT id FROM rnnts_series WHERE series_id = 'f'"
    change(project, f"DELETE FROM rnnts_forecast WHERE series = ({key})")  # noqa: S608
    (one,) = replay(project, row.id).differences
    assert (one.series_id, one.rows, one.published, one.largest) == ("f", 6, "no forecast", None)


def test_other_versions_are_named_as_what_may_explain_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, repeater: Repeater
) -> None:
    row = night(project)
    monkeypatch.setattr(provenance, "library_versions", lambda: {"tensorflow": "9.9"})
    same = replay(project, row.id)
    assert (same.verdict, same.exit_code) == ("identical", 0)
    assert any(one.startswith("tensorflow 2.") and "9.9" in one for one in same.made_elsewhere)

    def rounded(quantiles: FloatArray) -> None:
        quantiles *= 1 + 1e-9

    repeater.spoil = rounded
    found = replay(project, row.id)
    assert (found.verdict, found.exit_code) == ("differs", 3)
    assert found.largest is not None
    assert found.largest < 1e-6


def test_what_retention_removed_is_named_with_the_day(project: Project) -> None:
    rows = [night(project, NIGHT + days * DAY) for days in range(3)]
    for path in project.store.root.rglob("*"):
        then = path.stat().st_mtime - 100 * 86_400
        os.utime(path, (then, then))
    change(project, "UPDATE rnnts_publication SET issued_at = '2025-12-01 00:00:00+00:00' "
                    "WHERE id = ?", rows[0].id)  # fmt: skip
    removed = tidy(project, nights=2).removed
    assert rows[0].snapshot_id in removed["snapshots"]
    assert rows[2].snapshot_id not in removed["snapshots"]
    change(project, "UPDATE rnnts_publication SET issued_at = ? WHERE id = ?",
           NIGHT.strftime("%Y-%m-%d %H:%M:%S+00:00"), rows[0].id)  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        replay(project, rows[0].id)
    assert caught.value.code == "INPUTS_REMOVED"
    assert rows[0].snapshot_id[:12] in str(caught.value)
    assert "`rnnts tidy` removed it on 20" in str(caught.value)
    assert replay(project, rows[2].id).verdict == "identical"


def test_weights_that_retention_removed_are_named(project: Project) -> None:
    row = night(project)
    for name in ("v2", "v3"):
        crown(project, NIGHT, name)
    change(project, "UPDATE rnnts_publication SET version_id = NULL")  # no detail holds it any more
    then = (project.store.root / next(project.store.names("calibration"))).stat().st_mtime - 1e7
    for path in project.store.root.rglob("*"):
        os.utime(path, (then, then))
    assert row.version_id in tidy(project).removed["versions"]
    change(project, "UPDATE rnnts_publication SET version_id = ?", row.version_id)
    with pytest.raises(
        ConfigurationError, match=r"INPUTS_REMOVED.*weights of model version.*on 20"
    ):
        replay(project, row.id)


def test_a_number_that_nothing_was_published_under(project: Project) -> None:
    night(project)
    with pytest.raises(ConfigurationError, match="PUBLICATION_UNKNOWN"):
        replay(project, 99)


def test_a_forecast_of_an_older_rnnts_says_that_it_cannot_be_replayed(project: Project) -> None:
    row = night(project)
    staged = replace(Staged.load(project.store, row.staged_id), inputs={})
    change(project, "UPDATE rnnts_publication SET staged_id = ?", staged.keep(project.store))
    with pytest.raises(ConfigurationError, match=r"INPUTS_UNRECORDED.*since the upgrade"):
        replay(project, row.id)


def test_nothing_secret_is_written_down(project: Project) -> None:
    text = project.file.read_text().replace('"readings"', '"readings", url = "sqlite:///rnnts.db"')
    project.file.write_text(text)
    row = night(open_project(project.file))
    recorded = Staged.load(project.store, row.staged_id).inputs
    assert "source" not in recorded["settings"]
    assert tuple(recorded["settings"]["quantiles"]) == LEVELS
    assert "sqlite" not in json.dumps(recorded)
