"""Publications: rows staged where no reader sees them, then one short transaction, the flip."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from rnnts.database.commits import commit
from rnnts.database.engine import Database
from rnnts.database.forecasts import (
    ForecastRows,
    RowDigest,
    count_rows,
    delete_rows,
    ensure_partition,
    forecast_pages,
    write_rows,
)
from rnnts.database.instants import database_now
from rnnts.database.issues import (
    PUBLISHED,
    SHARED,
    Kind,
    PublicationRow,
    PublicationStatus,
    held_back,
    live,
    next_revision,
    publication,
    publication_by_id,
    unfinished,
)
from rnnts.database.leases import Lease
from rnnts.database.outbox import add_message
from rnnts.database.rows import known
from rnnts.database.runs import RunRecord
from rnnts.database.schema import publication as table
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.failpoints import hit

Json = Any
DEGRADED = 3
"""Exit code of a publication in which some series fell back."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a staged forecast says of itself."""

    panel: str
    issued_at: datetime
    kind: Kind
    staged_id: str  # hash of the staged forecast
    snapshot_id: str
    version_id: str | None
    calibration_id: str | None
    horizon: int
    series: int  # that got a forecast
    skipped: int  # known, without one; each has a finding
    degraded: bool  # some series fell back


@dataclass(frozen=True, slots=True)
class Flipped:
    """How a flip ended."""

    publication: int
    panel: str
    issued_at: datetime
    kind: Kind
    revision: int
    status: PublicationStatus
    noop: bool  # it stood already; nothing was written
    rows: int
    exit_code: int  # 0, or 3 where some series fell back
    message: str

    def to_json(self) -> dict[str, Json]:
        """The same as plain JSON, the instant as ISO text."""
        return {**asdict(self), "issued_at": self.issued_at.isoformat()}


def stage(
    database: Database,
    lease: Lease,
    manifest: Manifest,
    chunks: Iterable[ForecastRows],
    *,
    replace: bool = False,
) -> PublicationRow:
    """Write the rows of a forecast where no reader sees them, a transaction a chunk.

    What a dead run staged for the same issue is discarded. An issue that is published already is
    given back as it stands, and nothing is written, unless `replace` asks for its next revision.

    Args:
        database: The results database.
        lease: Of the panel.
        manifest: What the forecast says of itself.
        chunks: Whole series each, [rows] of some ten thousand at most.
        replace: Whether an issue that is published gets a next revision.

    Raises:
        IntegrityError: STAGE_MISMATCH where rows and manifest differ; FENCED; DB_CONSTRAINT where
            a value is not finite.
        ConfigurationError: ISSUE_LIVE where a backfill would replace what is live.
    """
    row = database.run_writing(
        lambda connection: _begin(connection, manifest, replace=replace), lease
    )
    if row.status != "staged":
        return row
    digest = RowDigest(manifest.horizon)
    for chunk in chunks:
        try:
            digest.add(chunk)
        except ValueError as error:
            raise _mismatch(row, f"rows of which {error}") from error
        _write_chunk(database, lease, row.id, chunk)
        hit("publish.stage_chunk_committed")
    _compare(row, (digest.series, digest.rows), "given by the forecast")
    database.run_writing(lambda connection: _seal(connection, row.id, digest), lease)
    hit("publish.staged")
    return _read(database, row.id)


def flip(
    database: Database,
    lease: Lease,
    publication_id: int,
    *,
    run: RunRecord | None = None,
    describe: Callable[[Flipped], Json] = Flipped.to_json,
) -> Flipped:
    """Publish what is staged: status, ledger and outbox in one transaction.

    A night goes live if it is newer than what is live, or the next revision of it; else it is
    superseded from the start. Other kinds never go live. An answer to COMMIT that is lost is
    looked up by the publication's id before anything is done again.

    Args:
        database: The results database.
        lease: Of the panel.
        publication_id: What `stage` gave.
        run: The row of the ledger that ends with this; written in the same transaction.
        describe: What the ledger keeps as its result.

    Raises:
        IntegrityError: STAGE_MISMATCH where the rows are not those that were staged; FENCED.
    """
    attempts = iter(range(1_000_000))

    def attempt() -> Flipped:
        first = next(attempts) == 0
        row = database.run_reading(
            lambda connection: known(publication_by_id(connection, publication_id))
        )
        if row.status not in {"staged", "dead"}:
            return _flipped(row, noop=first)
        verify_rows(database, row)
        hit("publish.gates_passed")
        with database.writing(lease) as connection:
            hit("publish.token_locked")
            flipped = _flip(connection, row)
            hit("publish.flipped")
            if run is not None:
                run.done(describe(flipped), flipped.exit_code, flipped.message)
                run.write(connection)
            hit("publish.before_commit")
            commit(connection, lambda: hit("publish.commit_sent"))
        return flipped

    flipped = database.patiently(attempt)
    if run is not None and not flipped.noop:
        run.settled = True
    hit("publish.committed")
    return flipped


def outbox_key(row: PublicationRow) -> str:
    """The stable key of the message that tells of a publication."""
    issue = f"{row.issued_at.isoformat()}/{row.kind}/{row.revision}"
    return f"published/{row.panel}/{issue}"


