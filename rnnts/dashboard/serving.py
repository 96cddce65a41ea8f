"""How the page is served: on loopback, and to nobody else while there is no login."""

import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from rnnts.dashboard.app import create_app
from rnnts.dashboard.patience import ImpatientProtocol
from rnnts.dashboard.security import is_loopback
from rnnts.errors import ConfigurationError, InfrastructureError

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Config

    from rnnts.project import Project

HEADER_BYTES = 16_384
KEEP_ALIVE_SECONDS = 5
SHUTDOWN_SECONDS = 3


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def serve(
    project: "Project", host: str, port: int, *, announce: Callable[[str], None] = _to_stderr
) -> None:
    """Serve the page until SIGINT or SIGTERM; port 0 takes a free one, and says which.

    Raises:
        ConfigurationError: AUTH_REQUIRED where `host` is not this machine alone.
        InfrastructureError: PORT_TAKEN.
    """
    from uvicorn import Server

    with listening(host, port) as sock:
        taken = sock.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        announce(f"the page is at http://{shown}:{taken} (Ctrl-C stops it)")
        Server(configured(create_app(project))).run(sockets=[sock])


def configured(app: "ASGIApp", protocol: "type[ImpatientProtocol]" = ImpatientProtocol) -> "Config":
    """The server's settings: small headers, short waits, nothing said about itself."""
    from uvicorn import Config

    return Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
    )


def listening(host: str, port: int) -> socket.socket:
    """A listening socket on loopback; anything else is refused before it is bound.

    Raises:
        ConfigurationError: AUTH_REQUIRED.
        InfrastructureError: PORT_TAKEN.
    """
    if not is_loopback(host):
        raise ConfigurationError(
            "AUTH_REQUIRED",
            expected="an address of this machine alone, such as 127.0.0.1: there is no login yet",
            got=f"--host {host}",
            do="leave --host out, and reach the page through `ssh -L 4280:127.0.0.1:4280 MACHINE`",
        )
    address = "127.0.0.1" if host == "localhost" else host
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen()
    except OSError as error:
        sock.close()
        raise InfrastructureError(
            "PORT_TAKEN",
            expected=f"port {port} free on {address}",
            got=error.strerror or str(error),
            do="end what listens there, or choose another with --port (0 takes a free one)",
        ) from error
    return sock
