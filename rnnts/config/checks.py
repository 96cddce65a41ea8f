"""Checks of a configuration that need no connection: names, zones, schedules, secrets."""

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import ceil, floor
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter

from rnnts.config.covariates import check_covariates
from rnnts.config.durations import duration_seconds
from rnnts.config.values import LEVELS, PanelConfig, ProjectConfig
from rnnts.errors import ConfigurationError

PANEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = ("latest", "all")
"""Names that the views `rnnts_latest_forecast` and `rnnts_all_forecast` have taken."""
SECRET_KEYS = {"password", "passwd", "pwd", "sslpassword", "token"}
CRON_FIELDS = 5
LONGEST = 36_525 * 86_400
"""Seconds of a hundred years."""
_RANDOM = re.compile(r"(^|\s)R", re.IGNORECASE)
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)

PlaceOf = Callable[..., str]


def check_values(config: ProjectConfig, place_of: PlaceOf) -> None:
    """Refuse what parses and still cannot work.

    Args:
        config: The parsed configuration.
        place_of: Says where a setting stands, by its keys.

    Raises:
        ConfigurationError: With the code of the first fault found.
    """
    _check_url(config.database.url.get_secret_value(), place_of("database", "url"))
    for name, panel in config.panels.items():
        _check_name(name, place_of("panels", name))
        if panel.source.url is not None:
            place = place_of("panels", name, "source", "url")
            _check_url(panel.source.url.get_secret_value(), place)
        _check_panel(name, panel, partial(place_of, "panels", name))


def _check_name(name: str, where: str) -> None:
    if not PANEL_NAME.fullmatch(name) or name in RESERVED:
        raise ConfigurationError(
            "PANEL_NAME",
            expected=f"{PANEL_NAME.pattern}, and not {' or '.join(RESERVED)}",
            got=repr(name),
            where=where,
            do="rename the panel: its view will be called rnnts_NAME_forecast",
        )


def _check_panel(name: str, panel: PanelConfig, where: Callable[..., str]) -> None:
    check_zone(panel.timezone, name, where("timezone"))
    if panel.source.timezone is not None:
        check_zone(panel.source.timezone, name, where("source", "timezone"))
    for key in ("forecast", "retrain"):
        cron = getattr(panel.schedule, key)
        if cron is not None:
            check_cron(cron, name, where("schedule", key))
    for key in ("max_delay", "max_stale", "revision_span"):
        _check_duration(getattr(panel, key), name, where(key))
    _check_duration(panel.source.phase, name, where("source", "phase"))
    _check_levels(panel.quantiles, name, where("quantiles"))
    check_covariates(name, panel, where)
    for covariate, settings in panel.covariates.items():
        if settings.timezone is not None:
            check_zone(settings.timezone, name, where("covariates", covariate, "timezone"))
        if settings.url is not None:
            place = where("covariates", covariate, "url")
            _check_url(settings.url.get_secret_value(), place)
    low, high = panel.minimum, panel.maximum
    if low is not None and high is not None and low >= high:
        raise ConfigurationError(
            "BOUNDS_INVALID", panel=name, expected="minimum < maximum", got=f"{low} and {high}",
            where=where("minimum"), do="exchange them, or remove one",
        )  # fmt: skip
    if panel.integer and low is not None and high is not None and ceil(low) > floor(high):
        raise ConfigurationError(
            "BOUNDS_INVALID", panel=name, expected="a whole number between minimum and maximum, "
            "as integer = true", got=f"{low} and {high}", where=where("minimum"),
            do="widen them, or remove integer",
        )  # fmt: skip


def _check_duration(text: str | None, panel: str, where: str) -> None:
    if text is None:
        return
    try:
        seconds = duration_seconds(text)
    except ValueError as error:
        raise ConfigurationError(
            "DURATION_INVALID", panel=panel, got=str(error), where=where, do="mend it"
        ) from error
    if seconds > LONGEST:
        raise ConfigurationError(
            "DURATION_INVALID", panel=panel, expected="at most a hundred years", got=repr(text),
            where=where, do="mend it",
        )  # fmt: skip


def _check_levels(levels: tuple[float, ...], panel: str, where: str) -> None:
    if not set(levels) <= set(LEVELS) or 0.5 not in levels:  # noqa: PLR2004 - the median
        raise ConfigurationError(
            "QUANTILES_INVALID",
            panel=panel,
            expected=f"levels out of {', '.join(map(str, LEVELS))}, with 0.5 among them",
            got=str(list(levels)),
            where=where,
            do="choose from those: they are the tables' columns",
        )
    rising = sorted(set(levels))
    if list(levels) != rising:
        raise ConfigurationError(
            "QUANTILES_INVALID", panel=panel, expected="levels that rise, each of them once",
            got=str(list(levels)), where=where, do=f"write {rising}",
        )  # fmt: skip


def check_zone(name: str, panel: str, where: str) -> None:
    """Refuse a zone that the time zone database does not have."""
    known = available_timezones()
    if name in known:
        ZoneInfo(name)
        return
    by_lower = {zone.lower(): zone for zone in known}
    near = [
        by_lower[match]
        for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    ]
    raise ConfigurationError(
        "TIME_ZONE_UNKNOWN",
        panel=panel,
        expected="an IANA time zone",
        got=repr(name),
        where=where,
        do=f"did you mean {' or '.join(near)}?" if near else 'write one such as "Europe/Berlin"',
    )


def check_cron(expression: str, panel: str, where: str) -> None:
    """Refuse a schedule that cannot be read, or that never comes."""
    reason = ""
    if len(expression.split()) != CRON_FIELDS:
        reason = f"{len(expression.split())} fields"
    elif _RANDOM.search(expression):
        reason = "a random time is another one each time it is asked for"
    else:
        try:
            croniter(expression, _SOME_DAY).get_next()
        except (ValueError, KeyError) as error:  # croniter's own errors are ValueErrors
            reason = str(error)
    if reason:
        raise ConfigurationError(
            "CRON_INVALID",
            panel=panel,
            expected="five fields that some day matches: minute hour day month weekday",
            got=f"{expression!r} ({reason})",
            where=where,
            do='mend it; every night at two is "0 2 * * *"',
        )


def _check_url(url: str, where: str) -> None:
    query = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    secret = sorted({key.lower() for key, _ in query} & SECRET_KEYS)
    if secret:
        raise ConfigurationError(
            "SECRET_IN_QUERY",
            expected="user and password before the host",
            got=f"{secret[0]}=… in the query of the url",
            where=where,
            do="write postgresql://USER:PASSWORD@HOST/DATABASE, better with ${VARIABLE}",
        )
