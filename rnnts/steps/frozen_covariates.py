"""Covariates in the store: chunks of entries and lists of categories, named by a snapshot."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rnnts.artefacts import Store
from rnnts.panels.covariates import ALWAYS, Covariates, Entries, Statics, Vintages

KIND = "covariate"


@dataclass(frozen=True, slots=True)
class EntryChunk:
    """The entries of a span of steps: an artefact with `rows`, `row`, `steps`, `values`, …."""

    first_step: int
    entries: int
    name: str


@dataclass(frozen=True, slots=True)
class FrozenCovariate:
    """One covariate, or the holidays, as a snapshot names it.

    Args:
        name: As configured.
        recipe: Hash of what says how its table is read.
        series: Its key columns.
        columns: Of numbers, those known in advance first.
        future: How many are known in advance.
        static: Columns of categories.
        chunks: Of its numbers, by time.
        categories: Artefact of its categories; "" without any.
    """

    name: str
    recipe: str
    series: tuple[str, ...]
    columns: tuple[str, ...]
    future: int
    static: tuple[str, ...]
    chunks: tuple[EntryChunk, ...]
    categories: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "FrozenCovariate":
        """What `to_json` wrote."""
        lists = {name: tuple(values[name]) for name in ("series", "columns", "static")}
        chunks = tuple(EntryChunk(**chunk) for chunk in values["chunks"])
        return cls(**{**values, **lists, "chunks": chunks})

    def names(self) -> tuple[str, ...]:
        """The artefacts that it needs."""
        own = (self.categories,) if self.categories else ()
        return (*own, *(chunk.name for chunk in self.chunks))


def write_entries(store: Store, entries: Entries, span: int) -> tuple[EntryChunk, ...]:
    """Keep entries, a chunk for each span of steps; equal chunks are kept once."""
    spans = entries.steps // span
    return tuple(
        _write_chunk(store, entries.of(np.flatnonzero(spans == each)), int(each) * span)
        for each in np.unique(spans)
    )


def _write_chunk(store: Store, entries: Entries, first_step: int) -> EntryChunk:
    order = np.lexsort((entries.known_at, entries.steps, entries.keys))
    entries = entries.of(order)
    rows, row = np.unique(entries.keys, return_inverse=True)
    arrays = {
        "rows": rows,
        "row": row.astype(np.int32),
        "steps": (entries.steps - first_step).astype(np.int32),
        "values": entries.values,
    }
    if (entries.known_at != ALWAYS).any():
        arrays["known_at"] = entries.known_at
    return EntryChunk(first_step, len(row), store.put_arrays(arrays, KIND))


def write_statics(store: Store, found: Statics) -> str:
    """Keep categories."""
    listed = {"rows": [int(row) for row in found.rows], "values": [list(v) for v in found.values]}
    return store.put_json(listed, KIND)


def read_covariates(
    store: Store, frozen: tuple[FrozenCovariate, ...], first_step: int | None = None
) -> Covariates:
    """The covariates that a snapshot names.

    Args:
        store: Where they are.
        frozen: As the snapshot has them.
        first_step: Spans that end before it are left out; default: all come.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT, ARTEFACT_UNSAFE.
    """
    numbers, categories = [], []
    for one in frozen:
        if one.columns:
            chunks = _needed(one.chunks, first_step)
            parts = [_read_chunk(store, chunk) for chunk in chunks]
            entries = Entries.joined(parts, len(one.columns))
            numbers.append(Vintages.of(one.name, one.series, one.columns, one.future, entries))
        if one.static:
            categories.append(_read_statics(store, one))
    return Covariates(tuple(numbers), tuple(categories))


def numbers_of(frozen: tuple[FrozenCovariate, ...], first_step: int | None = None) -> int:
    """How many numbers `read_covariates` would lay out: each entry's own, and its code."""
    return sum(
        chunk.entries * (1 + len(one.columns))
        for one in frozen
        for chunk in _needed(one.chunks, first_step)
    )


def _needed(chunks: tuple[EntryChunk, ...], first_step: int | None) -> tuple[EntryChunk, ...]:
    """Without the chunks whose successor begins no later than the first step."""
    if first_step is None:
        return chunks
    begun = sum(chunk.first_step <= first_step for chunk in chunks)
    return chunks[max(0, begun - 1) :]


def _read_chunk(store: Store, chunk: EntryChunk) -> Entries:
    arrays = store.get_arrays(chunk.name)
    count = len(arrays["row"])
    return Entries(
        arrays["rows"][arrays["row"]],
        arrays["steps"].astype(np.int64) + chunk.first_step,
        arrays.get("known_at", np.full(count, ALWAYS)),
        arrays["values"],
    )


def _read_statics(store: Store, one: FrozenCovariate) -> Statics:
    listed = store.get_json(one.categories) if one.categories else {"rows": [], "values": []}
    rows = np.array(listed["rows"], np.uint64)
    return Statics(one.name, one.series, one.static, rows, tuple(map(tuple, listed["values"])))
