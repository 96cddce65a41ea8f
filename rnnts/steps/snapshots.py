"""Snapshots: the observations of a panel as of an instant, frozen as chunks and found by hash."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.artefacts import Store
from rnnts.panels.freeze import Block, Life
from rnnts.panels.grid import Grid
from rnnts.panels.identity import hash_keys
from rnnts.panels.panel import Panel, SeriesInfo
from rnnts.steps.frozen_covariates import FrozenCovariate, numbers_of, read_covariates
from rnnts.steps.room import check_room

if TYPE_CHECKING:
    from rnnts.panels.arrays import AnyArray, FloatArray
    from rnnts.project import Project

FORMAT = 1
"""Of manifests and chunks; a change of it makes every next snapshot a full one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some series over a span of steps: an artefact with `series` (key hashes) and `values`."""

    first_step: int
    steps: int
    series: int
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot consists of; its hash is the snapshot's id.

    Args:
        panel: The panel's name.
        recipe: Hash of what says how the source is read.
        grid: The panel's time line.
        series: Name of the artefact that lists the series.
        first_step: Step of the oldest observation of any series.
        watermark: Newest step for which data can be complete.
        chunks: By time, then series.
        covariates: In order of their names, holidays last.
    """

    panel: str
    recipe: str
    grid: Grid
    series: str
    first_step: int
    watermark: int
    chunks: tuple[Chunk, ...]
    covariates: tuple[FrozenCovariate, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values."""
        named = [one.to_json() for one in self.covariates]
        return {
            **({"covariates": named} if named else {}),
            "format": FORMAT,
            "panel": self.panel,
            "recipe": self.recipe,
            "grid": self.grid.to_json(),
            "series": self.series,
            "first_step": self.first_step,
            "watermark": self.watermark,
            "chunks": [
                {
                    "first_step": chunk.first_step,
                    "steps": chunk.steps,
                    "series": chunk.series,
                    "name": chunk.name,
                }
                for chunk in self.chunks
            ],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Manifest":
        """The manifest that `to_json` wrote."""
        return cls(
            values["panel"],
            values["recipe"],
            Grid.from_json(values["grid"]),
            values["series"],
            values["first_step"],
            values["watermark"],
            tuple(Chunk(**chunk) for chunk in values["chunks"]),
            tuple(FrozenCovariate.from_json(one) for one in values.get("covariates", ())),
        )

    def names(self) -> tuple[str, ...]:
        """Every artefact that the snapshot needs, itself left out."""
        of_covariates = (name for one in self.covariates for name in one.names())
        return (self.series, *(chunk.name for chunk in self.chunks), *of_covariates)


def snapshot_name(snapshot_id: str) -> str:
    """Name of a snapshot's manifest in the store."""
    return Store.name_of("snapshot", snapshot_id, "json")


def manifest(project: "Project", snapshot_id: str) -> Manifest:
    """The verified manifest of a snapshot.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT.
    """
    return Manifest.from_json(project.store.get_json(snapshot_name(snapshot_id)))


def load_panel(
    project: "Project",
    snapshot_id: str,
    first_step: int | None = None,
    *,
    with_covariates: bool = False,
) -> Panel:
    """The panel of a snapshot, out of verified chunks.

    Args:
        project: Whose store has it.
        snapshot_id: As `ingest` gave it.
        first_step: Load from this step on; default: all.
        with_covariates: Whether a network is to read it.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT.
        ConfigurationError: PANEL_TOO_LARGE.
    """
    found = manifest(project, snapshot_id)
    infos = tuple(life.info for life in read_lives(project.store, found.series))
    begin = found.first_step if first_step is None else max(first_step, found.first_step)
    width = max(0, found.watermark - begin + 1)
    frozen = found.covariates if with_covariates else ()
    check_room(found.panel, len(infos), width, numbers_of(frozen, first_step))
    values = np.full((len(infos), width), np.nan)
    hashes = hash_keys(info.series_id for info in infos)
    order = np.argsort(hashes)
    for chunk in found.chunks:
        if chunk.first_step + chunk.steps <= begin or chunk.first_step > found.watermark:
            continue
        arrays = project.store.get_arrays(chunk.name)
        rows = order[np.searchsorted(hashes[order], arrays["series"])]
        _copy(arrays["values"], chunk.first_step - begin, rows, values)
    covariates = read_covariates(project.store, frozen, first_step) if frozen else None
    return Panel(found.panel, found.grid, infos, begin, values, found.watermark, covariates)


def load_series(
    project: "Project", snapshot_id: str, series_id: str, first_step: int
) -> Panel | None:
    """One series of a snapshot from a step on, as a panel of one; None where it has no row.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT.
    """
    found = manifest(project, snapshot_id)
    lives = read_lives(project.store, found.series)
    info = next((life.info for life in lives if life.info.series_id == series_id), None)
    if info is None:
        return None
    begin = max(first_step, found.first_step)
    values = np.full((1, max(0, found.watermark - begin + 1)), np.nan)
    wanted = hash_keys([series_id])
    for chunk in found.chunks:
        if chunk.first_step + chunk.steps <= begin or chunk.first_step > found.watermark:
            continue
        arrays = project.store.get_arrays(chunk.name)
        mine = np.flatnonzero(arrays["series"] == wanted)
        if mine.size:
            _copy(arrays["values"][mine], chunk.first_step - begin, np.zeros(1, np.int64), values)
    return Panel(found.panel, found.grid, (info,), begin, values, found.watermark)


def write_chunk(store: Store, block: Block) -> Chunk:
    """Keep a block; equal blocks are kept once."""
    arrays = {"series": hash_keys(block.ids), "values": block.values}
    name = store.put_arrays(arrays, "chunk")
    return Chunk(block.first_step, int(block.values.shape[1]), len(block.ids), name)


def write_lives(store: Store, lives: Iterable[Life]) -> str:
    """Keep the list of series."""
    listed = [
        {
            "id": life.info.series_id,
            "keys": [list(pair) for pair in life.info.keys],
            "first": life.info.first,
            "last": life.info.last,
            "observed": life.observed,
        }
        for life in lives
    ]
    return store.put_json({"series": listed}, "series")


def read_lives(store: Store, name: str) -> list[Life]:
    """The list of series that `write_lives` kept, in the order of their ids."""
    return [
        Life(
            SeriesInfo(
                one["id"],
                tuple((column, value) for column, value in one["keys"]),
                one["first"],
                one["last"],
            ),
            one["observed"],
        )
        for one in store.get_json(name)["series"]
    ]


def _copy(chunk: "FloatArray", offset: int, rows: "AnyArray", values: "FloatArray") -> None:
    """Copy a chunk, whose first step lies `offset` after the panel's, into the panel's values."""
    skipped, width = max(0, -offset), values.shape[1]
    count = min(chunk.shape[1], width - offset)
    if count > skipped:
        values[rows, offset + skipped : offset + count] = chunk[:, skipped:count]
