"""What `make up` serves and what prefect.yaml deploys are one and the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # its stubs are another package, for one call
from prefect.client.schemas.schedules import CronSchedule

from deployments import schedules
from deployments.schedules import Deployment, deployments_of, prefect_yaml
from deployments.serve import FLOWS, served
from rnnts.project import open_project

ROOT = Path(schedules.__file__).parents[1]


def of_the_repository() -> tuple[Deployment, ...]:
    config = open_project(ROOT / "deployments" / "rnnts.toml").config
    return deployments_of(config, "rnnts.toml")


def entries(text: str) -> list[dict[str, Any]]:
    return [dict(entry) for entry in yaml.safe_load(text)["deployments"]]


def test_prefect_yaml_deploys_what_make_up_serves() -> None:
    written = entries((ROOT / "deployments" / "prefect.yaml").read_text("utf-8"))
    assert written == [one.to_yaml() for one in of_the_repository()]


def test_a_prefect_yaml_of_ones_own_says_the_same() -> None:
    deployments = of_the_repository()
    assert entries(prefect_yaml(deployments)) == [one.to_yaml() for one in deployments]


@pytest.mark.parametrize("one", of_the_repository(), ids=lambda one: one.flow)
def test_what_is_served_is_what_is_described(one: Deployment) -> None:
    found = served(one)
    assert (found.flow_name, found.name, found.entrypoint) == (one.flow, one.name, one.entrypoint)
    assert (found.parameters, found.tags) == (one.parameters, one.tags)
    assert found.description == one.description
    (schedule,) = found.schedules or []
    assert isinstance(schedule.schedule, CronSchedule)
    assert (schedule.schedule.cron, schedule.schedule.timezone) == (one.cron, one.timezone)
    assert schedule.slug == one.slug


def test_every_schedule_speaks_the_zone_of_its_panel() -> None:
    zones = {one.flow: one.timezone for one in of_the_repository()}
    assert zones == {
        "nightly_forecast": "America/New_York",
        "weekly_retrain": "America/New_York",
        "tidy_up": "UTC",
    }


def test_every_flow_of_a_deployment_exists_where_it_is_said_to_stand() -> None:
    for one in of_the_repository():
        path, _, name = one.entrypoint.partition(":")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8")
        assert one.flow in FLOWS


def test_a_panel_without_schedule_can_be_run_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "rnnts.toml"
    file.write_text(
        '[panels.calls]\nsource = {table = "c", time = "at", value = "n"}\nhorizon = 24\n'
    )
    found = deployments_of(open_project(file).config, str(file))
    by_hand = [one for one in found if one.name == "calls"]
    assert [one.flow for one in by_hand] == ["nightly_forecast", "weekly_retrain"]
    assert [one.to_yaml()["schedules"] for one in by_hand] == [[], []]
    assert served(by_hand[0]).schedules in (None, [])


def test_the_command_prints_a_prefect_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(ROOT / "deployments" / "rnnts.toml")
    schedules.main(["--config", file])
    printed = yaml.safe_load(capsys.readouterr().out)
    assert [entry["parameters"]["config"] for entry in printed["deployments"]] == [file] * 3
    assert printed["pull"]
