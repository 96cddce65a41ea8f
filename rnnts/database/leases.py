"""Leases: one writer a panel and purpose, and no sleeper that wakes up and writes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from sqlalchemy import Connection, RowMapping, text
from tenacity import Retrying, retry_if_result, stop_before_delay, wait_random

from rnnts.database.engine import Database
from rnnts.database.processes import is_gone, shown, this_process
from rnnts.errors import InfrastructureError, IntegrityError, RnntsError
from rnnts.failpoints import hit

HEARTBEAT_SECONDS = 10.0
EXPIRY_SECONDS = 3 * HEARTBEAT_SECONDS
_JOIN_SECONDS = 5.0
"""A heartbeat that waits for a lock is left to itself: it is a daemon and finds the lease gone."""

_log = logging.getLogger(__name__)

_NOW = {  # seconds by the database's clock; SQLite 3.40 lacks unixepoch('subsec')
    "sqlite": "julianday('now') * 86400.0",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
}
_TAKE = """
    INSERT INTO rnnts_lease (panel, purpose, token, holder, expires)
    VALUES (:panel, :purpose, 1, :holder, {now} + :seconds)
    ON CONFLICT (panel, purpose) DO UPDATE
    SET token = rnnts_lease.token + 1, holder = excluded.holder, expires = excluded.expires
    WHERE rnnts_lease.holder IN ('', :gone) OR rnnts_lease.expires < {now}
    RETURNING token
"""
_RENEW = """
    UPDATE rnnts_lease SET expires = {now} + :seconds
    WHERE panel = :panel AND purpose = :purpose AND token = :token AND holder = :holder
"""
_RELEASE = """
    UPDATE rnnts_lease SET holder = ''
    WHERE panel = :panel AND purpose = :purpose AND token = :token AND holder = :holder
"""
_LOOK = """
    SELECT token, holder, expires - {now} AS seconds_left FROM rnnts_lease
    WHERE panel = :panel AND purpose = :purpose
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one panel and purpose; `Database.writing` checks it."""

    panel: str
    purpose: str  # "night", "retrain", "tidy"
    token: int  # rises with every holder
    holder: str

    def check(self, connection: Connection) -> None:
        """Renew the lease and keep its row locked until the transaction ends.

        Raises:
            IntegrityError: FENCED where another has taken over.
        """
        hit("lease.renewing")
        if _run(connection, _RENEW, **self._names(), seconds=EXPIRY_SECONDS) == 1:
            return
        row = _look(connection, self.panel, self.purpose)
        raise IntegrityError(
            "FENCED",
            got=f"token {self.token}, current {row['token'] if row else 'none'}",
            where=f"rnnts_lease, purpose {self.purpose}",
            panel=self.panel,
            do="nothing to do: another run took over while this one slept, and nothing was changed",
        )

    def _names(self) -> dict[str, object]:
        return {
            "panel": self.panel,
            "purpose": self.purpose,
            "token": self.token,
            "holder": self.holder,
        }


@contextmanager
def hold(
    database: Database, panel: str, purpose: str, wait_seconds: float | None = None
) -> Iterator[Lease]:
    """Hold the lease of a panel for a purpose while the block runs; a thread renews it.

    Args:
        database: The results database.
        panel: Its name.
        purpose: "night", "retrain" or "tidy"; up to 16 characters.
        wait_seconds: How long another holder is waited for; default that of the database.

    Raises:
        InfrastructureError: LEASE_BUSY where another keeps it all that time.
    """
    patience = database.wait_seconds if wait_seconds is None else wait_seconds
    lease = _acquire(database, panel, purpose, patience)
    try:
        hit("lease.acquired")
        with _heartbeat(database, lease):
            yield lease
    finally:
        hit("lease.releasing")
        _release(database, lease)


def clock_seconds(connection: Connection) -> float:
    """Seconds by the database's clock, as `expires` counts them."""
    return float(connection.scalar(text(f"SELECT {_NOW[connection.dialect.name]}")) or 0.0)


def _acquire(database: Database, panel: str, purpose: str, patience: float) -> Lease:
    holder = this_process()

    def take(connection: Connection) -> int | None:
        row = _look(connection, panel, purpose)
        gone = row["holder"] if row and is_gone(row["holder"]) else ""
        statement = text(_TAKE.format(now=_NOW[connection.dialect.name]))
        values = {"panel": panel, "purpose": purpose, "holder": holder, "gone": gone}
        token = connection.scalar(statement, {**values, "seconds": EXPIRY_SECONDS})
        return None if token is None else int(token)

    retrying = Retrying(
        retry=retry_if_result(lambda token: token is None),
        wait=wait_random(0.05, 0.5),
        stop=stop_before_delay(patience),
        retry_error_callback=lambda _state: None,
    )
    token = retrying(database.run_writing, take)
    if token is None:
        raise _busy(database, panel, purpose, patience)
    return Lease(panel, purpose, token, holder)


def _busy(database: Database, panel: str, purpose: str, patience: float) -> RnntsError:
    with database.reading() as connection:
        row = _look(connection, panel, purpose)
    facts = f"held by {shown(row['holder'])}, token {row['token']}" if row else "held by another"
    return InfrastructureError(
        "LEASE_BUSY",
        expected=f"the lease for {purpose}",
        got=f"{facts}; waited {patience:g} s",
        where="rnnts_lease",
        panel=panel,
        do="wait for the other run to end, then run this again",
    )


@contextmanager
def _heartbeat(database: Database, lease: Lease) -> Iterator[None]:
    ended = Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            try:
                with database.writing(lease):
                    pass
            except IntegrityError as error:
                _log.warning("%s", error)
                return  # the next writing transaction says it where it can be heard
            except RnntsError as error:
                _log.warning("lease not renewed: %s", error)

    thread = Thread(target=beat, name=f"lease-{lease.panel}-{lease.purpose}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_JOIN_SECONDS)


def _release(database: Database, lease: Lease) -> None:
    """Give it back; where that fails, it expires by itself."""
    try:
        with database.writing() as connection:
            _run(connection, _RELEASE, **lease._names())  # noqa: SLF001 - of this module
    except RnntsError as error:
        _log.warning("lease not released, it expires in %g s: %s", EXPIRY_SECONDS, error)


def _look(connection: Connection, panel: str, purpose: str) -> RowMapping | None:
    statement = text(_LOOK.format(now=_NOW[connection.dialect.name]))
    values = {"panel": panel, "purpose": purpose}
    return connection.execute(statement, values).mappings().one_or_none()


def _run(connection: Connection, statement: str, **values: object) -> int:
    sql = text(statement.format(now=_NOW[connection.dialect.name]))
    return connection.execute(sql, values).rowcount
