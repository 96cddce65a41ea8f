"""Checks of covariates and holidays that need no connection."""

import difflib
import re
from collections import Counter
from collections.abc import Callable

from rnnts.config.values import CovariateConfig, PanelConfig
from rnnts.errors import ConfigurationError

COVARIATE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = ("calendar", "holidays")
"""Names of what every panel can have without a table."""

SHOWN_PARTS = 8


def check_covariates(panel: str, config: PanelConfig, where: Callable[..., str]) -> None:
    """Refuse covariates that cannot work, whatever their tables hold.

    Args:
        panel: The panel's name.
        config: Its configuration.
        where: Says where a setting of the panel stands, by its keys.

    Raises:
        ConfigurationError: COVARIATE_NAME, COVARIATE_KEYS, COVARIATE_CLASH,
            COVARIATE_ARCHITECTURE, HOLIDAYS_UNKNOWN.
    """
    for name, covariate in config.covariates.items():
        place = where("covariates", name)
        _check_name(panel, name, place)
        _check_keys(panel, config, covariate, place)
        _check_columns(panel, name, covariate, place)
    if config.holidays is not None:
        _check_country(panel, config.holidays, where("holidays"))
    if (config.covariates or config.holidays) and config.model.architecture != "patched_lstm":
        raise ConfigurationError(
            "COVARIATE_ARCHITECTURE",
            panel=panel,
            expected='model.architecture = "patched_lstm" where there are covariates or holidays',
            got=f'"{config.model.architecture}", which reads nothing but values',
            where=where("model", "architecture"),
            do="remove the covariates, or leave the architecture out",
        )


def _check_name(panel: str, name: str, where: str) -> None:
    if not COVARIATE_NAME.fullmatch(name) or name in RESERVED:
        raise ConfigurationError(
            "COVARIATE_NAME",
            panel=panel,
            expected=f"{COVARIATE_NAME.pattern}, and not {' or '.join(RESERVED)}",
            got=repr(name),
            where=where,
            do="rename the covariate: its columns will be called NAME.COLUMN",
        )


def _check_keys(panel: str, config: PanelConfig, covariate: CovariateConfig, where: str) -> None:
    strange = [key for key in covariate.series if key not in config.source.series]
    if strange:
        keys = ", ".join(config.source.series) or "none: the panel is one series"
        raise ConfigurationError(
            "COVARIATE_KEYS",
            panel=panel,
            expected=f"some of the panel's key columns ({keys})",
            got=", ".join(strange),
            where=where,
            do="name columns of source.series; where the table calls them otherwise, rename them "
            "in a query",
        )


def _check_columns(panel: str, name: str, covariate: CovariateConfig, where: str) -> None:
    """Refuse a column that is asked for twice, or that is something else already."""
    taken = [covariate.time, covariate.known_at, *covariate.series]
    asked = Counter([*covariate.dynamic, *covariate.static])
    twice = [column for column, count in asked.items() if count > 1 or column in taken]
    if twice:
        raise ConfigurationError(
            "COVARIATE_CLASH",
            panel=panel,
            expected=f"each column of {name} once: as known_future, past or static, and not as "
            "series, time or known_at too",
            got=", ".join(twice),
            where=where,
            do="name it once; what is known for the horizon is known for the past as well",
        )


def _check_country(panel: str, written: str, where: str) -> None:
    """Refuse a country, or a part of one, whose holidays nobody knows."""
    from holidays import list_supported_countries  # noqa: PLC0415 - a tenth of a second

    known = list_supported_countries(include_aliases=True)
    country, _, part = written.partition("-")
    if country in known and (not part or part in known[country]):
        return
    if country in known:
        parts = [each for each in known[country] if each.isascii()]
        near = [f"{country}-{each}" for each in _near(part, parts)]
        got = f"{written!r}: {country} has no part {part!r}"
        some = ", ".join(parts[:SHOWN_PARTS]) or "none"
        fallback = f'write "{country}" alone, or with one of its parts, such as {some}'
    else:
        near, got = _near(country, known), repr(written)
        fallback = 'write a code of ISO 3166 such as "DE", or with a part of the country "DE-BY"'
    raise ConfigurationError(
        "HOLIDAYS_UNKNOWN",
        panel=panel,
        expected="a country of python-holidays, or a part of one",
        got=got,
        where=where,
        do=f"did you mean {' or '.join(near)}?" if near else fallback,
    )


def _near(word: str, known: "list[str] | dict[str, list[str]]") -> list[str]:
    by_upper = {each.upper(): each for each in known}
    found = difflib.get_close_matches(word.upper(), by_upper, n=3, cutoff=0.6)
    return [by_upper[each] for each in found]
