"""A panel's covariates, read as of an instant: from tables of their own, or out of a calendar.

Whatever is wrong with a covariate's table costs the panel that covariate, never the night.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from rnnts.config import SourceConfig
from rnnts.database.source_read import SourceReader, reading_source
from rnnts.errors import ConfigurationError, RnntsError
from rnnts.findings import Finding
from rnnts.panels.accumulate import SPANS
from rnnts.panels.categories import CategoryIntake
from rnnts.panels.covariates import Covariates, Entries, Statics, Vintages
from rnnts.panels.holiday import COLUMNS, NAME, holiday_entries
from rnnts.panels.identity import SeriesCodes
from rnnts.panels.intake import NEVER
from rnnts.panels.vintages import NO_CATEGORY, NO_NUMBER, Look, Trouble, VintageIntake, shift_of
from rnnts.steps.frozen_covariates import (
    EntryChunk,
    FrozenCovariate,
    write_entries,
    write_statics,
)
from rnnts.steps.timeline import Errand

if TYPE_CHECKING:
    from rnnts.config import CovariateConfig
    from rnnts.panels.grid import Grid

FORMAT = 1
"""Of chunks; a change of it makes every next read of a covariate a full one."""
TRIES = 3
"""Reads of a table that changes under them, before the newest has to do."""
SHOWN = 3
"""Columns that one finding speaks of by name."""


@dataclass(frozen=True, slots=True)
class Span:
    """Steps of a panel that its covariates have to do with."""

    grid: "Grid"
    first_step: int  # of the oldest observation
    last_visible: int  # newest step that has ended
    horizon: int


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one covariate's table holds."""

    entries: Entries
    statics: Statics
    trouble: Trouble
    texts: dict[str, int]  # values that are no number or no category, by column


def freeze_covariates(
    errand: Errand,
    span: Span,
    before: Sequence[FrozenCovariate] = (),
    first_again: int | None = None,
) -> tuple[tuple[FrozenCovariate, ...], list[Finding]]:
    """Read every covariate of a panel and keep it; one that cannot be read is kept empty.

    Args:
        errand: Whose covariates, as of when.
        span: Steps of the panel.
        before: The covariates of an earlier snapshot.
        first_again: Where reading begins again; None: everything is read.
    """
    earlier = {one.name: one for one in before}
    frozen: list[FrozenCovariate] = []
    findings: list[Finding] = []
    troubled: dict[str, Reading] = {}
    for name in sorted(errand.config.covariates):
        empty = _empty(errand, name)
        kept = _kept(errand, empty, earlier.get(name), first_again)
        first = -NEVER if kept is None or first_again is None else first_again
        try:
            reading = read_covariate(errand, name, span, first)
        except RnntsError as error:  # whatever it is: the panel's own values are there
            frozen.append(empty)
            findings.append(_unreadable(errand, name, error))
            continue
        troubled[name] = reading
        frozen.append(_frozen(errand, empty, kept or (), reading, span))
    if errand.config.holidays is not None:
        frozen.append(_holidays(errand, span))
    return tuple(frozen), [*findings, *trouble_findings(errand.panel, troubled)]


def _empty(errand: Errand, name: str) -> FrozenCovariate:
    config = errand.config.covariates[name]
    recipe = {
        "format": FORMAT,
        "covariate": config.model_dump(mode="json", exclude={"url"}),
        "frequency": errand.config.frequency,
        "timezone": errand.config.timezone,
    }
    digest = sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    return FrozenCovariate(
        name, digest, config.series, config.dynamic, len(config.known_future), config.static, (), ""
    )


def _kept(
    errand: Errand, now: FrozenCovariate, earlier: FrozenCovariate | None, first_again: int | None
) -> tuple[EntryChunk, ...] | None:
    """Chunks of an earlier snapshot that need not be read again; None: all has to be read.

    An earlier snapshot without any chunk may be one whose table could not be read.
    """
    if earlier is None or first_again is None or earlier.recipe != now.recipe:
        return None
    kept = tuple(chunk for chunk in earlier.chunks if chunk.first_step < first_again)
    there = all(errand.project.store.has(chunk.name) for chunk in kept)
    return kept if kept and there else None


def _frozen(
    errand: Errand,
    empty: FrozenCovariate,
    kept: tuple[EntryChunk, ...],
    reading: Reading,
    span: Span,
) -> FrozenCovariate:
    store = errand.project.store
    new = write_entries(store, reading.entries, SPANS[span.grid.frequency])
    categories = write_statics(store, reading.statics) if empty.static else ""
    return replace(empty, chunks=(*kept, *new), categories=categories)


