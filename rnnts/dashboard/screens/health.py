"""For watchdogs: is the process alive, and can it show anything."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from rnnts.dashboard.page import Page
from rnnts.errors import RnntsError


def router(page: Page) -> APIRouter:
    """/healthz touches nothing; /readyz reads from the results database."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def alive() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    def ready() -> JSONResponse:
        try:
            with page.reading():
                return JSONResponse({"database": "ok"})
        except RnntsError as error:
            return JSONResponse({"database": error.code}, 503)

    return routes
