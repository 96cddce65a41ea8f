from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.config import LEVELS, PanelConfig, ProjectConfig, load_project_config
from rnnts.errors import ConfigurationError

LOADS = """
[database]
url = "sqlite:///results.db"

[panels.loads]
source = { table = "readings", series = "feeder", time = "read_at", value = "load" }
frequency = "1h"
horizon = 48
"""
SECRET = "hunter2"  # noqa: S105 - what must never be shown


def load(folder: Path, text: str, variables: Mapping[str, str] | None = None) -> ProjectConfig:
    file = folder / "rnnts.toml"
    file.write_text(dedent(text), encoding="utf-8")
    return load_project_config(file, variables or {})


def refusal(folder: Path, text: str, variables: Mapping[str, str] | None = None) -> str:
    """What is said of a configuration that cannot be used."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, variables)
    assert caught.value.exit_code == 2
    assert SECRET not in str(caught.value)
    return str(caught.value)


def with_setting(line: str, *, instead_of: str = "\0") -> str:
    """LOADS with one line more, or one instead of another."""
    if instead_of in LOADS:
        return LOADS.replace(instead_of, line)
    return f"{LOADS}{line}\n"


def test_a_short_file_is_a_whole_configuration(tmp_path: Path) -> None:
    panel = load(tmp_path, LOADS).panels["loads"]
    assert panel.source.series == ("feeder",)
    assert (panel.horizon, panel.timezone, panel.quantiles) == (48, "UTC", LEVELS)
    assert panel.model.architecture == "patched_lstm"
    assert (panel.train.minutes, panel.train.steps) == (None, None)


def test_no_panel_yet_is_no_mistake(tmp_path: Path) -> None:
    assert load(tmp_path, "") == ProjectConfig()


@pytest.mark.parametrize("levels", ["[0.9, 0.5, 0.1]", "[0.1, 0.5, 0.9, 0.9]"])
def test_quantiles_that_do_not_rise_are_told_how_to(tmp_path: Path, levels: str) -> None:
    message = refusal(tmp_path, with_setting(f"quantiles = {levels}"))
    assert message.startswith("QUANTILES_INVALID")
    assert levels in message
    assert "write [0.1, 0.5, 0.9]" in message


def test_a_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = load(tmp_path, LOADS)
    with pytest.raises(ValueError, match="frozen"):
        config.panels["loads"].horizon = 3  # type: ignore[misc] # that is what is tried


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("horizn = 3", '"panels.loads.horizn: did you mean horizon?"'),
        ("xyzzy = 3", "panels.loads.xyzzy: known: source, horizon"),
        ("model = { windw = 3 }", "panels.loads.model.windw: did you mean window?"),
        ("train = { step = 3 }", "panels.loads.train.step: did you mean steps?"),
        ("[panel.loads]", '"panel: did you mean panels?"'),
        ("[database.pool]", "database.pool"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path, line: str, said: str) -> None:
    message = refusal(tmp_path, with_setting(line))
    assert message.startswith("CONFIG_UNKNOWN_KEY")
    assert said in message
    assert f"{tmp_path / 'rnnts.toml'}, line" in message


def test_a_misspelt_key_is_named_and_not_the_one_it_leaves_out(tmp_path: Path) -> None:
    message = refusal(tmp_path, with_setting("horizn = 48", instead_of="horizon = 48"))
    assert '"panels.loads.horizn: did you mean horizon?"' in message
    assert "line 8" in message


def test_a_mistake_is_found_on_its_line(tmp_path: Path) -> None:
    text = """
    [panels.first]
    source = { table = "a", time = "t", value = "v" }
    horizon = 3

    [panels.second]
    source = { table = "b", time = "t", value = "v", tabel = "c" }
    horizon = 3
    """
    assert "line 7" in refusal(tmp_path, text)


def test_a_missing_key_is_not_looked_for_in_another_table(tmp_path: Path) -> None:
    text = """
    [panels.first]
    source = { table = "a", time = "t", value = "v" }

    [panels.second]
    source = { table = "b", time = "t", value = "v" }
    horizon = 3
    """
    message = refusal(tmp_path, text)
    assert "no panels.first.horizon" in message
    assert "line 2" in message


@pytest.mark.parametrize("horizon", ["0", "-1", "1e9", "10_001", "2.5", "true", '"many"'])
def test_a_horizon_out_of_range_is_told_the_range(tmp_path: Path, horizon: str) -> None:
    text = with_setting(f"horizon = {horizon}", instead_of="horizon = 48")
    message = refusal(tmp_path, text)
    assert message.startswith("HORIZON_INVALID loads: expected 1 to 10,000, got ")
    assert "line 8" in message


@pytest.mark.parametrize(
    "cron",
    ["61 2 * * *", "0 0 30 2 *", "0 2 * *", "0 2 * * * *", "", "R 2 * * *", "noon", "0 2 31 4 *"],
)
@pytest.mark.parametrize("key", ["forecast", "retrain"])
def test_a_schedule_that_never_comes_is_refused(tmp_path: Path, cron: str, key: str) -> None:
    message = refusal(tmp_path, with_setting(f'schedule = {{ {key} = "{cron}" }}'))
    assert message.startswith("CRON_INVALID loads")
    assert repr(cron) in message
    assert "line 9" in message


@pytest.mark.parametrize(
    ("zone", "nearest"),
    [("Amerika/New_York", "America/New_York"), ("Europe/Berln", "Europe/Berlin"), ("utc", "UTC")],
)
def test_an_unknown_zone_is_told_the_nearest(tmp_path: Path, zone: str, nearest: str) -> None:
    message = refusal(tmp_path, with_setting(f'timezone = "{zone}"'))
    assert message.startswith("TIME_ZONE_UNKNOWN loads")
    assert nearest in message


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "", "Amerika/X"])
def test_no_file_is_read_as_a_zone(tmp_path: Path, zone: str) -> None:
    setting = f'timezone = "{zone}"'
    of_panel = with_setting(setting)
    of_source = with_setting(f'value = "load", {setting}', instead_of='value = "load"')
    for text in (of_panel, of_source):
        assert refusal(tmp_path, text).startswith("TIME_ZONE_UNKNOWN loads")


@pytest.mark.parametrize(
    "name",
    ["../x", "Robert'); --", "Loads", "1st", "_x", "a" * 41, "latest", "all", "a-b", "ä", ""],
)
def test_a_panel_name_that_could_be_no_view_is_refused(tmp_path: Path, name: str) -> None:
    message = refusal(tmp_path, LOADS.replace("panels.loads", f'panels."{name}"'))
    assert message.startswith("PANEL_NAME")
    assert "[a-z][a-z0-9_]{0,39}" in message


@pytest.mark.parametrize("key", ["password", "PASSWORD", "pwd", "sslpassword"])
@pytest.mark.parametrize("place", ["database", "source"])
def test_a_password_in_the_query_of_a_url_is_refused_and_not_repeated(
    tmp_path: Path, key: str, place: str
) -> None:
    url = f"postgresql://ann@db/prod?sslmode=require&{key}={SECRET}"
    text = (
        LOADS.replace("sqlite:///results.db", url)
        if place == "database"
        else LOADS.replace('table = "readings"', f'table = "readings", url = "{url}"')
    )
    message = refusal(tmp_path, text)
    assert message.startswith("SECRET_IN_QUERY")
    assert "line" in message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("quantiles = [0.1, 0.9]", "QUANTILES_INVALID"),
        ("quantiles = [0.5, 0.55]", "QUANTILES_INVALID"),
        ("quantiles = []", "QUANTILES_INVALID"),
        ("quantiles = [-0.1, 0.5]", "QUANTILES_INVALID"),
        ("quantiles = [0, 0.5, 1]", "QUANTILES_INVALID"),
        ("quantiles = [0.5, 1.5]", "QUANTILES_INVALID"),
        ("quantiles = [0.5, nan]", "CONFIG_INVALID"),
        ("minimum = 3\nmaximum = 3", "BOUNDS_INVALID"),
        ("minimum = 0.2\nmaximum = 0.8\ninteger = true", "BOUNDS_INVALID"),
        ("integer = 1.5", "CONFIG_INVALID"),
        ("minimum = nan", "CONFIG_INVALID"),
        ("maximum = inf", "CONFIG_INVALID"),
        ('max_delay = "soon"', "DURATION_INVALID"),
        ('max_stale = "6"', "DURATION_INVALID"),
        ('revision_span = "-1d"', "DURATION_INVALID"),
        ('max_stale = "99999999w"', "DURATION_INVALID"),
        ("train = { minutes = 5, steps = 100 }", "CONFIG_INVALID"),
        ("train = { minutes = 0 }", "CONFIG_INVALID"),
        ("train = { seed = -1 }", "CONFIG_INVALID"),
        ("model = { architecture = 'transformer' }", "CONFIG_INVALID"),
        ("model = { window = 0 }", "CONFIG_INVALID"),
    ],
)
def test_what_cannot_work_is_refused_before_any_connection(
    tmp_path: Path, line: str, code: str
) -> None:
    message = refusal(tmp_path, with_setting(line))
    assert message.startswith(f"{code} loads")
    assert "line" in message


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('{ time = "t", value = "v" }', "either table or query"),
        ('{ table = "a", query = "b", time = "t", value = "v" }', "either table or query"),
        ('{ table = "a", time = "t" }', "value is required"),
        ('{ table = "a", time = "t", aggregate = "count", label = "end" }', "start"),
        ('{ table = "a", time = "t", value = "v", aggregate = "median" }', "'count', 'sum'"),
    ],
)
def test_a_source_that_says_too_little_or_too_much_is_refused(
    tmp_path: Path, source: str, said: str
) -> None:
    text = f"[panels.loads]\nhorizon = 3\nsource = {source}\n"
    message = refusal(tmp_path, text)
    assert said in message
    assert "line 3" in message
    assert "Value error" not in message


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, "[panels\nhorizon = 3")
    assert message.startswith("CONFIG_SYNTAX")
    assert "line 1" in message


def test_a_file_that_is_not_there_is_told_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="rnnts init"):
        load_project_config(tmp_path / "absent.toml", {})
    with pytest.raises(ConfigurationError, match="CONFIG_UNREADABLE"):
        load_project_config(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(ConfigurationError, match="CONFIG_UNREADABLE"):
        load_project_config(tmp_path / "latin.toml", {})


def test_variables_override_the_file(tmp_path: Path) -> None:
    variables = {
        "RNNTS_DATABASE__URL": "postgresql://ann@db/prod",
        "RNNTS_PANELS__LOADS__HORIZON": "24",
        "RNNTS_PANELS__LOADS__TRAIN__STEPS": "4000",
        "RNNTS_PANELS__LOADS__QUANTILES": "[0.1, 0.5, 0.9]",
        "RNNTS_PANELS__LOADS__TIMEZONE": "Europe/Berlin",
        "RNNTS_FAILPOINT": "",
        "RNNTS_HOME": "/elsewhere",
    }
    config = load(tmp_path, LOADS, variables)
    panel = config.panels["loads"]
    assert config.database.url.get_secret_value() == "postgresql://ann@db/prod"
    assert (panel.horizon, panel.train.steps, panel.timezone) == (24, 4000, "Europe/Berlin")
    assert panel.quantiles == (0.1, 0.5, 0.9)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"postgresql://ann:{SECRET}@db/prod\n")
    config = load(tmp_path, LOADS, {"RNNTS_DATABASE__URL_FILE": str(tmp_path / "secret")})
    assert config.database.url.get_secret_value() == f"postgresql://ann:{SECRET}@db/prod"
    assert SECRET not in repr(config)
    message = refusal(tmp_path, LOADS, {"RNNTS_DATABASE__URL_FILE": str(tmp_path / "absent")})
    assert message.startswith("SECRET_MISSING")
    assert "RNNTS_DATABASE__URL_FILE" in message


def test_a_url_may_name_variables(tmp_path: Path) -> None:
    text = LOADS.replace("sqlite:///results.db", "postgresql://ann:${LOADS_PASSWORD}@db/prod")
    config = load(tmp_path, text, {"LOADS_PASSWORD": SECRET})
    assert config.database.url.get_secret_value() == f"postgresql://ann:{SECRET}@db/prod"
    message = refusal(tmp_path, text)
    assert message.startswith("SECRET_MISSING: expected the environment variable LOADS_PASSWORD")
    assert "line 3" in message


def test_a_variable_with_a_mistake_is_named(tmp_path: Path) -> None:
    for name, value, said in [
        ("RNNTS_DATABSE__URL", "x", "did you mean database?"),
        ("RNNTS_PANELS__LOAD__HORIZON", "3", "did you mean loads?"),
        ("RNNTS_PANELS__LOADS__HORIZN", "3", "did you mean horizon?"),
        ("RNNTS_PANELS__LOADS__HORIZON", "0", "1 to 10,000"),
        ("RNNTS_PANELS__LOADS__HORIZON__X", "0", "no settings of its own"),
        ("RNNTS_DATABASE__URL", f"postgresql://db/p?password={SECRET}", "SECRET_IN_QUERY"),
    ]:
        message = refusal(tmp_path, LOADS, {name: value})
        assert said in message
        assert f"environment variable {name}" in message


def test_a_secret_of_the_wrong_type_is_not_repeated(tmp_path: Path) -> None:
    message = refusal(tmp_path, f'[database]\nurl = ["{SECRET}"]')
    assert "line 2" in message
    message = refusal(tmp_path, f'[database.url]\npassword = "{SECRET}"')
    assert "database.url" in message


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_raises_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("junk") / "rnnts.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    try:
        load_project_config(file, {})
    except ConfigurationError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, nothing else


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*PanelConfig.model_fields, "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(PanelConfig.model_fields)), VALUES, max_size=5))
def test_no_value_of_any_key_raises_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    lines = "\n".join(f"{key} = {as_toml(value)}" for key, value in values.items())
    source = "" if "source" in values else "source = { table = 'a', time = 't', value = 'v' }\n"
    try:
        load(folder, f"[panels.loads]\n{source}{lines}\n")
    except ConfigurationError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, nothing else


def as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, str):
        return "'" + "".join(letter for letter in value if letter.isalnum()) + "'"
    return "0" if value is None else str(value)