def _holidays(errand: Errand, span: Span) -> FrozenCovariate:
    """Holidays up to the end of the horizon; always made anew, which costs nothing."""
    country = str(errand.config.holidays)
    last = span.last_visible + span.horizon
    entries = holiday_entries(country, span.grid, span.first_step, last)
    chunks = write_entries(errand.project.store, entries, SPANS[span.grid.frequency])
    return FrozenCovariate(NAME, country, (), COLUMNS, len(COLUMNS), (), chunks, "")


def look_at_covariates(errand: Errand, span: Span) -> tuple[Covariates, list[Finding]]:
    """Every covariate as `freeze_covariates` would keep it; what cannot be read is raised.

    Raises:
        ConfigurationError: SOURCE_MISSING, COLUMN_MISSING, SOURCE_SQL, SERIES_LIMIT,
            COVARIATE_TYPE where a column holds nothing that could be used.
        InfrastructureError: The table cannot be read.
    """
    readings = {
        name: read_covariate(errand, name, span) for name in sorted(errand.config.covariates)
    }
    for name, reading in readings.items():
        _refuse_types(errand, name, reading)
    numbers = [
        _vintages(_empty(errand, name), reading.entries)
        for name, reading in readings.items()
        if errand.config.covariates[name].dynamic
    ]
    if errand.config.holidays is not None:
        last = span.last_visible + span.horizon
        entries = holiday_entries(errand.config.holidays, span.grid, span.first_step, last)
        numbers.append(Vintages.of(NAME, (), COLUMNS, len(COLUMNS), entries))
    categories = [reading.statics for reading in readings.values() if reading.statics.columns]
    found = Covariates(tuple(numbers), tuple(categories))
    return found, trouble_findings(errand.panel, readings)


def _vintages(frozen: FrozenCovariate, entries: Entries) -> Vintages:
    return Vintages.of(frozen.name, frozen.series, frozen.columns, frozen.future, entries)


def _refuse_types(errand: Errand, name: str, reading: Reading) -> None:
    """Refuse a column of texts where numbers are needed, or of fractions for categories."""
    config = errand.config.covariates[name]
    usable = {
        column: bool((~np.isnan(reading.entries.values[:, place])).any())
        for place, column in enumerate(config.dynamic)
    }
    for place, column in enumerate(config.static):
        usable[column] = any(row[place] for row in reading.statics.values)
    for column, count in reading.texts.items():
        if count and not usable[column]:
            static = column in config.static
            what = f"{NO_CATEGORY if static else NO_NUMBER} in {column}"
            raise ConfigurationError(
                "COVARIATE_TYPE",
                panel=errand.panel,
                expected="texts, whole numbers or truths: categories" if static else "numbers",
                got=f"{count:,} values that are none, such as {reading.trouble.examples[what]}",
                where=f"{_place(config)}, column {column}",
                do="round or bin them in a query, or list the column in past or known_future"
                if static
                else "list the column in static, or turn it into numbers in a query",
            )


def read_covariate(errand: Errand, name: str, span: Span, first_step: int = -NEVER) -> Reading:
    """Read one covariate's table.

    Args:
        errand: Whose, as of when.
        name: The covariate's.
        span: Steps of the panel.
        first_step: Numbers of steps before it need not come.

    Raises:
        ConfigurationError: SOURCE_MISSING, COLUMN_MISSING, SOURCE_SQL, SERIES_LIMIT.
        InfrastructureError: As `Database.reading`.
    """
    config = errand.config.covariates[name]
    database = errand.project.source(errand.panel, name)
    look = _look(errand, config, span, first_step)

    def numbers() -> VintageIntake:
        source = _as_source(config, config.dynamic)
        since = None if first_step == -NEVER else _since(look)
        with reading_source(database, source, errand.panel, since) as reader:
            return _taken(reader, errand, config, look)

    def categories() -> CategoryIntake:
        source = _as_source(config, config.static)
        with reading_source(database, source, errand.panel) as reader:
            series = SeriesCodes(config.series, errand.panel)
            intake = CategoryIntake(look, series, config.static, timed=config.time is not None)
            with closing(reader.pages()) as pages:
                for page in pages:
                    intake.take(page)
            return intake

    entries, statics = Entries.none(len(config.dynamic)), Statics(name, config.series, (), _NO, ())
    trouble = Trouble()
    texts: dict[str, int] = {}
    try:
        if config.dynamic:
            taken = database.patiently(numbers)
            entries, trouble = taken.entries(), taken.trouble
            texts |= dict(zip(config.dynamic, taken.texts.tolist(), strict=True))
        if config.static:
            found = database.patiently(categories)
            statics = found.statics(name)
            trouble.counts |= found.trouble.counts
            trouble.examples |= found.trouble.examples
            texts |= found.fractions
    except ConfigurationError as error:
        raise _of_covariate(errand.panel, name, error) from error
    finally:
        database.close()
    return Reading(entries, statics, trouble, texts)


