"""A staged forecast: everything that will be published, as files named by their own hash.

The manifest's hash is the staged id, so equal inputs give equal ids, and what is published is
what was staged. Nothing in it is known to any table yet.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from rnnts.artefacts import Store, packed
from rnnts.errors import IntegrityError
from rnnts.failpoints import hit
from rnnts.panels.arrays import AnyArray, FloatArray, IntArray

KIND = "staged"
BLOCKS = "forecast"
"""Kind of the files that manifests of the kind `staged` name."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The forecasts of some series, in order."""

    series: tuple[str, ...]  # ids, [rows]
    quantiles: FloatArray  # as they are to be published, [rows, horizon, levels]
    raw: FloatArray  # of the network, uncalibrated; NaN on other rungs, [rows, horizon, outputs]
    method: AnyArray  # [rows]
    quality: AnyArray  # [rows]
    age: IntArray  # steps without an observation before the first target, [rows]

    def __post_init__(self) -> None:
        finite = np.isfinite(self.quantiles).all()
        if not finite or not (np.diff(self.quantiles, axis=2) >= 0).all():
            raise ValueError("expected quantiles that are finite and do not cross")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a block lies."""

    name: str  # of its arrays, in the store
    series: str  # of its ids, in the store
    rows: int


@dataclass(frozen=True, slots=True)
class Staged:
    """The manifest of a staged forecast; only what JSON can say."""

    panel: str
    issued_at: str  # ISO, UTC
    snapshot_id: str
    version_id: str | None  # whose network forecast, None: no network did
    calibration_id: str | None
    horizon: int
    levels: tuple[float, ...]
    outputs: tuple[float, ...]  # levels of the network itself; () without one
    origin: int  # grid step of the first target
    targets: tuple[int, ...]  # labels of the targets, epoch seconds, [horizon]
    methods: dict[str, int]  # series by method
    skipped: tuple[str, ...]  # ids of known series without a forecast; each has a finding
    degraded: bool
    chunks: tuple[Chunk, ...]
    inputs: dict[str, Any] = field(default_factory=dict)  # see rnnts.steps.provenance

    @property
    def series(self) -> int:
        """How many have a forecast."""
        return sum(chunk.rows for chunk in self.chunks)

    def names(self) -> set[str]:
        """The artefacts that it needs, itself left out."""
        return {name for chunk in self.chunks for name in (chunk.name, chunk.series)}

    def keep(self, store: Store) -> str:
        """Keep the manifest; give the staged id."""
        name = store.put_json(asdict(self), KIND)
        return name.rpartition("/")[2].partition(".")[0]

    @classmethod
    def load(cls, store: Store, staged_id: str) -> Self:
        """The manifest of a staged id.

        Raises:
            IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT.
        """
        return cls.read(store, store.name_of(KIND, staged_id, "json"))

    @classmethod
    def read(cls, store: Store, name: str) -> Self:
        """The manifest of that name.

        Raises:
            IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT.
        """
        values: dict[str, Any] = store.get_json(name)
        listed = {name: tuple(values[name]) for name in ("levels", "outputs", "targets", "skipped")}
        chunks = tuple(Chunk(**chunk) for chunk in values["chunks"])
        return cls(**{**values, **listed, "chunks": chunks})


def keep_block(store: Store, block: Block) -> Chunk:
    """Keep a block; kept again it changes nothing."""
    data = packed(
        {
            "quantiles": block.quantiles,
            "raw": block.raw,
            "method": block.method,
            "quality": block.quality,
            "age": block.age,
        }
    )
    name = store.put(data, BLOCKS, "npz", before_rename=lambda: hit("forecast.chunk_half"))
    chunk = Chunk(name, store.put_json(list(block.series), BLOCKS), len(block.series))
    hit("forecast.chunk_done")
    return chunk


def blocks_of(store: Store, staged: Staged) -> Iterator[Block]:
    """The blocks of a staged forecast, in order, each verified.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT or STAGE_MISMATCH.
    """
    for chunk in staged.chunks:
        arrays = store.get_arrays(chunk.name)
        series = tuple(str(each) for each in store.get_json(chunk.series))
        shape = (chunk.rows, staged.horizon, len(staged.levels))
        if arrays["quantiles"].shape != shape or len(series) != chunk.rows:
            raise IntegrityError(
                "STAGE_MISMATCH",
                panel=staged.panel,
                expected=f"quantiles {shape}",
                got=f"{arrays['quantiles'].shape} of {len(series)} series",
                where=chunk.name,
                do="run the forecast again; nothing was published",
            )
        yield Block(
            series,
            np.asarray(arrays["quantiles"], np.float64),
            np.asarray(arrays["raw"], np.float64),
            arrays["method"],
            arrays["quality"],
            arrays["age"],
        )
