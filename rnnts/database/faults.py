"""What a database's refusal means, told by its code and never by its text."""

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from rnnts.database.urls import url_shown
from rnnts.errors import InfrastructureError, IntegrityError, RnntsError


class TransientError(InfrastructureError):
    """A failure that the same work may not meet again: the only kind that is retried."""


_KINDS = {  # the first prefix that fits
    "sqlite": (
        ("SQLITE_BUSY", "locked"),
        ("SQLITE_LOCKED", "locked"),
        ("SQLITE_FULL", "disk_full"),
        ("SQLITE_IOERR_WRITE", "disk_full"),
        ("SQLITE_IOERR", "broken_off"),
        ("SQLITE_READONLY", "not_writable"),
        ("SQLITE_CORRUPT", "corrupt"),
        ("SQLITE_NOTADB", "corrupt"),
        ("SQLITE_PERM", "no_right"),
        ("SQLITE_AUTH", "no_right"),
        ("SQLITE_CANTOPEN", "cannot_open"),
        ("SQLITE_CONSTRAINT", "constraint"),
        ("SQLITE_INTERRUPT", "slow"),
    ),
    "postgresql": (
        ("lost", "unreachable"),  # no SQLSTATE: the connection broke, or never stood
        ("08", "unreachable"),
        ("57P", "unreachable"),
        ("53300", "unreachable"),
        ("53200", "unreachable"),
        ("25P03", "unreachable"),
        ("40001", "locked"),
        ("40P01", "locked"),
        ("55P03", "locked"),
        ("53100", "disk_full"),
        ("25006", "not_writable"),
        ("42501", "no_right"),
        ("57014", "slow"),
        ("28", "broken_off"),
        ("3D", "broken_off"),
        ("58", "broken_off"),
        ("XX001", "corrupt"),
        ("XX002", "corrupt"),
        ("23", "constraint"),
    ),
}
_LOST = ("OperationalError", "ConnectionTimeout", "InterfaceError")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Faults:
    """Reads the codes of one database.

    Args:
        url: Its address.
        wait_seconds: How long a locked database is waited for.
        read_only: Whether it is only read, so that a GRANT names SELECT alone.
    """

    def __init__(self, url: URL, wait_seconds: float, *, read_only: bool) -> None:
        self._url = url
        self._wait_seconds = wait_seconds
        self._read_only = read_only
        self._shown = url_shown(url.render_as_string(hide_password=False))

    def of(self, error: BaseException) -> RnntsError | None:
        """The failure in our words, or None where it is no fault of the database."""
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            return self._disk_full("")
        if isinstance(error, PoolTimeoutError):
            return self._slow("no connection came free")
        cause = error.orig if isinstance(error, DBAPIError) else error
        code, text = self._code_of(cause)
        for prefix, kind in _KINDS[self._url.get_backend_name()]:
            if code.startswith(prefix):
                return self._builders()[kind](text)
        return None

    def _code_of(self, cause: BaseException | None) -> tuple[str, str]:
        """Its code, "" where it has none, and what may be shown of it."""
        name = getattr(cause, "sqlite_errorname", None)
        if name is not None:
            return str(name), f"{name}: {cause}"
        if type(cause).__module__.partition(".")[0] != "psycopg":
            return "", ""
        code = getattr(cause, "sqlstate", None)
        if code is not None:
            primary = getattr(getattr(cause, "diag", None), "message_primary", None)
            return str(code), f"{code}: {primary or 'no message'}"
        return ("lost" if type(cause).__name__ in _LOST else ""), self._without_secrets(cause)

    def _builders(self) -> dict[str, Callable[[str], RnntsError]]:
        return {
            "locked": self._locked,
            "unreachable": self._unreachable,
            "broken_off": self._broken_off,
            "slow": self._slow,
            "not_writable": self._not_writable,
            "disk_full": self._disk_full,
            "corrupt": self._corrupt,
            "constraint": self._constraint,
            "cannot_open": self._cannot_open,
            "no_right": self._no_right,
        }

    def _without_secrets(self, cause: object) -> str:
        text = " ".join(str(cause).split())
        return text.replace(str(self._url.password), "***") if self._url.password else text

    def _locked(self, text: str) -> RnntsError:
        return TransientError(
            "DB_LOCKED",
            got=f"another process holds a lock ({text}); waited {self._wait_seconds:g} s",
            where=self._shown,
            do="end what holds it, or raise database.wait_seconds; then run this again",
        )

    def _unreachable(self, text: str) -> RnntsError:
        return self._no_answer(TransientError, text)

    def _broken_off(self, text: str) -> RnntsError:
        return self._no_answer(InfrastructureError, text)

    def _no_answer(self, kind: type[InfrastructureError], text: str) -> RnntsError:
        return kind(
            "DB_UNREACHABLE",
            got=f"no answer from the database ({text})",
            where=self._shown,
            do="see that it runs and that database.url is right; then run this again",
        )

    def _slow(self, text: str) -> RnntsError:
        return InfrastructureError(
            "DB_SLOW",
            got=f"the database did not answer in time ({text})",
            where=self._shown,
            do="look at its load; then run this again, nothing was changed",
        )

    def _not_writable(self, _text: str) -> RnntsError:
        return InfrastructureError(
            "DB_READ_ONLY",
            expected="a database that takes writes",
            got="one that is read-only",
            where=self._shown,
            do="make file and folder writable for this user, or point to the primary server",
        )

    def _disk_full(self, _text: str) -> RnntsError:
        facts = "the disk of the database is full"
        if self._url.get_backend_name() == "sqlite":
            path = Path(str(self._url.database))
            size = path.stat().st_size if path.exists() else 0
            folder = path.parent if path.parent.exists() else Path.cwd()
            free = shutil.disk_usage(folder).free
            facts += f": the file has {size:,} bytes and needs more, {free:,} bytes are free"
        return InfrastructureError(
            "DISK_FULL",
            got=facts,
            where=self._shown,
            do="make room (python -m flows.tidy_up); nothing was changed, run this again",
        )

    def _corrupt(self, text: str) -> RnntsError:
        return IntegrityError(
            "DB_CORRUPT",
            expected="a sound database",
            got=text,
            where=self._shown,
            do="restore it from a backup: rnnts writes nothing into what it cannot trust",
        )

    def _constraint(self, text: str) -> RnntsError:
        return IntegrityError(
            "DB_CONSTRAINT",
            expected="rows that keep the rules of the tables",
            got=" ".join(text.split()),
            where=self._shown,
            do="run `rnnts doctor`; nothing was changed",
        )

    def _cannot_open(self, _text: str) -> RnntsError:
        path = Path(str(self._url.database))
        if path.exists() and not os.access(path, os.R_OK):
            return self._no_right("")
        remedy = "correct database.url, or create it with `rnnts ingest PANEL`"
        return InfrastructureError(
            "DB_UNREACHABLE",
            expected="a file that can be opened",
            got="none",
            where=str(path),
            do="correct the url of the source" if self._read_only else remedy,
        )

    def _no_right(self, text: str) -> RnntsError:
        if self._url.get_backend_name() == "sqlite":
            path = self._url.database
            remedy = f"as the owner of the file: chmod u+rw {path}, or run as that owner"
        else:
            remedy = f"as an administrator: {self._grant(text)}"
        return InfrastructureError(
            "PERMISSION", got=text or "permission denied", where=self._shown, do=remedy
        )

    def _grant(self, text: str) -> str:
        """The statement that would help; the server's text only fills in the name."""
        user = str(self._url.username or "CURRENT_USER").replace('"', '""')
        named = re.search(r"(schema|database|table|view|relation|sequence) (\S+)$", text)
        kind, name = named.groups() if named else ("", "")
        if kind in {"schema", "database"}:
            rights = "USAGE" if self._read_only else "USAGE, CREATE"
            rights = rights if kind == "schema" else "CREATE"
            return f'GRANT {rights} ON {kind.upper()} {name} TO "{user}"'
        rights = "SELECT" if self._read_only else "SELECT, INSERT, UPDATE, DELETE"
        return f'GRANT {rights} ON {name or "ALL TABLES IN SCHEMA public"} TO "{user}"'
