"""Reads `rnnts.toml` and the environment; each mistake is one sentence with file and line."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from rnnts.config.checks import check_values
from rnnts.config.places import Keys, Places
from rnnts.config.values import MAX_HORIZON, CovariateConfig, PanelConfig, ProjectConfig
from rnnts.errors import ConfigurationError

PREFIX = "RNNTS_"
BETWEEN = "__"
"""Between the keys of a setting in a variable's name; variables without it are no settings."""
FILE = "_file"
SHOWN = 40
"""Characters of a wrong value that a message repeats."""
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_Values = dict[str, Any]


def load_project_config(path: Path, environment: Mapping[str, str] | None = None) -> ProjectConfig:
    """The configuration of a project: the file, overridden by `RNNTS_…` variables.

    `RNNTS_DATABASE__URL` sets `database.url`; with `_FILE` at its end it names a file that holds
    the value; `${NAME}` inside a url stands for a variable.

    Args:
        path: The file.
        environment: Default: that of this process.

    Raises:
        ConfigurationError: What is wrong, where, and how to mend it; never a secret's value.
    """
    variables = os.environ if environment is None else environment
    text = _read(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            "CONFIG_SYNTAX", got=str(error), where=str(path), do="mend that line (it is TOML)"
        ) from error
    overridden = _override(values, variables)
    places = Places(path, text, overridden)
    _fill_in(values, variables, places, ())
    try:
        config = ProjectConfig.model_validate(values)
    except ValidationError as error:
        _refuse(error, places)
    check_values(config, places.of)
    return config.overridden(overridden)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            "CONFIG_MISSING",
            expected="a configuration file",
            got="none",
            where=str(path),
            do="write one (rnnts init --source URL), or name it with --config",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "CONFIG_UNREADABLE", got=str(error), where=str(path), do="mend the file or its rights"
        ) from error


def _override(values: _Values, variables: Mapping[str, str]) -> dict[Keys, str]:
    """Put variables' values into `values`; give back which variable set what."""
    overridden: dict[Keys, str] = {}
    for name in sorted(variables):
        keys = tuple(name.removeprefix(PREFIX).lower().split(BETWEEN))
        if not name.startswith(PREFIX) or len(keys) == 1:
            continue
        _check_variable(name, keys, values)
        value: object = _typed(variables[name])
        if keys[-1].endswith(FILE):
            keys = (*keys[:-1], keys[-1].removesuffix(FILE))
            value = _secret_in(Path(variables[name]), name)
        place = values
        for key in keys[:-1]:
            below = place.setdefault(key, {})
            if not isinstance(below, dict):
                raise _unknown_variable(name, f"{key} has no settings of its own")
            place = below
        place[keys[-1]] = value
        overridden[keys] = name
    return overridden


def _check_variable(name: str, keys: Keys, values: _Values) -> None:
    """Refuse a misspelt section, and a panel that the file does not have."""
    sections = list(ProjectConfig.model_fields)
    if keys[0] not in sections:
        raise _unknown_variable(name, _hint(keys[0], sections))
    panels = values.get("panels", {})
    if keys[0] == "panels" and isinstance(panels, dict) and keys[1] not in panels:
        raise _unknown_variable(name, f"no panel {keys[1]}; {_hint(keys[1], list(panels))}")


def _unknown_variable(name: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        "CONFIG_UNKNOWN_KEY",
        got=got,
        where=f"environment variable {name}",
        do="rename or unset it: RNNTS_SECTION__KEY sets [section] key",
    )


def _secret_in(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "SECRET_MISSING",
            got=f"{name} names a file that cannot be read",
            where=str(path),
            do="mount the secret there, or set the variable without _FILE",
        ) from error


def _typed(value: str) -> object:
    """A variable's text as TOML reads it, else the text itself: `48` is a number, a URL is not."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _fill_in(values: object, variables: Mapping[str, str], places: Places, above: Keys) -> None:
    """Put variables' values into every `url`."""
    if not isinstance(values, dict):
        return
    for key, value in values.items():
        where = places.of(*above, key)
        if key == "url" and isinstance(value, str):
            values[key] = _REFERENCE.sub(lambda it: _variable(it[1], variables, where), value)  # noqa: B023 - called before the next turn
        else:
            _fill_in(value, variables, places, (*above, key))


def _variable(name: str, variables: Mapping[str, str], where: str) -> str:
    if name not in variables:
        raise ConfigurationError(
            "SECRET_MISSING",
            expected=f"the environment variable {name}",
            got="it is not set",
            where=where,
            do=f"set {name}, or let RNNTS_DATABASE__URL_FILE name a file with the whole url",
        )
    return variables[name]


def _refuse(error: ValidationError, places: Places) -> NoReturn:
    """The first mistake that pydantic found, as one sentence; a misspelt key before a missing one.

    A key may be missing because it was misspelt: "horizn" explains what "no horizon" does not.
    """
    errors = error.errors(include_url=False)
    first = min(errors, key=lambda each: each["type"] != "extra_forbidden")
    keys = tuple(str(key) for key in first["loc"])
    shown = ".".join(keys)
    panel = keys[1] if keys[0] == "panels" and len(keys) > 1 else ""
    where = places.of(*keys)
    if first["type"] == "extra_forbidden":
        hint = _hint(keys[-1], _names_at(keys[:-1]))
        raise ConfigurationError(
            "CONFIG_UNKNOWN_KEY", got=f'"{shown}: {hint}"', where=where, do="rename or remove it"
        ) from None
    if first["type"] == "missing":
        raise ConfigurationError(
            "CONFIG_INVALID", panel=panel, got=f"no {shown}", where=where, do="write that key"
        ) from None
    got = f", got {str(first['input'])[:SHOWN]!r}" if _may_be_shown(keys, first["input"]) else ""
    if keys[-1] == "horizon":
        raise ConfigurationError(
            "HORIZON_INVALID",
            panel=panel,
            expected=f"1 to {MAX_HORIZON:,}",
            got=str(first["input"])[:SHOWN],
            where=where,
            do="write the steps to forecast: 48 for two days of hours",
        ) from None
    said = first["msg"].removeprefix("Value error, ")
    raise ConfigurationError(
        "CONFIG_INVALID",
        panel=panel,
        got=f"{shown}: {said}{got}",
        where=where,
        do="mend that value",
    ) from None


def _may_be_shown(keys: Keys, value: object) -> bool:
    """Secrets stand in urls, and perhaps in what should have been a table."""
    return keys[-1] != "url" and isinstance(value, str | int | float)


def _hint(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"


_NAMED = {"panels": PanelConfig, "covariates": CovariateConfig}
"""Tables whose keys are names that the user chose, and what stands under each."""


def _names_at(keys: Keys) -> list[str]:
    """Known keys at a place of the configuration."""
    model: Any = ProjectConfig
    named: Any = None  # what stands under a name that the user chose
    for key in keys:
        if named is not None:
            model, named = named, None
        else:
            named = _NAMED.get(key)
            model = None if named else model.model_fields[key].annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []
