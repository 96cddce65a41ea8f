"""The page on a real socket, in a thread, for as long as a block runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from rnnts.dashboard.patience import ImpatientProtocol
from rnnts.dashboard.serving import configured, listening


@contextmanager
def serving(app: ASGIApp, protocol: type[ImpatientProtocol] = ImpatientProtocol) -> Iterator[int]:
    """The port that the application listens on."""
    sock = listening("127.0.0.1", 0)
    server = uvicorn.Server(configured(app, protocol))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()
