"""One series at one issue: what is asked for, found, and refused."""

import shlex
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rnnts.config import LEVELS, PanelConfig
from rnnts.dashboard.fan import NOTHING_OBSERVED, Fan, Observed
from rnnts.dashboard.history import Histories
from rnnts.dashboard.page import At, Page
from rnnts.database.screens import series
from rnnts.database.screens.reading import View
from rnnts.database.screens.values import ForecastRow, Issue, KnownSeries
from rnnts.database.snapshots import newest_snapshot
from rnnts.errors import ConfigurationError
from rnnts.panels.grid import SECONDS

MAX_POINTS = 20_000
EARLIER_ISSUES = 2
"""So many issues before the chosen one are laid over it: more hide what they are to explain."""
LEAST_HISTORY, MOST_HISTORY = 60, 400
"""Steps of history drawn unless more is asked for: beyond, a line becomes a smear."""
_HOUR, _WEEK = 3_600, 604_800


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of one series asks for."""

    key: int
    publication: int | None = None  # None: the newest
    history: int | None = None  # steps; None: as many as suit the horizon
    after_step: int = 0  # of the forecast


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is found."""

    series: KnownSeries
    timezone: str
    issues: tuple[Issue, ...]  # to choose from, newest first
    history: int  # steps
    fan: Fan | None  # None: it has no forecast

    @property
    def explained_by(self) -> str:
        """The command that takes this forecast apart; it may take a minute, a page may not."""
        if self.fan is None:
            return ""
        at = self.fan.issue.issued_at.astimezone(ZoneInfo(self.timezone)).isoformat()
        name = self.series.series_id
        words = ["rnnts", "explain", "--issued-at", at, "--", self.series.panel, name]
        return shlex.join(word for word in words if word != "--" or name.startswith("-"))


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database says."""

    series: KnownSeries
    issues: tuple[Issue, ...]
    chosen: Issue | None
    rows: tuple[ForecastRow, ...]
    earlier: tuple[tuple[Issue, tuple[ForecastRow, ...]], ...]
    snapshot_id: str | None


class SeriesReader:
    """Looks series up.

    Args:
        page: What every screen shares.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._histories = Histories(page.project)

    def read(self, asked: Asked, at: At) -> Shown:
        """One series.

        Raises:
            ConfigurationError: SERIES_UNKNOWN, ISSUE_UNKNOWN, RANGE.
        """
        if (asked.history or 0) > MAX_POINTS:
            raise _too_many(asked.history or 0)  # before anything is read for it
        with self._page.reading() as connection:
            found = _find(connection, asked, at, self._page.project.config.panels)
        config = self._page.project.panel(found.series.panel)
        step_seconds = _step_seconds(found.rows, config)
        history = asked.history or default_history(len(found.rows), step_seconds)
        points = history + sum(len(rows) for _, rows in found.earlier)
        points += len(found.rows) * (len(LEVELS) + 1)
        if points > MAX_POINTS:
            raise _too_many(points)
        fan = None
        if found.chosen is not None and found.rows:
            observed = self._observed(found, history * step_seconds)
            fan = Fan(config.timezone, found.chosen, found.rows, observed, found.earlier)
        return Shown(found.series, config.timezone, found.issues, history, fan)

    def _observed(self, found: _Found, seconds: int) -> Observed:
        if found.snapshot_id is None:
            return NOTHING_OBSERVED
        first = int(found.rows[0].target_time.timestamp())
        last = int(found.rows[-1].target_time.timestamp())
        return self._histories.of(found.snapshot_id, found.series.series_id, first - seconds, last)


def _find(connection: View, asked: Asked, at: At, panels: dict[str, PanelConfig]) -> _Found:
    known = series.find_series(connection, asked.key)
    if known is None or known.panel not in panels:
        raise ConfigurationError(
            "SERIES_UNKNOWN",
            expected="a series of this project",
            got=f"number {asked.key}",
            do="search for it on the screen Series",
        )
    issues = series.issues_with(connection, asked.key, at.instant)
    chosen = _chosen(issues, asked)
    if chosen is None:
        return _Found(known, issues, None, (), (), None)
    rows = series.forecast_rows(connection, chosen.publication, asked.key, asked.after_step)
    before = [issue for issue in issues if issue.issued_at < chosen.issued_at][:EARLIER_ISSUES]
    earlier = tuple(
        (issue, series.forecast_rows(connection, issue.publication, asked.key)) for issue in before
    )
    snapshot = newest_snapshot(connection, known.panel)
    return _Found(known, issues, chosen, rows, earlier, snapshot.snapshot_id if snapshot else None)


def _chosen(issues: tuple[Issue, ...], asked: Asked) -> Issue | None:
    if asked.publication is None:
        return issues[0] if issues else None
    for issue in issues:
        if issue.publication == asked.publication:
            return issue
    raise ConfigurationError(
        "ISSUE_UNKNOWN",
        expected="one of the newest forecasts of this series",
        got=f"publication {asked.publication}",
        do="choose one of those that the page offers",
    )


def _step_seconds(rows: tuple[ForecastRow, ...], config: PanelConfig) -> int:
    if config.frequency is not None:
        return SECONDS[config.frequency]
    if len(rows) > 1:
        return int((rows[1].target_time - rows[0].target_time).total_seconds())
    return _HOUR


def default_history(horizon: int, step_seconds: int) -> int:
    """Steps of history that suit a horizon: three times as long, and a week where that is short.

    >>> default_history(48, 3_600), default_history(28, 86_400), default_history(1, 900)
    (168, 84, 400)
    """
    week = _WEEK // step_seconds
    return min(max(3 * horizon, week, LEAST_HISTORY), MOST_HISTORY)


def _too_many(points: int) -> ConfigurationError:
    return ConfigurationError(
        "RANGE",
        expected=f"at most {MAX_POINTS:,} points",
        got=f"{points:,}",
        do="ask for less history, or read rnnts_all_forecast in the database",
    )
