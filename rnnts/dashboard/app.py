"""The application: screens, files, health, and what stands before them."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from rnnts.dashboard.assets import all_assets
from rnnts.dashboard.page import At, Clock, Page, clock
from rnnts.dashboard.screens import files, health, models, night, series
from rnnts.dashboard.security import Limits, guarded
from rnnts.errors import ConfigurationError, InfrastructureError, RnntsError

if TYPE_CHECKING:
    from rnnts.project import Project

SCREENS = (night, series, models)
"""In the order of the navigation; the next screen is a module here."""
STATUS = {
    "PANEL_UNKNOWN": 404,
    "SERIES_UNKNOWN": 404,
    "ISSUE_UNKNOWN": 404,
    "PAGE_UNKNOWN": 404,
    "INSTANT_INVALID": 400,
    "ADDRESS_INVALID": 400,
    "RANGE": 400,
}
_log = logging.getLogger(__name__)


def create_app(project: "Project", *, now: Clock = clock, limits: Limits | None = None) -> ASGIApp:
    """The whole page as an ASGI application.

    Args:
        project: Whose panels it shows.
        now: The clock; the page itself takes another instant with `?at=`.
        limits: How much a client may ask for.
    """
    app = FastAPI(title="rnnts", docs_url=None, redoc_url=None, openapi_url=None)
    page = Page(project, all_assets(), tuple(screen.SCREEN for screen in SCREENS), now)
    for screen in (*SCREENS, files, health):
        app.include_router(screen.router(page))
    _answer_errors(app, page)
    return guarded(app, limits)


def _answer_errors(app: FastAPI, page: Page) -> None:
    """Every failure becomes a page, or JSON under /api, with its code and its remedy."""
    answer = _answering(page)

    async def ours(request: Request, error: Exception) -> Response:
        if not isinstance(error, RnntsError):
            raise error
        return answer(request, error, STATUS.get(error.code) or _status_of(error))

    async def invalid(request: Request, _error: Exception) -> Response:
        return answer(request, _ADDRESS_INVALID, STATUS[_ADDRESS_INVALID.code])

    async def other(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return answer(request, _PAGE_UNKNOWN if status == 404 else _BUG, status)  # noqa: PLR2004 - HTTP's

    async def bug(request: Request, _error: Exception) -> Response:
        return answer(request, _BUG, 500)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        RnntsError: ours,
        RequestValidationError: invalid,
        HTTPException: other,
        Exception: bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _answering(page: Page) -> Callable[[Request, RnntsError, int], Response]:
    def answer(request: Request, error: RnntsError, status: int) -> Response:
        if status >= 500:  # noqa: PLR2004 - what is wrong on our side of the wire
            _log.warning("%r answered %d: %r", request.url.path, status, error.message())
        if request.url.path.startswith("/api/"):
            facts = {"code": error.code, "message": error.message()}
            return JSONResponse(facts, status)
        return page.show_error(error, status, At(page.now(), ""))

    return answer


def _status_of(error: RnntsError) -> int:
    return 503 if isinstance(error, InfrastructureError | ConfigurationError) else 500


_ADDRESS_INVALID = ConfigurationError(
    "ADDRESS_INVALID",
    got="an address with a part that is too long, or no number where one is needed",
    do="follow a link of the page instead",
)
_PAGE_UNKNOWN = ConfigurationError(
    "PAGE_UNKNOWN", got="no page under this address", do="begin at Night"
)
_BUG = RnntsError("BUG", got="rnnts failed in a way that it should not", do="see its log")
