"""Replay: a publication computed again from its recorded inputs, and held against what was said."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rnnts.database.catalogue import series_keys
from rnnts.database.forecasts import ForecastRows, RowDigest, count_rows, forecast_pages
from rnnts.steps.again import Record, given_again, read_record, serving_again
from rnnts.steps.forecast import blocks_made
from rnnts.steps.nights import Night
from rnnts.steps.provenance import differences, made_with
from rnnts.steps.publish import rows_of
from rnnts.steps.results import ReplayResult, SeriesDifference, Verdict
from rnnts.steps.rungs import forecast_of
from rnnts.steps.staged import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rnnts.project import Project

SHOWN = 20
"""Series told of one by one, those that differ most first."""


def replay(project: "Project", publication_id: int) -> ReplayResult:
    """Compute a publication again from what it was made from, and compare.

    Snapshot, network, calibration, baselines, catalogue and settings are those on record: what
    changed since has no say. Nothing is written, in no table and in no store.

    "identical": every row comes out to the bit, and stands where it was published. "altered": it
    comes out as it was published, but what stands there now is something else. "differs": what
    comes out is not what was published.

    Raises:
        ConfigurationError: PUBLICATION_UNKNOWN, INPUTS_UNRECORDED; INPUTS_REMOVED where retention
            left too little.
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT, ARTEFACT_MISMATCH, RECORD_MISMATCH.
    """
    record = read_record(project, publication_id)
    row = record.row
    with project.database.reading() as connection:
        keys = series_keys(connection, row.panel)
        in_table = count_rows(connection, row.id) > 0
    night = Night.of(given_again(project, record, serving_again(project, record)))
    outcome = forecast_of(night)
    again = [
        rows_of(record.staged, block, slice(None), keys) for block in blocks_made(night, outcome)
    ]
    where: Literal["table", "files"] = "table" if in_table else "files"
    there = list(_published(project, record, keys, in_table=in_table))
    reproduced = _digest(row.horizon, again) == row.digest
    stands = _digest(row.horizon, there) == row.digest
    names = {key: name for name, key in keys.items()}
    found = [] if reproduced and stands else _compared(again, there, names, row.horizon)
    network = record.provenance.network
    sizes = [one.largest for one in found if one.largest is not None]
    verdict: Verdict = "identical" if stands else "altered"
    return ReplayResult(
        panel=row.panel,
        publication=row.id,
        issued_at=row.issued_at,
        kind=row.kind,
        status=row.status,
        verdict=verdict if reproduced else "differs",
        series=row.series,
        rows=row.rows,
        held_against=where,
        snapshot_id=row.snapshot_id,
        version_id=network.version_id if network else None,
        calibration_id=network.calibration_id if network else None,
        made_elsewhere=differences(record.provenance.made_with, made_with()),
        series_differing=len(found),
        rows_differing=sum(one.rows for one in found),
        largest=max(sizes, default=None),
        differences=sorted(found, key=_by_size)[:SHOWN],
    )


def _published(
    project: "Project", record: Record, keys: "Mapping[str, int]", *, in_table: bool
) -> Iterator[ForecastRows]:
    """The rows as they stand: in the table, or, of an older night, in the files of the store."""
    if in_table:
        yield from forecast_pages(project.database, record.row.id, record.row.horizon)
        return
    for block in blocks_of(project.store, record.staged):
        yield rows_of(record.staged, block, slice(None), keys)


def _digest(horizon: int, pages: "Iterable[ForecastRows]") -> str:
    digest = RowDigest(horizon)
    try:
        for page in pages:
            digest.add(page)
    except ValueError as error:
        return f"none: {error}"  # somebody removed single rows
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class _OneSeries:
    """The rows of one series."""

    steps: "dict[int, tuple[float, ...]]"  # target and quantiles by step
    told: str


def _compared(
    again: "Iterable[ForecastRows]",
    there: "Iterable[ForecastRows]",
    names: "Mapping[int, str]",
    horizon: int,
) -> list[SeriesDifference]:
    """The series of which something differs."""
    replayed, published = _by_series(again), _by_series(there)
    found = []
    for key in sorted({*replayed, *published}):
        now, then = replayed.get(key), published.get(key)
        if now is None or then is None:
            missing = "no forecast"
            one = SeriesDifference(
                names[key], horizon, None, then.told if then else missing,
                now.told if now else missing,
            )  # fmt: skip
            found.append(one)
            continue
        rows, largest = _rows_differing(now, then)
        if now.told != then.told:
            rows = horizon
        if rows:
            found.append(SeriesDifference(names[key], rows, largest, then.told, now.told))
    return found


def _by_series(pages: "Iterable[ForecastRows]") -> dict[int, _OneSeries]:
    found: dict[int, _OneSeries] = {}
    for page in pages:
        values = np.column_stack([page.target, page.quantiles]).tolist()
        for place, key in enumerate(page.series.tolist()):
            told = f"{page.method[place]}, {page.quality[place]}"
            one = found.setdefault(key, _OneSeries({}, told))
            one.steps[int(page.step[place])] = tuple(values[place])
    return found


def _rows_differing(now: _OneSeries, then: _OneSeries) -> tuple[int, float]:
    """How many steps differ, and by how much at most; a step that is not there differs by 0."""
    rows, largest = 0, 0.0
    for step in {*now.steps, *then.steps}:
        pair = (now.steps.get(step), then.steps.get(step))
        if pair[0] is None or pair[1] is None:
            rows += 1
            continue
        first, second = np.array(pair[0]), np.array(pair[1])
        if not np.array_equal(first, second, equal_nan=True):
            rows += 1
            largest = max(largest, float(np.nanmax(np.abs(first[1:] - second[1:]))))
    return rows, largest


def _by_size(one: SeriesDifference) -> tuple[bool, float, str]:
    return one.largest is not None, -(one.largest or 0.0), one.series_id
