"""A browser of the simplest kind: one request at a time, straight into the application."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Looker:
    """Asks an application as if over the wire; a failure inside is an answer of 500."""

    app: ASGIApp

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to one GET."""
        return self.ask("GET", path, headers)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> httpx.Response:
        """The answer to one request."""
        return asyncio.run(self._ask(method, path, headers, body))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        base = "http://127.0.0.1:4280"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, headers=headers, content=body)
