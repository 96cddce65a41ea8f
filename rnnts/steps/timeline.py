"""The time line of a panel before its first snapshot: as configured, else as its labels say."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import duration_seconds
from rnnts.errors import ConfigurationError, NoUsableDataError
from rnnts.panels.clock import Clock
from rnnts.panels.identity import SeriesCodes
from rnnts.panels.labels import FREQUENCIES, grid_of, infer_frequency, majority_phase
from rnnts.panels.stamps import Code
from rnnts.panels.tally import place_of, shown

if TYPE_CHECKING:
    from rnnts.config import Frequency, PanelConfig
    from rnnts.database.source_read import SourceReader
    from rnnts.panels.arrays import IntArray
    from rnnts.panels.grid import Grid
    from rnnts.panels.intake import Rows
    from rnnts.project import Project

SAMPLE_ROWS = 100_000
"""Rows from which frequency and phase are told."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Which panel to read, as of when."""

    project: "Project"
    panel: str
    config: "PanelConfig"
    as_of: datetime

    @property
    def second(self) -> int:
        """As of, in epoch seconds."""
        return int(np.floor(self.as_of.timestamp()))

    @property
    def timezone(self) -> str:
        """Zone of naive stamps."""
        return self.config.source.timezone or self.config.timezone


def settle_grid(errand: Errand, reader: "SourceReader") -> "Grid":
    """The grid of a panel that has no snapshot yet.

    Raises:
        ConfigurationError: FREQUENCY_UNKNOWN.
        NoUsableDataError: SOURCE_EMPTY, TIME_UNPARSABLE.
    """
    config, source = errand.config, errand.config.source
    frequency = config.frequency
    phase = duration_seconds(source.phase) if source.phase is not None else None
    if phase is None and source.aggregate is not None:
        phase = 0  # events lie anywhere in their step: weeks begin on Monday, hours at 0 minutes
    if frequency is None or phase is None:
        sample = _sample(errand, reader)
        if frequency is None:
            frequency = _inferred(errand, sample)
        if phase is None:
            phase = majority_phase(
                sample.series, sample.seconds, frequency, config.timezone, errand.second
            )
    return grid_of(frequency, config.timezone, phase, source.label)


def source_empty(errand: Errand) -> NoUsableDataError:
    """What is said where nothing can be seen."""
    return NoUsableDataError(
        "SOURCE_EMPTY",
        panel=errand.panel,
        got=f"0 rows up to {errand.as_of.isoformat()}; is the loader late?",
        where=place_of(errand.config.source, "time"),
        do="see that the table is filled, and that source.where and the time column fit",
    )


def times_unreadable(errand: Errand, rows: int, example: str) -> NoUsableDataError:
    """What is said where no row has a time that can be read."""
    source = errand.config.source
    return NoUsableDataError(
        "TIME_UNPARSABLE",
        panel=errand.panel,
        expected="ISO times such as 2013-12-02 02:00:00, or numbers of seconds",
        got=f"{rows} rows of which none has one" + (f", but {example}" if example else ""),
        where=place_of(source, "time"),
        do="name the column of times in source.time",
    )


def _inferred(errand: Errand, sample: "_Sample") -> "Frequency":
    series, seconds = sample.series, sample.seconds
    if not len(seconds):
        if sample.unreadable:
            raise times_unreadable(errand, sample.rows, sample.unreadable)
        raise source_empty(errand)
    frequency = infer_frequency(
        series,
        seconds,
        errand.config.timezone,
        errand.second,
        complete=len(seconds) < SAMPLE_ROWS,
    )
    if frequency is None:
        raise ConfigurationError(
            "FREQUENCY_UNKNOWN",
            panel=errand.panel,
            expected=f"labels that lie on one grid of {', '.join(FREQUENCIES)}",
            got=f"{len(seconds)} labels that do not",
            where=place_of(errand.config.source, "time"),
            do='set frequency = "1h" or another, and source.aggregate if rows are events',
        )
    return frequency


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """The first rows that can be seen."""

    series: "IntArray"  # [n]
    seconds: "IntArray"  # [n]
    rows: int  # read, those that cannot be seen included
    unreadable: str  # one of the times, where none of all can be read; else ""


def _sample(errand: Errand, reader: "SourceReader") -> _Sample:
    series = SeriesCodes(errand.config.source.series, errand.panel)
    clock, knowing = Clock(errand.timezone), Clock(errand.timezone)
    found: list[tuple[IntArray, IntArray]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    rows, unreadable = 0, ""
    with closing(reader.pages()) as pages:
        for page in pages:
            rows += len(page.time)
            unreadable = unreadable or _unreadable(page, clock)
            found.append(_seen(errand, page, series, clock, knowing))
            if sum(len(codes) for codes, _ in found) >= SAMPLE_ROWS:
                break
    codes = np.concatenate([codes for codes, _ in found])[:SAMPLE_ROWS]
    seconds = np.concatenate([seconds for _, seconds in found])[:SAMPLE_ROWS]
    return _Sample(codes, seconds, rows, "" if clock.usable.any() else unreadable)


def _unreadable(page: "Rows", clock: Clock) -> str:
    """The first time of a page that cannot be read, as a message shows it."""
    place = clock.places(page.time)  # first of all: the clock knows what it has read
    places = np.flatnonzero(clock.codes[place] == Code.UNPARSABLE)
    return shown(page.time[places[0]]) if len(places) else ""


def _seen(
    errand: Errand, page: "Rows", series: SeriesCodes, clock: Clock, knowing: Clock
) -> tuple["IntArray", "IntArray"]:
    place = clock.places(page.time)
    codes, seconds = series.codes(page.keys, len(place)), clock.seconds[place]
    seen = clock.usable[place] & (codes >= 0) & (seconds <= errand.second)
    if page.known_at is not None:
        known = knowing.places(page.known_at)
        seen &= knowing.usable[known] & (knowing.latest[known] <= errand.second)
    return codes[seen], seconds[seen]
