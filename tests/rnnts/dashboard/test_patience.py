import select
import selectors
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing, suppress

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rnnts.dashboard.patience import PATIENCE_SECONDS, ImpatientProtocol
from rnnts.dashboard.security import guarded
from tests.rnnts.dashboard.server import serving

CLIENTS = 200
BYTES = 50_000_000  # more than any socket buffers


class Hasty(ImpatientProtocol):
    """The same, in less time than a test has."""

    patience = 1.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    async def much() -> AsyncIterator[bytes]:
        for _ in range(BYTES // 65_536):
            yield bytes(65_536)

    request = Request(scope, receive)
    answer = StreamingResponse(much()) if request.url.path == "/much" else Response("ok")
    await answer(scope, receive, send)


def connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)  # noqa: FBT003 - the socket's own way
    return sock


def test_patience_is_what_was_promised() -> None:
    assert PATIENCE_SECONDS == 15


def test_two_hundred_slow_clients_hinder_nobody() -> None:
    with serving(guarded(app)) as port, ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(closing(connected(port))).send(b"GET / HT")
        sooner = PATIENCE_SECONDS / 2  # than any of them is let go
        answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=sooner)
        assert answer.status_code == 200


def test_two_hundred_slow_clients_are_closed() -> None:
    with serving(guarded(app), Hasty) as port, ExitStack() as stack:
        waiting = [stack.enter_context(closing(connected(port))) for _ in range(CLIENTS)]
        selector = stack.enter_context(closing(selectors.DefaultSelector()))
        for sock in waiting:
            sock.send(b"GET / HT")
            selector.register(sock, selectors.EVENT_READ)
        open_still = set(waiting)
        deadline = time.monotonic() + 30
        while open_still and time.monotonic() < deadline:
            for key, _ in selector.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                open_still.discard(key.fileobj)
                selector.unregister(key.fileobj)
            for sock in open_still:
                drip(sock)
        assert not open_still


def drip(sock: socket.socket) -> None:
    """One byte more of a header that never ends."""
    with suppress(OSError):  # closed in between; the selector will say so
        sock.send(b"x")


def test_a_client_that_does_not_read_is_let_go() -> None:
    with serving(guarded(app), Hasty) as port, closing(connected(port)) as sock:
        sock.send(b"GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert let_go(sock)


def let_go(sock: socket.socket) -> bool:
    """Whether the server has forgotten us: it then refuses the next byte that we send."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            sock.send(b" ")
        except OSError:
            return True
        select.select([], [], [], 0.02)
    return False


def test_a_client_that_reads_is_served_whole_however_large() -> None:
    with serving(guarded(app), Hasty) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/much", timeout=30)
        assert len(answer.content) == BYTES // 65_536 * 65_536


def test_one_connection_serves_many_requests() -> None:
    with serving(guarded(app), Hasty) as port, httpx.Client() as client:
        for _ in range(5):
            assert client.get(f"http://127.0.0.1:{port}/").text == "ok"


def test_headers_beyond_16_kilobytes_are_refused() -> None:
    with serving(guarded(app), Hasty) as port, closing(connected(port)) as sock:
        sock.settimeout(10)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20_000)
        assert sock.recv(1 << 16).startswith(b"HTTP/1.1 400")
