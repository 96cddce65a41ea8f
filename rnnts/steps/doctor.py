"""Looks an installation over: each line ok, warn or fail, with the remedy."""

import os
import shutil
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rnnts.errors import RnntsError
from rnnts.project import open_project

if TYPE_CHECKING:
    from rnnts.project import Project

Verdict = Literal["ok", "warn", "fail"]
PYTHONS = ((3, 11), (3, 13))
PINS = (
    (
        "sqlalchemy",
        (2, 0, 40),
        (2, 1),
        "with 2.1 Prefect creates no scheduled run and says nothing",
    ),
    ("fastapi", (0, 139), (0, 151), "with newer ones Prefect's server does not import"),
    ("keras", (3, 15, 1), (4,), "older ones load files unsafely"),
    ("tensorflow", (2, 21), (2, 22), "weights are promised on the version they were tested with"),
)
FIXED_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""First releases, of each line, without the WAL-reset corruption bug."""
SPACE_NEEDED = 2 << 30
PREFECT_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    verdict: Verdict
    what: str
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """The line as JSON values."""
        return asdict(self)


def examine(config: Path, now: datetime) -> list[Line]:
    """Look everything over; what fails does not hide what comes after it."""
    lines = [_python(), *_pins(), _sqlite(), _zones()]
    try:
        project = open_project(config)
    except RnntsError as error:
        return [*lines, Line("fail", "configuration", str(error), error.do)]
    lines.append(Line("ok", "configuration", f"{len(project.config.panels)} panels"))
    checks: tuple[tuple[str, Callable[[], Iterator[Line]]], ...] = (
        ("results database", lambda: _database(project)),
        ("artefact store", lambda: _store(project)),
        ("source", lambda: _sources(project)),
        ("champions", lambda: _champions(project, now)),
        ("nights", lambda: _nights(project, now)),
    )
    for what, look in checks:
        try:
            lines.extend(look())
        except RnntsError as error:
            lines.append(Line("fail", what, str(error), error.do))
    return [*lines, _prefect()]


def _python() -> Line:
    found = sys.version_info[:2]
    good = PYTHONS[0] <= found <= PYTHONS[1]
    return Line("ok" if good else "fail", "Python", sys.version.split()[0], "use 3.11 to 3.13")


def _pins() -> Iterator[Line]:
    for name, low, high, why in PINS:
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Line("fail", name, "not installed", "install from requirements.lock")
            continue
        numbers = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
        good = low <= numbers < high
        yield Line("ok" if good else "fail", name, found, "" if good else f"{why}: reinstall")


def _sqlite() -> Line:
    found = sqlite3.sqlite_version_info
    fixed = any(found[:2] == line[:2] and found >= line for line in FIXED_SQLITE)
    fixed = fixed or found >= FIXED_SQLITE[0]
    advice = "" if fixed else "keep journal_mode=DELETE (rnnts does): WAL files may be corrupted"
    return Line("ok" if fixed else "warn", "SQLite", sqlite3.sqlite_version, advice)


def _zones() -> Line:
    try:
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return Line("fail", "time zones", "no database", "install the package tzdata")
    return Line("ok", "time zones", "found")


def _database(project: "Project") -> Iterator[Line]:
    from rnnts.database.invariants import check_invariants
    from rnnts.database.migrate import schema_version, touch
    from rnnts.database.schema import SCHEMA_VERSION
    from rnnts.database.urls import url_shown

    found = schema_version(project.database)
    shown = url_shown(project.database.url)
    if found == 0:
        yield Line(
            "warn", "results database", f"{shown} has no tables yet", "the first run makes them"
        )
        return
    good = found == SCHEMA_VERSION
    yield Line("ok" if good else "fail", "results database", f"{shown}, schema {found}",
               "" if good else "run `rnnts db upgrade`")  # fmt: skip
    with project.database.writing() as connection:
        touch(connection)
        yield Line("ok", "results database", "takes writes")
    broken = check_invariants(project.database)
    for violation in broken:
        yield Line("fail", "invariant", str(violation), "restore the database, or ask for help")
    if not broken:
        yield Line("ok", "invariants", "all hold")


def _store(project: "Project") -> Iterator[Line]:
    project.store.check_writable()
    yield Line("ok", "artefact store", str(project.store.root))
    free = shutil.disk_usage(project.store.root).free
    verdict: Verdict = "ok" if free >= SPACE_NEEDED else "warn"
    yield Line(
        verdict, "disk", f"{free / (1 << 30):.1f} GB free", "" if verdict == "ok" else "free some"
    )
    loose = project.store.root.stat().st_mode & 0o077
    if loose:
        yield Line(
            "warn", "artefact store", "others may read it", f"chmod 700 {project.store.root}"
        )


def _sources(project: "Project") -> Iterator[Line]:
    for name in sorted(project.config.panels):
        source = project.source(name)
        try:
            with source.reading():
                yield Line("ok", f"source of {name}", "answers")
        except RnntsError as error:
            yield Line("fail", f"source of {name}", str(error), error.do)
        finally:
            source.close()


def _champions(project: "Project", now: datetime) -> Iterator[Line]:
    """Whether the file of each champion is the one that was recorded."""
    from rnnts.database.migrate import schema_version
    from rnnts.database.models import champion

    if schema_version(project.database) == 0:
        return
    for name in sorted(project.config.panels):
        with project.database.reading() as connection:
            version = champion(connection, name, now)
        if version is None:
            continue
        short = version.version_id[:12]
        try:
            project.store.get(version.weights_name)
        except RnntsError as error:
            yield Line("fail", f"champion of {name}", f"{short}: {error}", error.do)
        else:
            yield Line("ok", f"champion of {name}", f"{short}, its file is whole")


def _nights(project: "Project", now: datetime) -> Iterator[Line]:
    from rnnts.steps.status import status

    for line in status(project, now):
        verdict: Verdict = "ok" if line.state == "out" else "warn"
        remedy = "" if verdict == "ok" else f"python -m flows.nightly_forecast --panel {line.panel}"
        yield Line(verdict, f"panel {line.panel}", line.state, remedy)


def _prefect() -> Line:
    url = os.environ.get("PREFECT_API_URL", "")
    if not url:
        return Line("ok", "Prefect", "no API configured: flows start a private server")
    if not url.startswith(("http://", "https://")):
        return Line("fail", "Prefect", "PREFECT_API_URL is no http address", "correct it")
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=PREFECT_WAIT):  # noqa: S310 - http, as checked
            return Line("ok", "Prefect", "API answers")
    except (urllib.error.URLError, OSError) as error:
        reason = type(error).__name__
        return Line(
            "fail", "Prefect", f"API does not answer ({reason})", "start it, or use --private"
        )
