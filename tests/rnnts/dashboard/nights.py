"""A project with a week behind it, written straight into its tables: what the page is shown on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import NormalDist

import numpy as np
from sqlalchemy import Connection, insert, update

from rnnts.config import LEVELS
from rnnts.database.catalogue import register_series, series_keys
from rnnts.database.engine import Database
from rnnts.database.findings import record_findings
from rnnts.database.forecasts import ensure_partition
from rnnts.database.migrate import ensure_schema
from rnnts.database.models import add_version, promote, reject
from rnnts.database.schema import (
    QUANTILE_COLUMNS,
    forecast,
    publication,
    run,
    score,
)
from rnnts.database.snapshots import add_snapshot
from rnnts.findings import Finding
from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.freeze import Block, Life
from rnnts.panels.grid import Grid
from rnnts.panels.panel import SeriesInfo
from rnnts.project import Project, open_project
from rnnts.steps.snapshots import Manifest, write_chunk, write_lives

NOW = datetime(2013, 12, 9, 12, 5, tzinfo=UTC)  # 07:05 in New York
NIGHT = datetime(2013, 12, 9, 7, tzinfo=UTC)  # the slot of 02:00 there
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "'; DROP TABLE rnnts_series; --",
    "{{ 7 * 7 }}",
    "n" * 300,
)
PANEL = """
[panels.{name}]
source = {{ table = "{name}", series = "key", time = "time", value = "value" }}
frequency = "1h"
timezone = "America/New_York"
horizon = 48
"""
SCHEDULE = 'schedule = { forecast = "0 2 * * *", retrain = "0 3 * * 0" }\n'
HORIZON = 48
MEDIAN = LEVELS.index(0.5)
NAIVE = "seasonal_naive"
_Z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


@dataclass(frozen=True)
class Night:
    """One publication to be written."""

    issued_at: datetime
    status: str = "superseded"
    fallen: int = 0  # series that fall back to seasonal naive
    skipped: int = 0
    published_at: datetime | None = None  # default: four minutes after


@dataclass(frozen=True)
class Story:
    """What happened to one panel."""

    name: str
    nights: tuple[Night, ...]
    series: tuple[str, ...] = ("EWR/AA", "EWR/B6", "JFK/B6", "LGA/DL")
    version: str | None = "5d41402abc4b2a76b9719d911017c592" * 2
    findings: tuple[Finding, ...] = ()
    scheduled: bool = True
    gap: bool = False  # some hours before the last night were never observed


def week(last: datetime = NIGHT, status: str = "live") -> tuple[Night, ...]:
    """Eight good nights, the last one live."""
    nights = [Night(last - timedelta(days=back)) for back in reversed(range(8))]
    return (*nights[:-1], replace(nights[-1], status=status))


def project_at(folder: Path, stories: Sequence[Story], database: Database | None = None) -> Project:
    """A project in a folder, with these stories in its database."""
    lines = [
        PANEL.format(name=story.name) + (SCHEDULE if story.scheduled else "") for story in stories
    ]
    file = folder / "rnnts.toml"
    file.write_text("".join(lines))
    project = open_project(file)
    if database is not None:
        project = replace(project, database=database)
    ensure_schema(project.database)
    for story in stories:
        tell(project, story)
    return project


def tell(project: Project, story: Story) -> None:
    """Write what happened to a panel."""
    project.database.run_writing(lambda connection: _tell(connection, project, story))


def _tell(connection: Connection, project: Project, story: Story) -> None:
    if story.nights:
        newest = max(night.issued_at for night in story.nights)
        world = World.of(story, newest)
        world.freeze(connection, project, newest)
        _model(connection, story, newest)
        for night in story.nights:
            Issued(connection, story, night, world).write()
    record_findings(connection, story.findings, NIGHT)


@dataclass(frozen=True, eq=False)
class World:
    """What truly happened to each series of a panel."""

    story: Story
    grid: Grid
    steps: IntArray
    truth: dict[str, FloatArray]

    @classmethod
    def of(cls, story: Story, newest: datetime) -> "World":
        """Forty days up to a few hours after the newest night."""
        grid = Grid("1h", "America/New_York")
        last = grid.first_target(newest + timedelta(hours=5))
        steps = np.arange(last - 24 * 40, last)
        truth = {name: _happened(name, grid, steps) for name in story.series}
        for values in truth.values() if story.gap else ():
            values[-60:-52] = np.nan
            values[-50:-46] = np.nan
            values[-49] = 3.0  # alone between two gaps
        return cls(story, grid, steps, truth)

    def freeze(self, connection: Connection, project: Project, newest: datetime) -> None:
        """Into a snapshot, and into the catalogue."""
        story, first, last = self.story, int(self.steps[0]), int(self.steps[-1])
        names = tuple(sorted(self.truth, key=str.encode))
        infos = [SeriesInfo(name, (("key", name),), first, last) for name in names]
        values = np.stack([self.truth[name] for name in names])
        chunk = write_chunk(project.store, Block(first, names, values))
        lives = write_lives(project.store, [Life(info, observed=True) for info in infos])
        manifest = Manifest(story.name, "recipe", self.grid, lives, first, last, (chunk,))
        snapshot_id = Path(project.store.put_json(manifest.to_json(), "snapshot")).stem
        add_snapshot(
            connection, panel=story.name, as_of=newest, snapshot_id=snapshot_id, watermark=newest,
            series=len(names), rows=values.size,
        )  # fmt: skip
        register_series(connection, story.name, infos, newest - timedelta(days=30))

    def at(self, name: str, steps: IntArray) -> FloatArray:
        """What happened at some steps; NaN where that is not known yet."""
        places = steps - self.steps[0]
        known = places < self.steps.size
        return np.where(known, self.truth[name][places.clip(max=self.steps.size - 1)], np.nan)


def _seed(name: str) -> int:
    return int(sha256(name.encode()).hexdigest()[:8], 16)


def _shape(name: str, grid: Grid, steps: IntArray) -> FloatArray:
    """Made-up departures: none at night, fewer on Saturdays."""
    hour, day, _ = grid.wall_clock(steps)
    of_day: FloatArray = np.clip(np.sin((hour - 5.5) / 24 * 2 * np.pi) + 0.45, 0, None)
    shape: FloatArray = (4 + _seed(name) % 17) * of_day * np.where(day == 5, 0.6, 1.0)
    return shape


def _happened(name: str, grid: Grid, steps: IntArray) -> FloatArray:
    shape = _shape(name, grid, steps)
    noise = np.random.default_rng(_seed(name)).normal(0, 0.12 * shape.max(), steps.size)
    happened: FloatArray = np.clip(np.round(shape + noise * (shape > 0)), 0, None)
    return happened


def _quantiles(name: str, grid: Grid, targets: IntArray) -> FloatArray:
    """[horizon, quantiles]."""
    wobble = 1 + 0.06 * np.sin(targets / 7.0 + targets[0])
    centre = _shape(name, grid, targets) * wobble
    spread = (0.15 + 0.16 * centre) * np.linspace(1, 1.3, targets.size)
    quantiles: FloatArray = np.clip(centre[:, None] + spread[:, None] * _Z, 0, None)
    return quantiles


def _model(connection: Connection, story: Story, newest: datetime) -> None:
    if story.version is None:
        return
    trained = newest - timedelta(days=7)
    add_version(
        connection, version_id=story.version, panel=story.name, as_of=trained,
        snapshot_id="s" * 64, windows_id="w" * 64, weights_name="weights/ab/ab.keras",
        manifest={"network": {"architecture": "patched_lstm"}, "seed": 0}, weights_sha256="a" * 64,
    )  # fmt: skip
    promote(
        connection, panel=story.name, version_id=story.version, scorecard_id=None, numbers={},
        reason="MASE 0.81 beats the champion's 0.84 and seasonal naive's 0.97",
        effective_from=trained,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Issued:
    """One publication with its rows and their scores."""

    connection: Connection
    story: Story
    night: Night
    world: World

    def write(self, revision: int = 1) -> None:
        """Into the tables."""
        story, night = self.story, self.night
        values = {
            "panel": story.name, "issued_at": night.issued_at, "revision": revision,
            "kind": "night", "status": night.status, "staged_id": "f" * 64, "snapshot_id": "s" * 64,
            "version_id": story.version, "horizon": HORIZON, "series": len(story.series),
            "skipped": night.skipped, "rows": len(story.series) * HORIZON, "digest": "d" * 64,
            "degraded": int(night.fallen > 0), "recorded_at": night.issued_at,
            "published_at": night.published_at or night.issued_at + timedelta(minutes=4),
        }  # fmt: skip
        statement = insert(publication).values(**values).returning(publication.c.id)
        key = int(self.connection.execute(statement).scalar_one())
        ensure_partition(self.connection, key)
        keys = series_keys(self.connection, story.name)
        first = self.world.grid.first_target(night.issued_at)
        targets = np.arange(first, first + HORIZON)
        for index, name in enumerate(story.series):
            method = "seasonal_naive" if index < night.fallen else "network"
            self._forecast(key, keys[name], name, targets, method)
            self._scores(key, keys[name], name, targets, method)
        self._scores_by_step(key, targets)

    def _forecast(self, key: int, series: int, name: str, targets: IntArray, method: str) -> None:
        quantiles = _quantiles(name, self.world.grid, targets)
        labels = self.world.grid.label_of(targets)
        quality = "fresh" if method == "network" else "fallback"
        rows = [
            {
                "publication": key, "series": series, "step": index + 1, "method": method,
                "target_time": datetime.fromtimestamp(int(labels[index]), UTC),
                "point": float(quantiles[index, MEDIAN]), "quality": quality,
                **dict(zip(QUANTILE_COLUMNS, quantiles[index].tolist(), strict=True)),
            }
            for index in range(targets.size)
        ]  # fmt: skip
        self.connection.execute(insert(forecast), rows)

    def _scores(self, key: int, series: int, name: str, targets: IntArray, method: str) -> None:
        facts = self._facts(name, targets, method)
        rows = {method: facts.sum(axis=0), NAIVE: facts[:, [0, 2, 2, 3, 4]].sum(axis=0)}
        if facts[:, 0].any():
            self._insert([_score_row(key, series, 0, how, sums) for how, sums in rows.items()])

    def _scores_by_step(self, key: int, targets: IntArray) -> None:
        sums: dict[str, FloatArray] = {}  # [horizon, sums]
        for index, name in enumerate(self.story.series):
            method = NAIVE if index < self.night.fallen else "network"
            facts = self._facts(name, targets, method)
            for how, columns in {method: [0, 1, 2, 3, 4], NAIVE: [0, 2, 2, 3, 4]}.items():
                sums[how] = sums.get(how, np.zeros_like(facts)) + facts[:, columns]
        self._insert(
            _score_row(key, 0, step + 1, how, of_step)
            for how, by_step in sums.items()
            for step, of_step in enumerate(by_step)
            if by_step[:, 0].any()
        )

    def _facts(self, name: str, targets: IntArray, method: str) -> FloatArray:
        """What is summed into scores, 0 where the truth is not known, [horizon, sums]."""
        happened, naive = self.world.at(name, targets), self.world.at(name, targets - 24)
        quantiles = _quantiles(name, self.world.grid, targets)
        lost = np.abs(happened - naive)
        error = lost if method == NAIVE else np.abs(happened - quantiles[:, MEDIAN])
        inside = [
            (quantiles[:, low] <= happened) & (happened <= quantiles[:, high])
            for low, high in ((2, 10), (0, 12))
        ]
        facts = np.stack([np.ones(targets.size), error, lost, *inside], axis=1)
        return np.where(np.isnan(lost)[:, None], 0.0, facts)

    def _insert(self, rows: Iterable[dict[str, object]]) -> None:
        values = list(rows)
        if values:
            self.connection.execute(insert(score), values)


def _score_row(
    key: int, series: int, step: int, method: str, sums: FloatArray
) -> dict[str, object]:
    n, error, lost, covered_80, covered_95 = sums.tolist()
    return {
        "publication": key, "series": series, "step": step, "method": method, "n": int(n),
        "absolute_error": error, "naive_absolute_error": lost, "pinball": 1.0,
        "covered_80": int(covered_80), "covered_95": int(covered_95), "scored_as_of": NIGHT,
    }  # fmt: skip


def tell_again(project: Project, story: Story) -> None:
    """Publish the nights of a story once more, as the next revision."""
    again = [night.issued_at for night in story.nights]

    def write(connection: Connection) -> None:
        replaced = publication.c.panel == story.name, publication.c.issued_at.in_(again)
        connection.execute(update(publication).where(*replaced).values(status="replaced"))
        world = World.of(story, max(again))
        for night in story.nights:
            Issued(connection, story, night, world).write(revision=2)

    project.database.run_writing(write)


def failed_run(project: Project, panel: str, as_of: datetime, message: str) -> None:
    """A run that broke off."""
    values = {
        "panel": panel, "step": "ingest", "as_of": as_of, "status": "failed", "exit_code": 5,
        "process": "p", "message": message, "started_at": as_of, "finished_at": as_of,
    }  # fmt: skip
    with project.database.writing() as connection:
        connection.execute(insert(run).values(**values))


def rejected(project: Project, panel: str, version_id: str, reason: str) -> None:
    """A retrain whose network was refused."""
    with project.database.writing() as connection:
        add_version(
            connection, version_id=version_id, panel=panel, as_of=NIGHT - timedelta(hours=23),
            snapshot_id="s" * 64, windows_id="w" * 64, manifest={}, weights_sha256="b" * 64,
            weights_name="weights/ab/cd.keras",
        )  # fmt: skip
        reject(
            connection, panel=panel, version_id=version_id, scorecard_id=None, reason=reason,
            numbers={},
        )  # fmt: skip
