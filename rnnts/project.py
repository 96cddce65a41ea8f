"""A project opened: its configuration, its results database and its artefact store."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from rnnts.artefacts import Store
from rnnts.config import PanelConfig, ProjectConfig, load_project_config
from rnnts.database.engine import Database, open_source
from rnnts.database.urls import resolve_url
from rnnts.errors import ConfigurationError


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """What every step works on.

    Args:
        root: Folder of the configuration; relative paths start here.
        file: The configuration file itself.
        config: What it says.
        store: The artefact store.
        database: The results database; connected on first use.
    """

    root: Path
    file: Path
    config: ProjectConfig
    store: Store
    database: Database

    def panel(self, name: str) -> PanelConfig:
        """Configuration of a panel.

        Raises:
            ConfigurationError: PANEL_UNKNOWN, with the nearest name.
        """
        found = self.config.panels.get(name)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, self.config.panels, n=1)
        known = ", ".join(sorted(self.config.panels)) or "none"
        raise ConfigurationError(
            "PANEL_UNKNOWN",
            expected=f"a panel of the configuration ({known})",
            got=repr(name),
            where=str(self.file),
            do=f"did you mean {near[0]}?" if near else "add [panels.NAME], or choose one of those",
        )

    def source(self, name: str, covariate: str | None = None) -> Database:
        """The database of a panel's observations, or of one of its covariates, read only.

        Close it after use.
        """
        panel = self.panel(name)
        own = None if covariate is None else panel.covariates[covariate].url
        url = own or panel.source.url or self.config.database.url
        return open_source(self.root, url.get_secret_value(), self.config.database.wait_seconds)


def open_project(path: str | Path = "rnnts.toml") -> Project:
    """Open the project of a configuration file; connects to nothing yet.

    Raises:
        ConfigurationError: What is wrong with the file or the environment, where, and the remedy.
    """
    file = Path(path).absolute()
    config = load_project_config(file)
    root = file.parent
    url = resolve_url(config.database.url.get_secret_value(), root)
    return Project(
        root,
        file,
        config,
        Store(root / config.store.path),
        Database(url, config.database.wait_seconds, spool=root / ".rnnts" / "spool"),
    )
