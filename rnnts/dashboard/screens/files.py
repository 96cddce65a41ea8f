"""Style, script and plotly.js, under names that hold their hash."""

from fastapi import APIRouter, Request, Response

from rnnts.dashboard.page import Page
from rnnts.errors import ConfigurationError


def router(page: Page) -> APIRouter:
    """The one route; the name is looked up, never opened."""
    routes = APIRouter()

    @routes.get("/static/{name}")
    def give(name: str, request: Request) -> Response:
        asset = page.assets.find(name)
        if asset is None:
            raise ConfigurationError("PAGE_UNKNOWN", got="no such file", do="begin at Night")
        return asset.answer(request)

    return routes
