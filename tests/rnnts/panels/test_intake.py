"""What is taken in depends on the rows, not on their order: held against a plain twin."""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnts.config import SourceConfig
from rnnts.panels.freeze import Freezer, Limits
from rnnts.panels.grid import Grid
from rnnts.panels.identity import SeriesCodes
from rnnts.panels.intake import NEVER, Intake, View, parts_of
from rnnts.panels.sheets import GrowingSheets, in_memory

AS_OF = 20 * 3600
Row = dict[str, Any]


@dataclass(frozen=True)
class Page:
    keys: tuple[list[Any], ...]
    time: list[Any]
    value: list[Any] | None
    known_at: list[Any] | None


def taken(rows: list[Row], size: int = 3, **source: Any) -> dict[str, tuple[float, ...]]:  # noqa: ANN401 - settings
    """Values by series from step 0 on, bit by bit, out of pages of `size` rows."""
    config = SourceConfig(
        table="t", series=("k",), time="t", value="v", **{"known_at": "known", **source}
    )
    view = View(config, Grid("1h"), AS_OF, 19, -NEVER, "UTC", 8)
    sheets = GrowingSheets(in_memory(), 8, parts_of(config))
    intake = Intake(view, SeriesCodes(("k",)), sheets)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        known = [row["known"] for row in part] if config.known_at else None
        intake.take(
            Page(
                ([row["k"] for row in part],),
                [row["t"] for row in part],
                [row["v"] for row in part],
                known,
            )
        )
    intake.finish()
    freezer = Freezer(intake, sheets.spans(), Limits(None, None), {})
    values: dict[str, list[float]] = defaultdict(lambda: [np.nan] * 24)
    for block in freezer.blocks():
        for name, row in zip(block.ids, block.values.tolist(), strict=True):
            values[name][block.first_step : block.first_step + 8] = row
    return {life.info.series_id: tuple(values[life.info.series_id]) for life in freezer.lives()}


def plain(rows: list[Row]) -> dict[str, tuple[float, ...]]:
    """The same for values with revisions, row by row."""
    best: dict[tuple[str, int], tuple[tuple[int, int], set[float]]] = {}
    series = set()
    for row in rows:
        step, after = divmod(row["t"], 3600)
        if row["known"] is None or row["known"] > AS_OF or step > 19 or not row["k"]:
            continue
        series.add(row["k"])
        rank = (-after, row["known"])
        value = row["v"] if isinstance(row["v"], float) and abs(row["v"]) <= 1e18 else None
        held, kept = best.get((row["k"], step), (rank, set()))
        if rank >= held:
            kept = set(kept) if rank == held else set()
            best[row["k"], step] = rank, kept | ({value} if value is not None else set())
    return {
        name: tuple(
            next(iter(found)) if len(found) == 1 else np.nan
            for step in range(24)
            for found in [best.get((name, step), ((0, 0), set()))[1]]
        )
        for name in series
    }


def same(one: dict[str, tuple[float, ...]], other: dict[str, tuple[float, ...]]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name], equal_nan=True) for name in one
    )


rows_of_values = st.lists(
    st.fixed_dictionaries(
        {
            "k": st.sampled_from(["a", "b", ""]),
            "t": st.integers(0, 44).map(lambda half: 1800 * half),
            "v": st.sampled_from([1.0, 2.0, 0.0, 0.1, 1e300, None, "x"]),
            "known": st.sampled_from([1, 2, AS_OF, AS_OF + 1, None]),
        }
    ),
    max_size=40,
)


@settings(deadline=None)
@given(rows_of_values, st.integers(1, 50))
def test_revised_values_equal_those_of_a_plain_loop(rows: list[Row], size: int) -> None:
    assert same(taken(rows, size), plain(rows))


@settings(deadline=None)
@given(rows_of_values, st.data(), st.booleans())
def test_shuffled_and_repeated_values_give_the_same_bits(
    rows: list[Row],
    data: st.DataObject,
    known: bool,  # noqa: FBT001 - hypothesis
) -> None:
    source: dict[str, Any] = {} if known else {"known_at": None}
    again = data.draw(st.permutations([*rows, *rows[::2]]))
    assert repr(taken(rows, **source)) == repr(taken(again, 7, **source))


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e18, 1e18) | st.sampled_from([0.1, 0.2, 1e-9, -0.0]), max_size=40),
    st.data(),
)
@pytest.mark.parametrize("aggregate", ["count", "sum", "mean", "last"])
def test_shuffled_events_give_the_same_bits(
    aggregate: str, values: list[float], data: st.DataObject
) -> None:
    rows = [
        {"k": "a", "t": 1 + 600 * place, "v": value} for place, value in enumerate([1.0, *values])
    ]
    again = data.draw(st.permutations(rows))
    source: dict[str, Any] = {"aggregate": aggregate, "known_at": None}
    assert repr(taken(rows, **source)) == repr(taken(again, 7, **source))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=60))
def test_sums_are_as_exact_as_fractions(values: list[float]) -> None:
    rows = [{"k": "a", "t": place, "v": value} for place, value in enumerate(values)]
    found = taken(rows, aggregate="sum", known_at=None)["a"][0]
    exact = float(sum(Fraction(value) for value in values))
    assert found == pytest.approx(exact, rel=1e-15, abs=1e-15)
