from pathlib import Path

import pytest

from rnnts.config import load_project_config
from rnnts.config.values import PanelConfig
from rnnts.errors import ConfigurationError

PANEL = """
[panels.loads]
source = { table = "readings", series = ["site", "meter"], time = "at", value = "load" }
horizon = 48
"""
WEATHER = """
[panels.loads.covariates.weather]
table = "weather"
series = "site"
time = "at"
known_future = ["temp"]
past = ["wind", "rain"]
"""


def panel(folder: Path, more: str) -> PanelConfig:
    file = folder / "rnnts.toml"
    file.write_text(PANEL + more, encoding="utf-8")
    return load_project_config(file, {}).panels["loads"]


def refusal(folder: Path, more: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        panel(folder, more)
    return str(caught.value)


def test_a_covariate_has_columns_that_are_known_in_advance_and_others(tmp_path: Path) -> None:
    weather = panel(tmp_path, WEATHER).covariates["weather"]
    assert weather.dynamic == ("temp", "wind", "rain")
    assert weather.series == ("site",)


def test_categories_need_no_time(tmp_path: Path) -> None:
    more = '[panels.loads.covariates.kinds]\nquery = "SELECT 1"\nstatic = "kind"\n'
    assert panel(tmp_path, more).covariates["kinds"].static == ("kind",)


@pytest.mark.parametrize("country", ["US", "US-NY", "DE-BY", "USA"])
def test_holidays_are_those_of_a_country_or_of_a_part_of_it(tmp_path: Path, country: str) -> None:
    assert panel(tmp_path, f'holidays = "{country}"\n').holidays == country


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ('holidays = "XX"', "HOLIDAYS_UNKNOWN", "ISO 3166"),
        ('holidays = "us"', "HOLIDAYS_UNKNOWN", "did you mean US"),
        ('holidays = "US-ZZ"', "HOLIDAYS_UNKNOWN", "US has no part 'ZZ'"),
        ('holidays = "US"\nmodel = { architecture = "lstm" }', "COVARIATE_ARCHITECTURE", "lstm"),
        (WEATHER.replace('"site"', '"town"'), "COVARIATE_KEYS", "(site, meter), got town"),
        (WEATHER.replace('"wind"', '"temp"'), "COVARIATE_CLASH", "temp"),
        (WEATHER.replace('"wind"', '"site"'), "COVARIATE_CLASH", "site"),
        (WEATHER.replace("weather]", "calendar]"), "COVARIATE_NAME", "'calendar'"),
        (WEATHER.replace('time = "at"', ""), "CONFIG_INVALID", "time is required"),
        (WEATHER + 'query = "SELECT 1"', "CONFIG_INVALID", "either table or query"),
        ('[panels.loads.covariates.x]\ntable = "x"', "CONFIG_INVALID", "name columns"),
        (WEATHER + 'statik = "kind"', "CONFIG_UNKNOWN_KEY", "did you mean static?"),
        (WEATHER + 'timezone = "Mars"', "TIME_ZONE_UNKNOWN", "'Mars'"),
        (WEATHER + 'url = "sqlite:///x?password=p"', "SECRET_IN_QUERY", "user and password"),
    ],
)
def test_what_cannot_work_is_refused_before_any_connection(
    tmp_path: Path, more: str, code: str, said: str
) -> None:
    message = refusal(tmp_path, more)
    assert message.startswith(code)
    assert said in message
    assert "line" in message
