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
from rnnts.panels.labels import grid_of, infer_frequency, majority_phase

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
        NoUsableDataError: SOURCE_EMPTY.
    """
    config, source = errand.config, errand.config.source
    frequency = config.frequency
    phase = duration_seconds(source.phase) if source.phase is not None else None
    if phase is None and source.aggregate is not None:
        phase = 0  # events lie anywhere in their step: weeks begin on Monday, hours at 0 minutes
    if frequency is None or phase is None:
        series, seconds = _sample(errand, reader)
        if frequency is None:
            frequency = _inferred(errand, series, seconds)
        if phase is None:
            phase = majority_phase(series, seconds, frequency, config.timezone, errand.second)
    return grid_of(frequency, config.timezone, phase, source.label)


def source_empty(errand: Errand) -> NoUsableDataError:
    """What is said where nothing can be seen."""
    return NoUsableDataError(
        "SOURCE_EMPTY",
        panel=errand.panel,
        got=f"0 rows up to {errand.as_of.isoformat()}; is the loader late?",
        where=f"table {errand.config.source.table}" if errand.config.source.table else "the query",
        do="see that the table is filled, and that source.where and the time column fit",
    )


def _inferred(errand: Errand, series: "IntArray", seconds: "IntArray") -> "Frequency":
    if not len(seconds):
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
            expected="labels that lie on one grid of 15min, 30min, 1h, 1D or 1W",
            got=f"{len(seconds)} labels that do not",
            where=f"column {errand.config.source.time}",
            do='set frequency = "1h" or another, and source.aggregate if rows are events',
        )
    return frequency


def _sample(errand: Errand, reader: "SourceReader") -> tuple["IntArray", "IntArray"]:
    """Series and stamps of the first rows that can be seen."""
    series = SeriesCodes(errand.config.source.series, errand.panel)
    clock, knowing = Clock(errand.timezone), Clock(errand.timezone)
    found: list[tuple[IntArray, IntArray]] = []
    with closing(reader.pages()) as pages:
        for page in pages:
            found.append(_seen(errand, page, series, clock, knowing))
            if sum(len(codes) for codes, _ in found) >= SAMPLE_ROWS:
                break
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    codes = np.concatenate([codes for codes, _ in found])
    seconds = np.concatenate([seconds for _, seconds in found])
    return codes[:SAMPLE_ROWS], seconds[:SAMPLE_ROWS]


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
