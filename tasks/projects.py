"""A project for as long as one task needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from rnnts.project import Project, open_project


@contextmanager
def opened(config: str) -> Iterator[Project]:
    """The project of a configuration file; its connections do not outlive the block."""
    project = open_project(config)
    try:
        yield project
    finally:
        project.database.close()
