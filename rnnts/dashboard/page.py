"""What every screen shares: the project, its database, the clock, the templates, the navigation."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from rnnts.dashboard import wording
from rnnts.dashboard.assets import Assets
from rnnts.dashboard.memory import Memory
from rnnts.dashboard.scorecard import name_of
from rnnts.database.engine import Database
from rnnts.database.migrate import require_schema
from rnnts.database.screens.reading import View, page_database, page_reading
from rnnts.errors import ConfigurationError, RnntsError

if TYPE_CHECKING:
    from rnnts.project import Project

Clock = Callable[[], datetime]
MAX_TEXT = 512
"""Bytes of an id, and of anything else that a request may say."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One entry of the navigation."""

    title: str
    path: str


def clock() -> datetime:
    """The present instant: a request is an entry point."""
    return datetime.now(UTC)  # noqa: TID251 - the one place of the page that reads the clock


@dataclass(frozen=True, slots=True)
class At:
    """The instant of looking."""

    instant: datetime
    given: str  # as the address has it; "" for now


class Page:
    """What a route needs; one for the whole application.

    Args:
        project: Whose panels are shown.
        assets: Files that pages name.
        screens: The navigation, in order.
        now: The clock; tests give their own.
    """

    def __init__(
        self, project: "Project", assets: Assets, screens: tuple[Screen, ...], now: Clock = clock
    ) -> None:
        self.project = project
        self.database: Database = page_database(project.database)
        self.assets = assets
        self.memory = Memory()
        self.now = now
        self._templates = _environment(assets, screens)

    def at(self, given: str) -> At:
        """The instant of looking: `at` of the address, else now.

        Raises:
            ConfigurationError: INSTANT_INVALID.
        """
        if not given:
            return At(self.now(), "")
        return At(instant(given, "at"), given)

    @contextmanager
    def reading(self) -> Iterator[View]:
        """A short look into the results database.

        Raises:
            RnntsError: SCHEMA_MISSING and the like, DB_SLOW, DB_UNREACHABLE.
        """
        require_schema(self.database)
        with page_reading(self.database) as connection:
            yield connection

    def show(self, template: str, at: At, *, status: int = 200, **facts: object) -> HTMLResponse:
        """A page."""
        text = self._templates.get_template(template).render(at=at, **facts)
        return HTMLResponse(text, status)

    def show_error(self, error: RnntsError, status: int, at: At) -> HTMLResponse:
        """A page that says what went wrong, and the remedy."""
        return self.show("error.html", at, status=status, error=error, screen="")


def instant(given: str, name: str) -> datetime:
    """An instant of an address.

    Raises:
        ConfigurationError: INSTANT_INVALID.
    """
    try:
        found = datetime.fromisoformat(given)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ConfigurationError(
        "INSTANT_INVALID",
        expected=f"{name} as an instant with its offset, such as 2013-12-09T07:00-05:00",
        got=wording.shortened(given),
        do="correct the address; a + in it is written %2B",
    )


def _environment(assets: Assets, screens: tuple[Screen, ...]) -> Environment:
    """Templates that escape everything, and stop at a name that nobody set."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        time=wording.time_tag,
        written=wording.written,
        span=wording.span,
        percent=wording.percent,
        number=wording.number,
        plural=wording.plural,
        shortened=wording.shortened,
        name=wording.isolated,
    )
    environment.globals.update(
        asset=assets.url, link=link, screens=screens, words=_words(), plotly="plotly.js",
        name_of=name_of,
    )  # fmt: skip
    return environment


def _words() -> dict[str, Mapping[str, str]]:
    return {
        "state": wording.STATE_WORDS,
        "night": wording.NIGHT_WORDS,
        "method": wording.METHOD_WORDS,
        "quality": wording.QUALITY_WORDS,
    }


def link(path: str, **parameters: Any) -> str:  # noqa: ANN401 - anything that str() can write
    """An address of ours; empty parameters are left out.

    >>> link("/series", panel="loads", search="", after="a/b")
    '/series?panel=loads&after=a%2Fb'
    """
    kept = {name: value for name, value in parameters.items() if value not in {None, ""}}
    return f"{path}?{urlencode(kept)}" if kept else path