_NO = np.zeros(0, np.uint64)


def _taken(
    reader: SourceReader, errand: Errand, config: "CovariateConfig", look: Look
) -> VintageIntake:
    """Read until the table stood still, and until it is clear what naive stamps are."""
    tries = 0
    while True:
        series = SeriesCodes(config.series, errand.panel)
        intake = VintageIntake(look, series, config.dynamic, len(config.known_future))
        with closing(reader.pages()) as pages:
            for page in pages:
                intake.take(page)
        if intake.mixed and config.timezone is None and look.timezone is not None:
            look = replace(look, timezone=None)  # what the bare ones mean would be a guess
            continue
        tries += 1
        if reader.stood_still() or tries == TRIES:
            return intake


def _as_source(config: "CovariateConfig", columns: tuple[str, ...]) -> SourceConfig:
    """The covariate as a source whose keys are followed by the columns asked for."""
    return SourceConfig(
        table=config.table,
        query=config.query,
        series=(*config.series, *columns),
        time=config.time or columns[0],
        aggregate="count",  # no column of values beside those
        where=config.where,
        known_at=config.known_at,
    )


def _look(errand: Errand, config: "CovariateConfig", span: Span, first_step: int) -> Look:
    return Look(
        grid=replace(span.grid, label=config.label),
        shift=shift_of(config.label, span.grid.label),
        as_of=errand.second,
        last_visible=span.last_visible,
        horizon=span.horizon,
        first_step=first_step,
        timezone=config.timezone or errand.config.timezone,
    )


def _since(look: Look) -> datetime:
    """No stamp of a wanted step is older: two labels before its first, and an hour for clocks."""
    label = int(look.grid.label_of(np.array([look.first_step - 2]))[0])
    return datetime.fromtimestamp(label, UTC) - timedelta(hours=1)


def _of_covariate(panel: str, name: str, error: ConfigurationError) -> ConfigurationError:
    """The same mistake, said of the covariate and not of the panel's source."""
    section = f"[panels.{panel}.covariates.{name}]"
    where = section if "source" in error.where else f"{error.where}, {section}"
    return ConfigurationError(
        error.code,
        panel=panel,
        expected=error.expected.replace("source.query", "query"),
        got=error.got,
        where=where,
        do=f"correct {section}, letter case included",
    )


def _place(config: "CovariateConfig") -> str:
    return "its query" if config.table is None else f"table {config.table}"


def _unreadable(errand: Errand, name: str, error: RnntsError) -> Finding:
    got = f"expected {error.expected}, got {error.got}" if error.expected else error.got
    return Finding(
        "COVARIATE_UNREADABLE",
        "error",
        errand.panel,
        f"{name} is left out ({error.code}): {got}, in {error.where or name}",
        f"{error.do}; until then forecasts are made without it",
    )


def trouble_findings(panel: str, readings: dict[str, Reading]) -> list[Finding]:
    """COVARIATE_TYPE and COVARIATE_ROWS: what was left out of which covariate."""
    types: list[str] = []
    rows: list[str] = []
    for name, reading in readings.items():
        for what, count in reading.trouble.counts.items():
            such = f"such as {reading.trouble.examples[what]}"
            if what.startswith((NO_NUMBER, NO_CATEGORY)):
                types.append(f"{name}: {count:,} values that are {what}, {such}")
            else:
                rows.append(f"{name}: {count:,} rows {what}, {such}")
    found = []
    if types:
        found.append(
            Finding(
                "COVARIATE_TYPE",
                "warning",
                panel,
                f"{joined(types)}; they are missing",
                "correct the rows, or list another column",
            )
        )
    if rows:
        found.append(
            Finding(
                "COVARIATE_ROWS",
                "warning",
                panel,
                f"{joined(rows)}; they are left out",
                "correct the rows, or leave them out with where",
            )
        )
    return found


def joined(parts: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    every = list(parts)
    more = f"; and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return "; ".join(every[:SHOWN]) + more
