"""Where projects stand, each with a database of its own, and how one is copied for a crash."""

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests import postgresql_server
from tests.faults.nights import make_project


@dataclass(frozen=True, slots=True)
class Stage:
    """Projects in one folder; their results stand on a PostgreSQL server, or beside them."""

    folder: Path
    server: str | None  # its address; None: SQLite

    def make(self, name: str) -> Path:
        """A project without any night; give back its rnnts.toml."""
        results = postgresql_server.new_database(self.server) if self.server else None
        return make_project(self.folder / name, results or "sqlite:///rnnts.db")

    def copy(self, config: Path, name: str) -> Path:
        """A copy of a project, database and store; give back its rnnts.toml."""
        shutil.copytree(config.parent, self.folder / name)
        copied = self.folder / name / config.name
        if self.server:
            written = config.read_text(encoding="utf-8")
            old = tomllib.loads(written)["database"]["url"]
            new = postgresql_server.new_database(self.server, old.rpartition("/")[2])
            copied.write_text(written.replace(old, new), encoding="utf-8")
        return copied
