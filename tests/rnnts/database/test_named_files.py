from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, update

from rnnts.database import models
from rnnts.database.engine import Database
from rnnts.database.forecasts import delete_rows
from rnnts.database.named_files import (
    REMOVED,
    forget_files,
    named_files,
    version_ids,
    versions_in_detail,
)
from rnnts.database.schema import publication
from tests.rnnts.database.staged import published

AS_OF = datetime(2013, 11, 24, 8, tzinfo=UTC)


def known(connection: Connection, name: str) -> None:
    """A version with a row of every kind that names files."""
    common: dict[str, Any] = {"panel": "loads", "version_id": name}
    models.add_version(
        connection, **common, as_of=AS_OF, snapshot_id="5", windows_id="6", weights_sha256="7",
        manifest={"weights": {"name": f"weights/{name}"}, "probe": f"probe/{name}", "seed": 0},
        weights_name=f"weights/{name}",
    )  # fmt: skip
    models.add_scorecard(
        connection, **common, scorecard_id=f"card-{name}", snapshot_id="5", as_of=AS_OF,
        scores={"artefacts": {"errors": f"errors/{name}", "residuals": f"residuals/{name}"}},
    )  # fmt: skip
    models.add_calibration(
        connection, **common, calibration_id=f"calibration-{name}", as_of=AS_OF, summary={},
        artefact=f"calibration/{name}",
    )  # fmt: skip
    models.reject(
        connection, **common, scorecard_id=f"card-{name}", reason="no better",
        numbers={"safeguards": {"series": 0, "artefact": f"safeguards/{name}"}},
    )  # fmt: skip


def files_of(name: str) -> set[str]:
    kinds = ("weights", "probe", "errors", "residuals", "calibration", "safeguards")
    return {f"{kind}/{name}" for kind in kinds}


def test_rows_name_the_files_of_their_version(database: Database) -> None:
    with database.writing() as connection:
        known(connection, "a")
        known(connection, "b")
        assert named_files(connection) - {""} == files_of("a") | files_of("b")
        assert version_ids(connection) == {"a", "b"}


def test_what_is_forgotten_says_so_and_others_stay(database: Database) -> None:
    with database.writing() as connection:
        known(connection, "a")
        known(connection, "b")
        forget_files(connection, "a")
    with database.reading() as connection:
        assert named_files(connection) - {""} == files_of("b") | {REMOVED}
        row = models.version(connection, "a")
        card = models.scorecard(connection, "card-a")
    assert row is not None
    assert row.manifest == {"weights": {"name": REMOVED}, "probe": REMOVED, "seed": 0}
    assert card is not None
    assert card.scores == {"artefacts": {"errors": REMOVED, "residuals": REMOVED}}


def test_forgetting_twice_and_forgetting_nothing_change_nothing(database: Database) -> None:
    with database.writing() as connection:
        models.add_version(
            connection, panel="loads", version_id="nan", as_of=AS_OF, snapshot_id="5",
            windows_id="6", manifest={"weights": {"name": ""}, "probe": ""}, weights_name="",
            weights_sha256="",
        )  # fmt: skip
        before = models.version(connection, "nan")
        forget_files(connection, "nan")
        forget_files(connection, "nan")
        assert models.version(connection, "nan") == before


def test_a_version_is_in_detail_while_rows_of_its_publication_stand(database: Database) -> None:
    done = published(database)
    with database.writing() as connection:
        known(connection, "a")
        assert versions_in_detail(connection, "loads") == set()
        connection.execute(
            update(publication).where(publication.c.id == done.publication).values(version_id="a")
        )
        assert versions_in_detail(connection, "loads") == {"a"}
        assert versions_in_detail(connection, "others") == set()
        delete_rows(connection, done.publication)
        assert versions_in_detail(connection, "loads") == set()
