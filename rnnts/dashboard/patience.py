"""HTTP for a page that slow clients cannot hold up: uvicorn itself waits for headers for ever."""

import asyncio
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

PATIENCE_SECONDS = 15.0


class ImpatientProtocol(H11Protocol):
    """Closes a connection that takes longer than `patience` over a request or over an answer.

    One clock runs from the connection, or from the former answer, until a request has come whole;
    another while the client does not take what is written. Nothing else that it sends stops them.
    """

    patience = PATIENCE_SECONDS
    _asking: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._asking = self._clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        _stop(self._asking)
        _stop(self._reading)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Stop waiting once a whole request is here."""
        super().handle_events()
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            _stop(self._asking)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        _stop(self._asking)
        self._asking = self._clock()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        self._reading = self._clock()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads."""
        _stop(self._reading)
        super().resume_writing()

    def _clock(self) -> asyncio.TimerHandle:
        """Not close() at its end: that would wait until the client has read the rest."""
        return self.loop.call_later(self.patience, self.transport.abort)


def _stop(clock: asyncio.TimerHandle | None) -> None:
    if clock is not None:
        clock.cancel()
