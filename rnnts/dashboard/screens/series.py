"""Series: the list of them, and for each its history, its truth and the fan of its forecast."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response

from rnnts.config import LEVELS
from rnnts.dashboard.fan import Fan
from rnnts.dashboard.one_series import Asked, SeriesReader, Shown
from rnnts.dashboard.page import MAX_TEXT, At, Page, Screen
from rnnts.dashboard.spark import spark
from rnnts.dashboard.table import csv_of
from rnnts.database.screens import night, series
from rnnts.database.screens.values import MAX_ROWS, SeriesQuery
from rnnts.errors import ConfigurationError

SCREEN = Screen("Series", "/series")
SCORED_ISSUES = 7
MAX_KEY = 2**53  # a number that every database and every browser can hold

Text = Annotated[str, Query(max_length=MAX_TEXT)]
Key = Annotated[int, Path(ge=1, le=MAX_KEY)]
Number = Annotated[int | None, Query(ge=1, le=MAX_KEY)]


def router(page: Page) -> APIRouter:
    """The routes of the screen; a name travels in the query, a series as its number."""
    routes = APIRouter()
    reader = SeriesReader(page)

    @routes.get(SCREEN.path)
    def show_list(
        panel: Text = "", search: Text = "", after: Number = None, at: Text = ""
    ) -> HTMLResponse:
        return _list(page, panel, search.replace("\x00", ""), after, page.at(at))

    @routes.get("/series/{key}")
    def show_one(
        key: Key, publication: Number = None, history: Number = None, at: Text = ""
    ) -> HTMLResponse:
        asked, looked = Asked(key, publication, history), page.at(at)
        shown = reader.read(asked, looked)
        return page.show(
            "series_one.html", looked, screen=SCREEN.path, shown=shown, fan=shown.fan,
            asked=asked, levels=LEVELS,
        )  # fmt: skip

    @routes.get("/api/v1/series/{key}/fan")
    def give_fan(
        key: Key, publication: Number = None, history: Number = None, at: Text = ""
    ) -> Response:
        shown = reader.read(Asked(key, publication, history), page.at(at))
        return escaped_json(_fan_of(shown).to_json())

    @routes.get("/series/{key}/forecast.csv")
    def give_csv(
        key: Key, publication: Number = None, after: Number = None, at: Text = ""
    ) -> Response:
        """At most MAX_ROWS rows, those behind step `after`."""
        shown = reader.read(Asked(key, publication, after_step=after or 0), page.at(at))
        fan = _fan_of(shown)
        issued = f"{fan.issue.issued_at:%Y%m%dT%H%MZ}"
        name = f"{shown.series.panel}-{shown.series.key}-{issued}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(csv_of(shown.series.series_id, fan), headers=headers, media_type="text/csv")

    return routes


def _list(page: Page, panel: str, search: str, after: int | None, at: At) -> HTMLResponse:
    names = tuple(page.project.config.panels)
    if panel or not names:
        page.project.panel(panel)  # refuses what it does not know
    asked = SeriesQuery(panel or names[0], search, after)
    with page.reading() as connection:
        issues = night.issues(connection, asked.panel, at.instant, MAX_ROWS)
        published = [one for one in issues if one.status != "held"][:SCORED_ISSUES]
        keys = [one.publication for one in published]
        found = series.list_series(connection, asked, keys)
        total = series.count_series(connection, asked)
        shown = found[: asked.limit]
        points = series.sparks(connection, keys[:1], [one.key for one in shown])
    return page.show(
        "series_list.html", at, screen=SCREEN.path, names=names, asked=asked, found=shown,
        more=len(found) > asked.limit, total=total, published=published,
        sparks={key: spark(values) for key, values in points.items()},
    )  # fmt: skip


def _fan_of(shown: Shown) -> Fan:
    if shown.fan is None:
        raise ConfigurationError(
            "ISSUE_UNKNOWN", expected="a forecast", got="none for this series", do="wait for one"
        )
    return shown.fan


def escaped_json(value: object) -> Response:
    """JSON in which no tag can begin, should anything ever take it for HTML."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Response(text, media_type="application/json")
