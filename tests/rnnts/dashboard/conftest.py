"""A project with a story, and a look at its page."""

from collections.abc import Callable

import pytest

from rnnts.dashboard.app import create_app
from rnnts.project import Project
from tests.rnnts.dashboard.looker import Looker
from tests.rnnts.dashboard.nights import HOSTILE, NOW, Story, project_at, week

Look = Callable[[Project], Looker]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One panel whose night went well, some of its series with hostile names; only to look at."""
    story = Story("departures", week(), series=("EWR/AA", *HOSTILE), gap=True)
    return project_at(tmp_path_factory.mktemp("project"), [story])


@pytest.fixture
def look() -> Look:
    """What a browser gets from the page of a project at five past seven in New York."""
    return lambda project: Looker(create_app(project, now=lambda: NOW))
