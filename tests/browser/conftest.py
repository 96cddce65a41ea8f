"""A real Chromium before a real server, told what it may not do: complain."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from rnnts.dashboard.app import create_app
from rnnts.project import Project
from tests.rnnts.dashboard.nights import HOSTILE, NIGHT, NOW, Story, project_at, week
from tests.rnnts.dashboard.retrains import Retrained, write
from tests.rnnts.dashboard.server import serving

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, and in a small container
PATIENCE_MILLISECONDS = 30_000

Open = Callable[..., Page]
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if "chromium" in os.environ.get("RNNTS_REQUIRE", ""):
            pytest.fail("RNNTS_REQUIRE asks for chromium, and there is none")
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One panel whose night went well, most of its series with hostile names."""
    story = Story("departures", week(), series=("EWR/AA", *HOSTILE), gap=True)
    project = project_at(tmp_path_factory.mktemp("project"), [story])
    series, sunday = story.series, NIGHT - timedelta(days=1)
    first = write(project, story.name, Retrained(sunday - timedelta(days=7), 0.2, series=series))
    write(project, story.name, Retrained(sunday, 0.003, first, series, guarded=series[-1:]))
    return project


@pytest.fixture(scope="module")
def url(project: Project) -> Iterator[str]:
    """Where the page of the project is served."""
    with serving(create_app(project, now=lambda: NOW)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One for all tests: plotly.js is fetched and compiled once."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield context
    context.close()


@pytest.fixture
def opened(context: BrowserContext, url: str) -> Iterator[Open]:
    """Opens pages, and fails if any of them complained, or asked anyone but us for anything."""
    pages: list[Page] = []
    complaints: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(url) else complaints.append(asked.url),
        )

    def go(path: str, *, scheme: Scheme = "light", width: int = 1280) -> Page:
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        listen(page)
        page.goto(url + path)
        return page

    yield go
    for page in pages:
        page.close()
    assert not complaints


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Page], None]:
    """Keeps a screenshot to look at, where RNNTS_SCREENSHOTS names a folder."""

    def shoot(page: Page) -> None:
        folder = os.environ.get("RNNTS_SCREENSHOTS")
        if folder:
            page.screenshot(
                path=Path(folder) / f"{request.node.name.replace('/', '-')}.png", full_page=True
            )

    return shoot
