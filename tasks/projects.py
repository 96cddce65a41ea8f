"""A project for as long as one task needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from rnnts.database.migrate import ensure_schema
from rnnts.project import Project, open_project


@contextmanager
def opened(config: str) -> Iterator[Project]:
    """The project of a configuration file, its tables there; no connection outlives the block.

    Raises:
        ConfigurationError: As `open_project`; SCHEMA_OLDER, with the remedy.
        IntegrityError: SCHEMA_NEWER.
    """
    project = open_project(config)
    try:
        ensure_schema(project.database)
        yield project
    finally:
        project.database.close()
