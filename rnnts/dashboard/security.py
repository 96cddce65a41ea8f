"""What stands before every page: who may ask, how much at once, how long, and what goes along."""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""unsafe-inline: plotly writes two <style> elements; without them its charts fall apart."""
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
READING = ("GET", "HEAD")
ALWAYS_OPEN = "/healthz"
"""Answers even while every place is taken: a watchdog must not kill what is only busy."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client may ask for; seconds and bytes."""

    body_bytes: int = 65_536
    request_seconds: float = 15.0
    at_once: int = 32


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The name in a Host header, without its port and brackets.

    >>> host_of("[::1]:4280"), host_of("localhost:80"), host_of("Evil.Example")
    ('::1', 'localhost', 'evil.example')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


class SecurityHeaders:
    """Every answer, refusals included, carries the headers; what is not an asset is not stored."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add the headers to what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class KnownHost:
    """Only requests for a name of this machine: another name is a page that rebound its DNS."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 to a foreign name."""
        if scope["type"] == "http":
            named = Headers(scope=scope).getlist("host")
            if len(named) != 1 or not is_loopback(host_of(named[0])):
                refusal = "HOST: this page answers to localhost and 127.0.0.1 only\n"
                await PlainTextResponse(refusal, 400)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Bounded:
    """Reading only, small bodies, so many at once, and an answer in time."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self._working: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is too much; else answer, or say 503 when the time is up."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # A HEAD is answered as a GET, of which the server keeps the body back
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._in_time(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        chunked = "transfer-encoding" in headers  # of a size that nobody says
        if scope["method"] not in READING:
            allowed = {"allow": ", ".join(READING)}
            return PlainTextResponse("METHOD: this page only reads\n", 405, allowed)
        if chunked or not declared.isdigit() or int(declared) > self.limits.body_bytes:
            return PlainTextResponse("BODY: a request here needs no body\n", 413)
        if len(self._working) >= self.limits.at_once and scope["path"] != ALWAYS_OPEN:
            return PlainTextResponse("BUSY: ask again in a moment\n", 503, {"retry-after": "1"})
        return None

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page is made in a thread, which cannot be stopped: it is left behind, and counted."""
        started = asyncio.Event()
        late = False

        async def noting(message: Message) -> None:
            if late:
                return
            started.set()
            await send(message)

        async def answer() -> None:
            try:
                await self.app(scope, receive, noting)
            finally:
                started.set()

        task = asyncio.create_task(answer())
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        try:
            await asyncio.wait_for(started.wait(), self.limits.request_seconds)
        except TimeoutError:
            late = True
            task.add_done_callback(_forget)
            await PlainTextResponse("SLOW: no answer in time\n", 503)(scope, receive, send)
        else:
            await task


def _forget(task: asyncio.Task[None]) -> None:
    """Look at the outcome of a task that nobody waits for, so that it does not complain."""
    if not task.cancelled():
        task.exception()


def guarded(app: ASGIApp, limits: Limits | None = None) -> ASGIApp:
    """The application behind all of them, headers outermost."""
    return SecurityHeaders(KnownHost(Bounded(app, limits or Limits())))
