"""Models: why the network of the last retrain serves, or not, and what earlier ones brought."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from rnnts.dashboard.page import MAX_TEXT, At, Page, Screen
from rnnts.dashboard.scorecard import Scorecard
from rnnts.dashboard.screens.series import escaped_json
from rnnts.database.models import scorecard, scorecard_of
from rnnts.database.named_files import REMOVED
from rnnts.database.screens.reading import View
from rnnts.database.screens.retrains import Retrain, keys_of, retrains
from rnnts.errors import ConfigurationError, IntegrityError
from rnnts.steps.retrains import sentence

SCREEN = Screen("Models", "/models")
Text = Annotated[str, Query(max_length=MAX_TEXT)]
Json = dict[str, Any]


def router(page: Page) -> APIRouter:
    """The routes of the screen."""
    routes = APIRouter()

    @routes.get(SCREEN.path)
    def show(panel: Text = "", version: Text = "", at: Text = "") -> HTMLResponse:
        looked, name = page.at(at), _panel(page, panel)
        names = tuple(page.project.config.panels)
        made, card, keys = _read(page, name, version, looked)
        return page.show(
            "models.html", looked, screen=SCREEN.path, names=names, panel=name, made=made,
            card=card, keys=keys, sentence=sentence, timezone=page.project.panel(name).timezone,
        )  # fmt: skip

    @routes.get("/api/v1/models/scorecard")
    def give(panel: Text = "", version: Text = "", at: Text = "") -> Response:
        name = _panel(page, panel)
        _, card, _ = _read(page, name, version, page.at(at))
        if card is None:
            raise ConfigurationError(
                "ISSUE_UNKNOWN", panel=name, expected="a retrain", got="none yet", do="wait for one"
            )
        return escaped_json(card.to_json())

    return routes


def _panel(page: Page, asked: str) -> str:
    names = tuple(page.project.config.panels)
    if asked or not names:
        page.project.panel(asked)  # refuses what it does not know
    return asked or names[0]


def _read(
    page: Page, panel: str, version: str, at: At
) -> tuple[tuple[Retrain, ...], Scorecard | None, dict[str, int]]:
    """The retrains of a panel, the scorecard of the one asked for, and keys of its worst series."""
    try:
        with page.reading() as connection:
            made = retrains(connection, panel, at.instant)
            chosen = _chosen(made, panel, version)
            if chosen is None:
                return made, None, {}
            card = _card(page, connection, chosen)
            return made, card, keys_of(connection, panel, [one.series_id for one in card.losers])
    except ConfigurationError as error:
        if error.code != "SCHEMA_MISSING":
            raise
        return (), None, {}  # a project on its first day


def _chosen(made: tuple[Retrain, ...], panel: str, version: str) -> Retrain | None:
    if not version:
        return made[0] if made else None
    for one in made:
        if one.version.version_id == version:
            return one
    raise ConfigurationError(
        "ISSUE_UNKNOWN",
        panel=panel,
        expected="one of the newest retrains of this panel",
        got="another version",
        do="choose one of those that the page offers",
    )


def _card(page: Page, connection: View, chosen: Retrain) -> Scorecard:
    decision = chosen.decision
    row = (
        scorecard(connection, decision.scorecard_id)
        if decision is not None and decision.scorecard_id is not None
        else scorecard_of(connection, chosen.version.version_id)
    )
    named = row.scores.get("artefacts", {}).get("detail") if row else None
    guards = decision.numbers.get("safeguards", {}).get("artefact") if decision else None
    detail, guarded = _file(page, named), _file(page, guards)
    return Scorecard(chosen, row, detail, guarded or {})


def _file(page: Page, name: str | None) -> Json | None:
    """An artefact that tidy may have removed; a page without it is better than none."""
    if not name or name == REMOVED:
        return None

    try:
        told: Json = page.project.store.get_json(name)
    except IntegrityError as error:
        if error.code != "ARTEFACT_MISSING":
            raise
        return None
    return told
