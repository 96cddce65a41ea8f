"""Score: what was published, held against what then happened, for as long as truth comes in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import LEVELS
from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import forecast_pages
from rnnts.database.leases import hold
from rnnts.database.runs import record
from rnnts.database.scores import ScoreRows, publications_to_score, scores_of, write_scores
from rnnts.failpoints import hit
from rnnts.learning import metrics
from rnnts.learning.baselines import seasonal_naive, served
from rnnts.panels.seasons import seasons_of
from rnnts.steps.nights import reach
from rnnts.steps.realised import values_at
from rnnts.steps.results import ScoreResult
from rnnts.steps.snapshots import load_panel, manifest

if TYPE_CHECKING:
    from rnnts.database.forecasts import ForecastRows
    from rnnts.database.issues import PublicationRow
    from rnnts.panels.arrays import AnyArray, FloatArray, IntArray
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

GRACE = timedelta(days=14)
"""So long after its last target a publication is scored again while truth is still missing."""
NAIVE = "seasonal_naive"
SUMS = ("n", "absolute_error", "naive_absolute_error", "pinball", "covered_80", "covered_95")


def score(project: "Project", panel: str, snapshot_id: str, as_of: datetime) -> ScoreResult:
    """Score every publication of which a snapshot knows some truth, until it knows all.

    Beside what was published stands the seasonal naive forecast of the first season, made from
    what was known when the publication was issued. Where even that cannot be made, its error
    counts as the forecast's own, so that it neither helps nor hurts.

    Args:
        project: The project.
        panel: The panel's name.
        snapshot_id: The snapshot that knows the truth.
        as_of: Its instant; what was issued then or later is not looked at.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT, FENCED.
        InfrastructureError: LEASE_BUSY, and those of the database.
    """
    with record(project.database, panel, "score", as_of) as run:
        tables = list(_tables(project, panel, snapshot_id, as_of))
        with hold(project.database, panel, "night") as lease:
            for table in tables:
                with project.database.writing(lease) as connection:
                    write_scores(connection, table, as_of)
                    hit("score.before_commit")
        result = _result(panel, tables)
        run.done(result.to_json())
    return result


def _tables(
    project: "Project", panel: str, snapshot_id: str, as_of: datetime
) -> Iterator[ScoreRows]:
    """The rows of each publication of which more is known than is written down."""
    grid = manifest(project, snapshot_id).grid
    since = as_of - timedelta(seconds=project.panel(panel).horizon * grid.step_seconds) - GRACE
    with project.database.reading() as connection:
        due = publications_to_score(connection, panel, as_of, since)
        keys = series_keys(connection, panel)
    if not due:
        return
    first = grid.first_target(min(publication.issued_at for publication in due))
    truth = load_panel(project, snapshot_id, first_step=first)
    for publication in due:
        table = _scored(project, truth, publication, keys)
        with project.database.reading() as connection:
            before = scores_of(connection, panel, publication=[publication.id])
        if table is not None and table.n[table.step == 0].sum() >= max(1, before.n.sum()):
            yield table


def _scored(
    project: "Project", truth: "Panel", publication: "PublicationRow", keys: dict[str, int]
) -> ScoreRows | None:
    """The scores of a publication; None where its grid is no more."""
    origin = truth.grid.first_target(publication.issued_at)
    naive = _Naive.of(project, publication, keys)
    tally = _Tally(publication.id, publication.horizon)
    rows = {keys[info.series_id]: row for row, info in enumerate(truth.series)}
    steps = np.arange(origin, origin + publication.horizon)
    targets = truth.grid.label_of(steps)
    actual = values_at(truth, steps)  # [series, horizon]
    unknown = np.full((1, publication.horizon), np.nan)
    actual = np.concatenate([actual, unknown])
    for page in forecast_pages(project.database, publication.id, publication.horizon):
        if (page.target[: publication.horizon] != targets).any():
            return None
        series = page.series[:: publication.horizon]
        known = actual[[rows.get(int(key), len(rows)) for key in series]]
        tally.add(page, known, naive.forecast(series, origin, publication.horizon))
    return tally.rows()


@dataclass(frozen=True, slots=True, eq=False)
class _Naive:
    """Seasonal naive forecasts from what was known when a publication was issued."""

    panel: "Panel"
    days: int
    places: dict[int, int]  # row of each series, by its key
    minimum: float | None
    maximum: float | None

    @classmethod
    def of(
        cls, project: "Project", publication: "PublicationRow", keys: dict[str, int]
    ) -> "_Naive":
        snapshot = manifest(project, publication.snapshot_id)
        origin = snapshot.grid.first_target(publication.issued_at)
        first_step = origin - reach(snapshot.grid)
        panel = load_panel(project, publication.snapshot_id, first_step=first_step)
        history = snapshot.watermark - snapshot.first_step + 1
        config = project.panel(publication.panel)
        return cls(
            panel.upto(origin - 1),
            seasons_of(snapshot.grid.frequency, history)[0].days,
            {keys[info.series_id]: row for row, info in enumerate(panel.series)},
            config.minimum,
            config.maximum,
        )

    def forecast(self, series: "IntArray", origin: int, horizon: int) -> "FloatArray":
        """Quantiles of all LEVELS, NaN where it cannot serve, [series, horizon, quantiles]."""
        found = np.full((len(series), horizon, len(LEVELS)), np.nan)
        there = [place for place, key in enumerate(series.tolist()) if key in self.places]
        rows = [self.places[int(series[place])] for place in there]
        some = replace(
            self.panel,
            series=tuple(self.panel.series[row] for row in rows),
            values=self.panel.values[rows],
        )
        found[there] = seasonal_naive(
            some, origin, horizon, LEVELS, self.days, self.minimum, self.maximum
        )
        return found


class _Tally:
    """Sums over the known targets of a publication, by series and by step.

    Args:
        publication: Its id.
        horizon: Steps of each series.
    """

    def __init__(self, publication: int, horizon: int) -> None:
        self._publication = publication
        self._horizon = horizon
        self._series: list[IntArray] = []
        self._methods: list[AnyArray] = []
        self._sums: list[FloatArray] = []  # [series, sums] each
        self._steps: dict[str, FloatArray] = {}  # [horizon, sums] of each method

    def add(self, page: "ForecastRows", actual: "FloatArray", naive: "FloatArray") -> None:
        """Take in whole series.

        Args:
            page: Their rows as published, [series * horizon].
            actual: NaN where the truth is not known, [series, horizon].
            naive: [series, horizon, quantiles].
        """
        series = page.series[:: self._horizon]
        method = page.method[:: self._horizon]
        quantiles = page.quantiles.reshape(len(series), self._horizon, len(LEVELS))
        asked = ~np.isnan(page.quantiles[0])  # [quantiles], the same in every row
        beside = served(naive)
        error = np.abs(actual - quantiles[:, :, LEVELS.index(0.5)])
        naive_error = np.abs(actual - naive[:, :, LEVELS.index(0.5)])
        naive_error = np.where(beside[:, None], naive_error, error)
        self._take(series, method, _facts(actual, quantiles, asked, naive_error))
        rows = np.flatnonzero(beside & (method != NAIVE))
        facts = _facts(actual[rows], naive[rows], asked, naive_error[rows])
        self._take(series[rows], np.full(len(rows), NAIVE), facts)

    def _take(self, series: "IntArray", method: "AnyArray", facts: "FloatArray") -> None:
        """Add facts, [series, horizon, sums], to the sums by series and by step."""
        self._series.append(series)
        self._methods.append(method)
        self._sums.append(facts.sum(axis=1))
        for name in np.unique(method).tolist():
            before = self._steps.get(name, np.zeros((self._horizon, len(SUMS))))
            self._steps[name] = before + facts[method == name].sum(axis=0)

    def rows(self) -> ScoreRows | None:
        """All rows, those by series first; None if nothing was added."""
        if not self._series:
            return None
        series = np.concatenate(self._series)
        names = np.repeat(np.array(list(self._steps), dtype=object), self._horizon)
        sums = np.concatenate([*self._sums, *self._steps.values()])  # [rows, sums]
        steps = np.tile(np.arange(1, self._horizon + 1), len(self._steps))
        return ScoreRows(
            np.full(len(sums), self._publication, np.int64),
            np.concatenate([series, np.zeros(len(steps), np.int64)]),
            np.concatenate([np.zeros(len(series), np.int64), steps]),
            np.concatenate([*self._methods, names]).astype(str),
            sums[:, 0].astype(np.int64),
            *(sums[:, place] for place in range(1, len(SUMS))),
        )


def _facts(
    actual: "FloatArray", quantiles: "FloatArray", asked: "AnyArray", naive_error: "FloatArray"
) -> "FloatArray":
    """What is summed, 0 where the truth is not known, [series, horizon, sums].

    A coverage whose levels were not asked for is NaN throughout.
    """
    levels = [level for level, there in zip(LEVELS, asked, strict=True) if there]
    chosen = quantiles[:, :, asked]
    columns = [
        np.ones_like(actual),
        np.abs(actual - quantiles[:, :, LEVELS.index(0.5)]),
        naive_error,
        metrics.pinball(actual, chosen, levels).mean(axis=2),
    ]
    known = ~np.isnan(actual)
    facts = [np.where(known, column, 0.0) for column in columns]
    for share in (0.8, 0.95):
        inside = metrics.covered(actual, chosen, levels, share)
        there = metrics.level_index(levels, (1 + share) / 2) is not None
        facts.append(np.where(known, inside, 0.0) if there else np.full(actual.shape, np.nan))
    return np.stack(facts, axis=2)


def _result(panel: str, tables: list[ScoreRows]) -> ScoreResult:
    """Skill is pooled over what was published, which stands before the naive beside it."""
    n, error, naive = 0, 0.0, 0.0
    for table in tables:
        _, published = np.unique(table.series[table.step == 0], return_index=True)
        n += int(table.n[published].sum())
        error += float(table.absolute_error[published].sum())
        naive += float(table.naive_absolute_error[published].sum())
    return ScoreResult(
        panel=panel,
        publications=len(tables),
        n=n,
        skill=1 - error / naive if naive > 0 else None,
    )
