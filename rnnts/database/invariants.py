"""What must hold at any moment, whatever was killed: asked by `rnnts doctor` and crash tests."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, text

from rnnts.database.engine import Database
from rnnts.database.forecasts import RowDigest, forecast_pages
from rnnts.database.issues import PublicationRow
from rnnts.database.leases import EXPIRY_SECONDS, clock_seconds
from rnnts.database.rows import columns_of, rows_of
from rnnts.database.schema import publication

_STATEMENT = Path(__file__).with_name("invariants.sql")


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be."""

    invariant: str
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.detail}"


def check_invariants(database: Database) -> tuple[Violation, ...]:
    """Every violation; none in a sound database.

    Raises:
        RnntsError: The faults of `Database.reading`.
    """
    found = database.run_reading(_ask)
    return (*found, *_other_rows(database))


def _ask(connection: Connection) -> tuple[Violation, ...]:
    statement = text(_STATEMENT.read_text(encoding="utf-8"))
    values = {"now": clock_seconds(connection), "patience": EXPIRY_SECONDS}
    return tuple(Violation(*row) for row in connection.execute(statement, values).all())


def _other_rows(database: Database) -> tuple[Violation, ...]:
    """What is live and has not the digest of its manifest, which SQL cannot compute."""
    statement = select(*columns_of(publication, PublicationRow))
    statement = statement.where(publication.c.status == "live")
    lives = database.run_reading(lambda connection: rows_of(connection, statement, PublicationRow))
    return tuple(
        Violation("a live publication has the digest of its manifest", f"publication {row.id}")
        for row in lives
        if _digest(database, row) != row.digest
    )


def _digest(database: Database, row: PublicationRow) -> str:
    digest = RowDigest(row.horizon)
    try:
        for page in forecast_pages(database, row.id, row.horizon):
            digest.add(page)
    except ValueError:
        return "no digest: rows are missing"
    return digest.hexdigest()
