"""Reads `rnnts.toml` and the environment; each mistake is one sentence with file and line."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from rnnts.config.checks import check_values
from rnnts.config.values import MAX_HORIZON, PanelConfig, ProjectConfig
from rnnts.errors import ConfigurationError

PREFIX = "RNNTS_"
NOT_SETTINGS = {"RNNTS_CONFIG", "RNNTS_FAILPOINT", "RNNTS_TEST_DATA", "RNNTS_REQUIRE"}
"""Variables of that prefix that speak to the program and set no value of the file."""
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load_project_config(path: Path, environment: Mapping[str, str] | None = None) -> ProjectConfig:
    """The configuration of a project: the file, overridden by `RNNTS_…` variables.

    `RNNTS_DATABASE__URL` sets `database.url`; with `_FILE` at its end it names a file that holds
    the value; `${NAME}` inside a url stands for a variable.

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
    _override(values, variables)
    _fill_in(values, variables, path)
    try:
        config = ProjectConfig.model_validate(values)
    except ValidationError as error:
        _refuse(error, path, text)
    check_values(config, path, lambda *keys: _line_of(text, keys))
    return config


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


def _override(values: dict[str, Any], variables: Mapping[str, str]) -> None:
    for name in sorted(variables):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        value = variables[name]
        keys = name.removeprefix(PREFIX).lower().split("__")
        if keys[0] not in ProjectConfig.model_fields or len(keys) == 1:
            continue
        if keys[-1].endswith("_file"):
            keys[-1] = keys[-1].removesuffix("_file")
            value = _secret_in(Path(value), name)
        place = values
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = _typed(value)


def _secret_in(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            "SECRET_MISSING", got=f"{name} names a file that cannot be read", where=str(path),
            do="mount the secret there, or set the variable without _FILE",
        ) from error  # fmt: skip


def _typed(value: str) -> Any:  # noqa: ANN401 - anything TOML can say
    """A variable's text as TOML reads it, else the text itself: `48` is a number, a URL is not."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _fill_in(values: Any, variables: Mapping[str, str], path: Path) -> None:  # noqa: ANN401
    """Put variables' values into every `url`."""
    if not isinstance(values, dict):
        return
    for key, value in values.items():
        if key == "url" and isinstance(value, str):
            values[key] = _REFERENCE.sub(lambda match: _variable(match[1], variables, path), value)
        else:
            _fill_in(value, variables, path)


def _variable(name: str, variables: Mapping[str, str], path: Path) -> str:
    if name not in variables:
        raise ConfigurationError(
            "SECRET_MISSING",
            expected=f"the environment variable {name}",
            got="it is not set",
            where=str(path),
            do=f"set {name}, or write the value's file into the matching RNNTS_…_FILE",
        )
    return variables[name]


def _refuse(error: ValidationError, path: Path, text: str) -> NoReturn:
    first = error.errors(include_input=False, include_url=False)[0]
    keys = tuple(str(key) for key in first["loc"])
    shown = ".".join(keys)
    line = _line_of(text, keys)
    where = f"{path}, line {line}" if line else str(path)
    panel = keys[1] if keys[0] == "panels" and len(keys) > 1 else ""
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _names_at(keys[:-1]), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_names_at(keys[:-1]))}"
        raise ConfigurationError(
            "CONFIG_UNKNOWN_KEY", got=f'"{shown}: {hint}"', where=where, do="rename or remove it"
        ) from None
    if keys[-1] == "horizon" and first["type"] != "missing":
        raise ConfigurationError(
            "HORIZON_INVALID", panel=panel, expected=f"1 to {MAX_HORIZON:,}", where=where,
            got="another number", do="write the steps to forecast: 48 for two days of hours",
        ) from None  # fmt: skip
    raise ConfigurationError(
        "CONFIG_INVALID",
        panel=panel,
        got=f"{shown}: {first['msg']}",
        where=where,
        do="write the missing key" if first["type"] == "missing" else "mend that value",
    ) from None


def _names_at(keys: tuple[str, ...]) -> list[str]:
    """Known keys at a place of the configuration."""
    model: Any = ProjectConfig
    for key in keys:
        if model is ProjectConfig and key == "panels":
            model = None  # the next key is a panel's name
        elif model is None:
            model = PanelConfig
        else:
            model = model.model_fields[key].annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def _line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """Line of the deepest of `keys` that the file names, by its table header and its own name."""
    lines = text.splitlines()
    begin, rest = 0, list(keys)
    for size in range(len(keys), 0, -1):
        header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(_quoted, keys[:size])) + r"\s*\]")
        found = next((n for n, line in enumerate(lines) if header.match(line)), None)
        if found is not None:
            begin, rest = found, list(keys[size:])
            break
    line = begin + 1 if len(rest) < len(keys) else None
    for key in rest:
        name = re.compile(rf"(^|[\s,{{.])({_quoted(key)})\s*[.=]")
        found = next((n for n in range(begin, len(lines)) if name.search(lines[n])), None)
        if found is None:
            break
        begin, line = found, found + 1
    return line


def _quoted(key: str) -> str:
    return rf"[\"']?{re.escape(key)}[\"']?"
