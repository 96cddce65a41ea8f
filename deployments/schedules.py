"""What is to run when: one description, for `make up` and for a prefect.yaml of yours.

`python -m deployments.schedules --config rnnts.toml` prints a prefect.yaml for your panels.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml  # type: ignore[import-untyped] # its stubs are another package, for two calls
from prefect.schedules import Cron, Schedule

from rnnts.config import ProjectConfig
from rnnts.project import open_project

TAG = "rnnts"
WORK_POOL = "rnnts"
TIDY_CRON = "30 4 * * *"
"""After the usual nights; it takes seconds and waits for nobody."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One flow of one panel, or of the whole project, as Prefect is to know it."""

    flow: str
    name: str  # the panel's; "project"
    description: str
    parameters: dict[str, str]
    cron: str | None = None  # None: only by hand
    timezone: str = "UTC"
    tags: list[str] = field(default_factory=list)

    @property
    def entrypoint(self) -> str:
        """Where the flow stands, from the root of the repository."""
        return f"flows/{self.flow}.py:{self.flow}"

    @property
    def slug(self) -> str:
        """The schedule's name: with it, deploying again renews the schedule and adds none."""
        return f"{self.flow}-{self.name}".replace("_", "-")

    def schedules(self) -> list[Schedule]:
        """The schedule as Prefect takes it from Python; none where it runs by hand."""
        if self.cron is None:
            return []
        return [Cron(self.cron, timezone=self.timezone, slug=self.slug)]

    def to_yaml(self) -> dict[str, Any]:
        """The entry in prefect.yaml that means the same."""
        when = {"cron": self.cron, "timezone": self.timezone, "slug": self.slug}
        return {
            "name": self.name,
            "entrypoint": self.entrypoint,
            "description": self.description,
            "tags": self.tags,
            "parameters": self.parameters,
            "schedules": [when] if self.cron else [],
            "work_pool": {"name": WORK_POOL},
        }


def deployments_of(config: ProjectConfig, file: str) -> tuple[Deployment, ...]:
    """Every panel's nights and retrains, each in the panel's zone, and the tidying.

    Args:
        config: The project.
        file: Path of its rnnts.toml, as the flows are to open it.
    """
    return tuple(_deployments_of(config, file))


def _deployments_of(config: ProjectConfig, file: str) -> Iterator[Deployment]:
    for panel, values in sorted(config.panels.items()):
        parameters = {"panel": panel, "config": file}
        crons = {
            "nightly_forecast": (values.schedule.forecast, f"The night of {panel}"),
            "weekly_retrain": (values.schedule.retrain, f"A new network for {panel}"),
        }
        for flow, (cron, description) in crons.items():
            tags = [TAG, panel]
            yield Deployment(flow, panel, description, parameters, cron, values.timezone, tags)
    yield Deployment("tidy_up", "project", "Retention", {"config": file}, TIDY_CRON, tags=[TAG])


def prefect_yaml(deployments: Sequence[Deployment]) -> str:
    """A whole prefect.yaml; `RNNTS_HOME` is the root of the repository where workers find it."""
    directory = {"directory": "{{ $RNNTS_HOME }}"}
    document = {
        "name": "rnnts",
        "pull": [{"prefect.deployments.steps.set_working_directory": directory}],
        "deployments": [one.to_yaml() for one in deployments],
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def main(words: Sequence[str] | None = None) -> None:
    """Print a prefect.yaml for a project."""
    options = argparse.ArgumentParser(prog="python -m deployments.schedules", description=__doc__)
    options.add_argument("--config", default="rnnts.toml", metavar="FILE")
    file = options.parse_args(words).config
    sys.stdout.write(prefect_yaml(deployments_of(open_project(file).config, file)))


if __name__ == "__main__":
    main()