def _begin(connection: Connection, manifest: Manifest, *, replace: bool) -> PublicationRow:
    published = publication(connection, manifest.panel, manifest.issued_at, manifest.kind)
    if published is None:  # nothing but --replace publishes again what a person took back
        published = held_back(connection, manifest.panel, manifest.issued_at, manifest.kind)
    if published is not None and not replace:
        return published
    if published is not None and published.status == "live" and manifest.kind != "night":
        raise ConfigurationError(
            "ISSUE_LIVE",
            expected="a backfill of an issue that is not live",
            got=f"{manifest.issued_at.isoformat()}, which is",
            panel=manifest.panel,
            do="replace it as a night: `rnnts publish PANEL --replace`",
        )
    values = {**asdict(manifest), "degraded": int(manifest.degraded), "rows": 0, "digest": ""}
    issue = (manifest.panel, manifest.issued_at, manifest.kind)
    left = unfinished(connection, *issue)
    if left is None:
        values |= {"revision": next_revision(connection, *issue), "status": "staged"}
        statement = insert(table).values(**values, recorded_at=database_now())
        row_id = int(connection.execute(statement.returning(table.c.id)).scalar_one())
    else:
        row_id = left.id
        delete_rows(connection, row_id)
        connection.execute(
            update(table).where(table.c.id == row_id).values(**values, status="staged")
        )
    ensure_partition(connection, row_id)
    return known(publication_by_id(connection, row_id))


def _write_chunk(database: Database, lease: Lease, row_id: int, chunk: ForecastRows) -> None:
    attempts = iter(range(1_000_000))

    def attempt(connection: Connection) -> None:
        if next(attempts) > 0:  # the answer to the last COMMIT may have been lost
            delete_rows(connection, row_id, sorted(set(chunk.series.tolist())))
        write_rows(connection, row_id, chunk)

    database.run_writing(attempt, lease)


def _read(database: Database, row_id: int) -> PublicationRow:
    return database.run_reading(lambda connection: known(publication_by_id(connection, row_id)))


def _seal(connection: Connection, row_id: int, digest: RowDigest) -> None:
    statement = update(table).where(table.c.id == row_id)
    connection.execute(statement.values(rows=digest.rows, digest=digest.hexdigest()))


def verify_rows(database: Database, row: PublicationRow) -> None:
    """Read the rows again: what goes live is what was computed.

    Raises:
        IntegrityError: STAGE_MISMATCH where they are gone, or not those that were staged.
    """
    digest = RowDigest(row.horizon)
    for page in forecast_pages(database, row.id, row.horizon):
        try:
            digest.add(page)
        except ValueError as error:
            raise _mismatch(row, f"rows of which {error}") from error
    _compare(row, (digest.series, digest.rows), "in rnnts_forecast")
    if digest.hexdigest() != row.digest:
        raise _mismatch(row, f"{digest.rows} rows of another digest in rnnts_forecast")


def _compare(row: PublicationRow, found: tuple[int, int], where: str) -> None:
    if found != (row.series, row.series * row.horizon):
        raise _mismatch(row, f"{found[1]} rows of {found[0]} series {where}")


def _mismatch(row: PublicationRow, got: str) -> IntegrityError:
    return IntegrityError(
        "STAGE_MISMATCH",
        expected=f"{row.series} series of {row.horizon} steps, as the manifest says",
        got=got,
        where=f"publication {row.id}",
        panel=row.panel,
        do="nothing was published; run `rnnts forecast` and `rnnts publish` again",
    )


def _flip(connection: Connection, row: PublicationRow) -> Flipped:
    if count_rows(connection, row.id) != row.rows:
        raise _mismatch(row, f"{count_rows(connection, row.id)} rows at the flip")
    status = _make_way(connection, row)
    connection.execute(
        update(table).where(table.c.id == row.id).values(status=status, published_at=database_now())
    )
    done = known(publication_by_id(connection, row.id))
    flipped = _flipped(done, noop=False)
    add_message(connection, outbox_key(done), row.panel, "published", flipped.to_json())
    return flipped


def _make_way(connection: Connection, row: PublicationRow) -> PublicationStatus:
    """Move what stands in the way of a publication; give the status that it gets."""
    now_live = live(connection, row.panel)
    goes_live = row.kind == "night" and (now_live is None or row.issued_at >= now_live.issued_at)
    same = [table.c.panel == row.panel, table.c.issued_at == row.issued_at, table.c.id != row.id]
    kinds = SHARED if row.kind in SHARED else (row.kind,)
    connection.execute(
        update(table)
        .where(*same, table.c.kind.in_(kinds), table.c.status.in_(PUBLISHED))
        .values(status="replaced")
    )
    if goes_live:
        connection.execute(
            update(table)
            .where(table.c.panel == row.panel, table.c.status == "live")
            .values(status="superseded")
        )
    return "live" if goes_live else "superseded"


def _flipped(row: PublicationRow, *, noop: bool) -> Flipped:
    words = {"live": "live", "superseded": "kept; a newer issue is live"}
    if row.kind != "night":
        words["superseded"] = f"kept as {row.kind}"
    message = "already published" if noop else words.get(row.status, row.status)
    if row.status == "held":
        message = "held back: a person took it back; --replace publishes it again"
    exit_code = DEGRADED if row.degraded and not noop else 0
    return Flipped(
        row.id,
        row.panel,
        row.issued_at,
        row.kind,
        row.revision,
        row.status,
        noop,
        row.rows,
        exit_code,
        message,
    )
