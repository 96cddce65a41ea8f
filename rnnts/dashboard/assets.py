"""Files that never change under their name: ours, and plotly.js out of its wheel."""

import gzip
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rnnts.errors import InfrastructureError

STATIC = Path(__file__).with_name("static")
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"
PLOTLY = "plotly.js"
_CHUNK = 65_536  # bytes; a slow client holds back one of these, not the whole file


@dataclass(frozen=True)
class Asset:
    """One file, under a name that holds its hash."""

    path: Path
    name: str  # in the address: "page.1f2e3d4c5b6a.css"

    @cached_property
    def plain(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()

    @cached_property
    def zipped(self) -> bytes:
        """Its bytes gzipped: 1.5 of plotly's 4.8 MB; done when it is first asked for."""
        return gzip.compress(self.plain, compresslevel=6, mtime=0)

    def answer(self, request: Request) -> Response:
        """The file, gzipped where the client takes that."""
        takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
        body = self.zipped if takes_gzip else self.plain
        headers = {
            "cache-control": FOR_EVER,
            "vary": "accept-encoding",
            "content-length": str(len(body)),
        }
        if takes_gzip:
            headers["content-encoding"] = "gzip"
        return StreamingResponse(_pieces(body), headers=headers, media_type=KINDS[self.path.suffix])


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]


class Assets:
    """Every file that a page may name; a request for any other name is a 404.

    No path is ever made from what a request says.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._of = {short: _hashed(short, path) for short, path in files.items()}
        self._named = {asset.name: asset for asset in self._of.values()}

    def url(self, short: str) -> str:
        """Where a page finds a file: `url("page.css")`."""
        return f"/static/{self._of[short].name}"

    def find(self, name: str) -> Asset | None:
        """The file of a name with its hash."""
        return self._named.get(name)


def _hashed(short: str, path: Path) -> Asset:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    stem, _, suffix = short.rpartition(".")
    return Asset(path, f"{stem}.{digest}.{suffix}")


def plotly_js() -> Path:
    """The file plotly.min.js of the installed wheel; plotly itself is not imported.

    Raises:
        InfrastructureError: PLOTLY_MISSING.
    """
    found = find_spec("plotly")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path
    raise InfrastructureError(
        "PLOTLY_MISSING",
        expected="plotly.min.js in the package plotly",
        got="none",
        do="install rnnts' dependencies anew: pip install --force-reinstall plotly",
    )


def all_assets() -> Assets:
    """Ours and plotly's."""
    ours = {path.name: path for path in sorted(STATIC.iterdir()) if path.suffix in KINDS}
    return Assets({**ours, PLOTLY: plotly_js()})
