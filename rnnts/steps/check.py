"""Check: every resolved value, what the data looks like, and what a person may want to change."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rnnts.findings import Finding
from rnnts.panels.doubts import Doubts
from rnnts.panels.inspect import PanelReport, Trait, describe
from rnnts.panels.resolve import Resolved, Setting, check_window, resolve
from rnnts.panels.slots import next_slot, upset_by_clocks
from rnnts.steps.covariate_facts import covariate_settings
from rnnts.steps.looking import Look, look

if TYPE_CHECKING:
    from rnnts.config import PanelConfig, ProjectConfig
    from rnnts.project import Project

SHOWN_SLOTS = 3
WINDOWS = 3
"""Windows of history that training needs to have offsets to draw from."""
MANY_MISSING = 0.3
"""Share of missing steps that is worth a word."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the data shows."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that `rnnts check` prints of a panel."""

    panel: str
    settings: tuple[Setting, ...]
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def check(project: "Project", panel: str, now: datetime) -> Report:
    """Settle a panel's configuration against its data; nothing is written anywhere.

    Args:
        project: Whose panel.
        panel: Its name.
        now: The instant as of which the data is seen.

    Raises:
        ConfigurationError: WINDOW_TOO_LONG, and as `ingest`.
        NoUsableDataError: SOURCE_EMPTY.
        InfrastructureError: The source cannot be read.
    """
    found = report(panel, project.panel(panel), look(project, panel, now), now)
    settings = (_with_variable(project.config, panel, setting) for setting in found.settings)
    return replace(found, settings=tuple(settings))


def _with_variable(config: "ProjectConfig", panel: str, setting: Setting) -> Setting:
    """The setting, with the environment variable that it came from, if one set it."""
    usual = tuple((*section, setting.name) for section in SECTIONS)
    places = ELSEWHERE.get(setting.name, usual)
    variables = (config.variable("panels", panel, *place) for place in places)
    name = next((variable for variable in variables if variable is not None), None)
    return setting if name is None else replace(setting, origin=f"environment variable {name}")


SECTIONS: tuple[tuple[str, ...], ...] = ((), ("model",), ("train",))
"""Where the keys of a panel stand whose values are printed."""
ELSEWHERE = {
    "budget": (("train", "minutes"), ("train", "steps")),
    "label": (("source", "label"),),
    "phase": (("source", "phase"),),
}
"""Those that stand somewhere else, or under another name."""


def report(panel: str, config: "PanelConfig", seen: Look, now: datetime) -> Report:
    """What there is to say about a panel whose source has been looked at.

    Raises:
        ConfigurationError: WINDOW_TOO_LONG.
    """
    oldest = min(info.first for info in seen.panel.series)
    history = seen.panel.watermark - oldest + 1
    resolved = resolve(panel, config, seen.panel.grid, history)
    check_window(config, resolved, history)
    doubts = Doubts.of(seen.panel)
    data = describe(doubts.masked(), resolved.seasons)
    resolved = resolved.knowing(data.lowest if data.observations else float("nan"))
    suggested = suggestions(panel, resolved, data)
    findings = [
        *seen.findings,
        *doubts.findings(),
        *_stale(panel, config, resolved, data, now),
        *suggested,
        *_schedules_upset(panel, config, now),
    ]
    facts = [
        *_data_facts(data, seen, config.timezone),
        Fact("values not believed", f"{doubts.count:,}" + _where(doubts)),
        *_plans(config, resolved, now),
    ]
    settings = (*resolved.explain(), *covariate_settings(config))
    return Report(panel, settings, tuple(facts), tuple(findings))


def _data_facts(data: PanelReport, seen: Look, timezone: str) -> Iterator[Fact]:
    yield Fact("rows read", f"{seen.rows:,}" + (f" ({seen.later:,} later)" if seen.later else ""))
    yield Fact("series", f"{data.series:,}")
    yield Fact("span", f"{_local(data.first, timezone)} to {_local(data.last, timezone)}")
    yield Fact("observations", f"{data.observations:,} over {data.steps:,} steps")
    gaps = f", {data.gaps:,} gaps, the longest {data.longest_gap:,} steps" if data.gaps else ""
    yield Fact("missing", f"{100 * data.missing_share:.1f} %{gaps}")
    yield Fact("values", f"{data.lowest:g} to {data.highest:g}, {100 * data.zero_share:.0f} % zero")
    for name, trait in (
        ("mostly missing", data.gappy),
        ("constant", data.constant),
        ("short", data.short),
    ):
        if trait.count:
            yield Fact(f"series {name}", _counted(trait))
    for error in data.naive:
        of_mean = f", {100 * error.share:.0f} % of the mean" if error.share == error.share else ""
        name = error.name if error.name == "last value" else f"seasonal naive, {error.name}"
        yield Fact(f"error of {name}", f"{error.error:.4g}{of_mean}")
    yield from (Fact(f"covariate {one.name}", one.text) for one in seen.covariates)
    yield Fact("season found", "none" if data.season is None else f"{data.season} steps")


def _where(doubts: Doubts) -> str:
    if not doubts.found:
        return ""
    return f", in {len(doubts.rows):,} series: missing for networks (see the findings)"


def _plans(config: "PanelConfig", resolved: Resolved, now: datetime) -> Iterator[Fact]:
    budget = f"{resolved.minutes:g} minutes" if resolved.minutes else f"{resolved.steps:,} steps"
    yield Fact("training", f"{budget} of the {resolved.architecture}, then its evaluation")
    for name in ("forecast", "retrain"):
        cron = getattr(config.schedule, name)
        if cron is None:
            yield Fact(f"next {name}", "only when asked for")
            continue
        coming = _coming(cron, config.timezone, now)
        yield Fact(f"next {name}", ", ".join(_local(slot, config.timezone) for slot in coming))


def _coming(cron: str, timezone: str, now: datetime) -> list[datetime]:
    """The next slots."""
    coming = [next_slot(cron, timezone, now)]
    while len(coming) < SHOWN_SLOTS:
        coming.append(next_slot(cron, timezone, coming[-1]))
    return coming


def suggestions(panel: str, resolved: Resolved, data: PanelReport) -> Iterator[Finding]:
    """What the data suggests to set, or to know."""
    if data.steps < WINDOWS * resolved.window:
        yield Finding(
            "HISTORY_SHORT", "info", panel,
            f"{data.steps:,} steps of history, {WINDOWS} windows of {resolved.window} are better",
            "load older observations where there are any; else the baselines will be hard to beat",
        )  # fmt: skip
    if not data.calendar_season:
        known = ", ".join(f"{season.steps}" for season in resolved.seasons)
        yield Finding(
            "SEASON_UNUSUAL", "info", panel,
            f"values repeat best after {data.season} steps, the calendar says {known}",
            "look whether frequency and timezone are right; the window holds that season anyway",
        )  # fmt: skip
    if data.missing_share > MANY_MISSING:
        yield Finding(
            "MANY_MISSING", "warning", panel,
            f"{100 * data.missing_share:.0f} % of the steps have no value",
            f"look whether frequency in [panels.{panel}] is finer than the data",
        )  # fmt: skip
    if resolved.integer and data.fraction_share:
        yield Finding(
            "NOT_WHOLE", "warning", panel,
            f"integer = true, and {100 * data.fraction_share:.3g} % of the observations are no "
            "whole numbers",
            f"remove integer from [panels.{panel}], or look at the source: forecasts are whole",
        )  # fmt: skip
    if data.short.count:
        yield Finding(
            "TOO_SHORT", "info", panel,
            f"{_counted(data.short)} of {data.series} series have less than two seasons of values",
            "nothing to do: simpler methods serve them until two are there",
        )  # fmt: skip


def _stale(
    panel: str, config: "PanelConfig", resolved: Resolved, data: PanelReport, now: datetime
) -> Iterator[Finding]:
    """What a night of today would say of every series."""
    if data.last is None or now - data.last <= timedelta(seconds=resolved.max_stale):
        return
    yield Finding(
        "SERIES_STALE", "warning", panel,
        f"the newest observation is of {_local(data.last, config.timezone)}, older than max_stale "
        f"({resolved.max_stale / 3_600:g} h): a night of today has no network to stand on",
        "look whether the loader of that table still runs; a past night is forecast with "
        "--issued-at",
    )  # fmt: skip


def _schedules_upset(panel: str, config: "PanelConfig", now: datetime) -> Iterator[Finding]:
    for name in ("forecast", "retrain"):
        cron = getattr(config.schedule, name)
        upset = upset_by_clocks(cron, config.timezone, now) if cron else None
        if upset is not None:
            yield Finding(
                "CRON_DST", "warning", panel,
                f"schedule.{name} = {cron!r} leaves out an hour when clocks change in "
                f"{config.timezone}, next on {_local(upset, config.timezone)}",
                "schedule in UTC: slots of many a day then come evenly",
            )  # fmt: skip


def _counted(trait: Trait) -> str:
    more = ", …" if trait.count > len(trait.examples) else ""
    return f"{trait.count:,} ({', '.join(trait.examples)}{more})"


def _local(at: datetime | None, timezone: str) -> str:
    return "-" if at is None else at.astimezone(ZoneInfo(timezone)).isoformat(" ", "minutes")
