"""Covariates beside windows: what a network reads of them, and how a batch gathers it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

from rnnts.panels.arrays import AnyArray, FloatArray, IntArray
from rnnts.panels.covariates import NOWHERE, Category, Covariates, Features, Number, Vintages
from rnnts.panels.grid import Grid
from rnnts.panels.panel import Panel
from rnnts.windows.clock import Spec, calendar

Tensor = Any
MOST_CATEGORIES = 256
"""Categories of a column that a network tells apart, the commonest; the others are one."""
PREFIX = "covariate_"
"""Of the arrays that `CovariateWindows.save` lays out."""


def learn_features(panel: Panel, until: int, known_after: int = 0) -> Features:
    """What a network is to read of a panel's covariates, scaled as their training part says.

    Args:
        panel: With covariates.
        until: The step before which the targets of training lie.
        known_after: As `Features` has it.
    """
    covariates = panel.covariates or Covariates()
    future: list[Number] = []
    past: list[Number] = []
    for table in covariates.numbers:
        values = table.newest(before=until)
        for place, column in enumerate(table.columns):
            number = _number(f"{table.name}.{column}", values[:, place])
            (future if place < table.future else past).append(number)
    static = [
        Category(f"{table.name}.{column}", _commonest(table.of(panel.series, column)))
        for table in covariates.categories
        for column in table.columns
    ]
    width = len(calendar_columns(panel.grid))
    return Features(tuple(future), tuple(past), tuple(static), width, known_after)


def _number(name: str, values: FloatArray) -> Number:
    """Median and mean distance from it; what is 0 or 1 stays that."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Number(name, 0.0, 0.0)
    if np.isin(known, (0.0, 1.0)).all():
        return Number(name, 0.0, 1.0)
    centre = float(np.median(known))
    return Number(name, centre, float(np.abs(known - centre).mean()))


def _commonest(values: Sequence[str]) -> tuple[str, ...]:
    counts = Counter(value for value in values if value)
    chosen = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_CATEGORIES]
    return tuple(sorted(chosen))


def calendar_columns(grid: Grid) -> tuple[int, ...]:
    """Columns of `calendar` that say something on a grid: hours below a day, weekdays up to one."""
    if grid.steps_per_day > 1:
        return (0, 1, 2, 3)
    return (1, 3) if grid.steps_per_day == 1 else ()


def _clock(grid: Grid, features: Features, first_step: int, count: int) -> FloatArray:
    """Features of the wall clock, where any are read, [count, features]."""
    columns = calendar_columns(grid) if features.calendar else ()
    return calendar(grid, first_step, count)[:, list(columns)]


def codes_of(panel: Panel, features: Features) -> FloatArray:
    """Codes of each series' categories, 0 for one that the network does not know, [series, n]."""
    tables = {
        f"{table.name}.{column}": table.of(panel.series, column)
        for table in (panel.covariates or Covariates()).categories
        for column in table.columns
    }
    codes = np.zeros((len(panel.series), len(features.static)))
    for place, category in enumerate(features.static):
        known = {value: code for code, value in enumerate(category.values, start=1)}
        found = tables.get(category.name, [])
        codes[: len(found), place] = [known.get(value, 0) for value in found]
    return codes


def known_by(grid: Grid, features: Features, origins: IntArray) -> IntArray:
    """Instants at which forecasts of past origins would have been made, [n] epoch seconds."""
    instants: IntArray = grid.visible_from(np.asarray(origins, np.int64) - 1) + features.known_after
    return instants


def known_at(grid: Grid, spec: Spec, origin: int) -> int | None:
    """The same of one origin; None where no covariates are read."""
    if spec.covariates is None:
        return None
    return int(known_by(grid, spec.covariates, np.array([origin]))[0])


@dataclass(frozen=True, slots=True)
class Shape:
    """Steps of a window and of a horizon."""

    window: int
    horizon: int


def numbers_at(
    panel: Panel, features: Features, shape: Shape, origin: int, instant: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Covariates of every series as seen before a grid step.

    Guarantees: of `past` nothing at or after `origin` is read; a column that the panel lacks is
    missing.

    Args:
        panel: With covariates, or without any.
        features: Which columns, in which order.
        shape: Of window and horizon.
        origin: Grid step of the first target.
        instant: Epoch seconds; what was known later is not read. None: all that is there.

    Returns:
        `known_future` [series, window + horizon, columns], `past` [series, window, columns].
    """
    steps = np.arange(origin - shape.window, origin + shape.horizon, dtype=np.int64)
    places = {one.name: at for at, one in enumerate((*features.known_future, *features.past))}
    found = np.full((len(panel.series), len(steps), len(places)), np.nan)
    for table in (panel.covariates or Covariates()).numbers:
        names = [f"{table.name}.{column}" for column in table.columns]
        wanted = [at for at, name in enumerate(names) if name in places]
        if wanted:
            values = table.at(table.rows_of(panel.series), steps, instant)
            found[:, :, [places[names[at]] for at in wanted]] = values[:, :, wanted]
    future = len(features.known_future)
    clock = _clock(panel.grid, features, int(steps[0]), len(steps))
    clock = np.broadcast_to(clock, (len(found), *clock.shape))
    return np.concatenate([found[:, :, :future], clock], axis=2), found[:, : shape.window, future:]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The arrays of a `Vintages` that windows read; which columns stands in `Features`."""

    row: IntArray  # of each series, [series]
    rank: IntArray  # moments known at the origin of each grid step, [grid steps]
    codes: IntArray  # as `Vintages` has them, [n]
    values: FloatArray  # [n, columns]
    first_step: int
    steps: int
    moments: int
    future: int

    @classmethod
    def of(cls, table: Vintages, panel: Panel, instants: IntArray) -> Self:
        """A table as seen by the series of a panel."""
        return cls(
            table.rows_of(panel.series),
            table.rank(instants),
            table.codes,
            table.values,
            table.first_step,
            table.steps,
            len(table.moments),
            table.future,
        )


@dataclass(frozen=True, slots=True, eq=False)
class CovariateWindows:
    """What a `WindowSet` knows of covariates."""

    features: Features
    tables: tuple[Table, ...]  # in the order of the features
    codes: FloatArray  # of categories, [series, static]
    calendar: FloatArray  # from a window before the first grid step on, [grid steps, columns]

    @classmethod
    def of(cls, panel: Panel, features: Features, window: int, steps: int) -> Self:
        """Covariates of windows whose origins are among the grid steps from the panel's first.

        Args:
            panel: With covariates, of which `features` were learnt.
            features: What to read.
            window: Steps of a window.
            steps: Grid steps.
        """
        first = panel.first_step
        instants = known_by(panel.grid, features, np.arange(first, first + steps))
        tables = (panel.covariates or Covariates()).numbers
        return cls(
            features,
            tuple(Table.of(table, panel, instants) for table in tables),
            codes_of(panel, features),
            _clock(panel.grid, features, first - window, window + steps),
        )

    def save(self) -> dict[str, AnyArray]:
        """As arrays, which `load` takes back."""
        arrays: dict[str, Any] = {
            "features": json.dumps(asdict(self.features), sort_keys=True),
            "codes": self.codes,
            "calendar": self.calendar,
            "tables": len(self.tables),
        }
        for place, table in enumerate(self.tables):
            arrays |= {f"{place}_{it.name}": getattr(table, it.name) for it in fields(Table)}
        return {f"{PREFIX}{name}": np.asarray(value) for name, value in arrays.items()}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> "CovariateWindows | None":
        """What `save` laid out; None where there is nothing."""
        if f"{PREFIX}tables" not in arrays:
            return None
        tables = [
            Table(**{
                it.name: _plain(arrays[f"{PREFIX}{place}_{it.name}"]) for it in fields(Table)
            })
            for place in range(int(arrays[f"{PREFIX}tables"]))
        ]  # fmt: skip
        features = features_from(json.loads(str(arrays[f"{PREFIX}features"])))
        codes, clock = arrays[f"{PREFIX}codes"], arrays[f"{PREFIX}calendar"]
        return cls(features, tuple(tables), codes, clock)


def features_from(values: Mapping[str, Any]) -> Features:
    """Features out of JSON values."""
    return Features(
        tuple(Number(**one) for one in values["known_future"]),
        tuple(Number(**one) for one in values["past"]),
        tuple(Category(one["name"], tuple(one["values"])) for one in values["static"]),
        values["calendar"],
        values["known_after"],
    )


def _plain(value: AnyArray) -> Any:
    return value if value.ndim else int(value)


class Gatherer:
    """Covariates of a batch of windows, gathered in the graph.

    Args:
        covariates: Of the window set.
        shape: Of window and horizon.
        grid_first: Grid step of the first rank.
    """

    def __init__(self, covariates: CovariateWindows, shape: Shape, grid_first: int) -> None:
        import tensorflow as tf

        self._tf = tf
        self._shape = shape
        self._grid_first = grid_first
        self._tables = [_Table(table) for table in covariates.tables]
        self._codes = tf.constant(covariates.codes)
        self._calendar = tf.constant(covariates.calendar)

    def __call__(self, series: Tensor, origin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`known_future`, `past` and categories of windows, as `numbers_at` and `codes_of`."""
        tf = self._tf
        origin = tf.cast(origin, tf.int64)
        count = self._shape.window + self._shape.horizon
        both = tf.range(count, dtype=tf.int64)
        begin = origin - self._shape.window  # [batch]
        steps = begin[:, None] + both  # [batch, window + horizon]
        nothing = tf.zeros([tf.shape(series)[0], count, 0], tf.float64)
        future, past = [nothing], [nothing[:, : self._shape.window]]
        for table in self._tables:
            values = table.gather(series, steps, origin - self._grid_first)
            future.append(values[:, :, : table.future])
            past.append(values[:, : self._shape.window, table.future :])
        clock = tf.gather(self._calendar, steps - (self._grid_first - self._shape.window))
        known = tf.concat([*future, clock], axis=2)
        return known, tf.concat(past, axis=2), tf.gather(self._codes, series)


class _Table:
    """One table as tensors; its last row of values is missing."""

    def __init__(self, table: Table) -> None:
        import tensorflow as tf

        self._tf = tf
        count, columns = table.values.shape
        self.future = table.future
        self._first, self._steps, self._unit = table.first_step, table.steps, table.moments + 1
        self._row = tf.constant(table.row)
        self._rank = tf.constant(table.rank)
        self._values = tf.constant(np.concatenate([table.values, np.full((1, columns), np.nan)]))
        self._count = count
        self._codes = tf.constant(np.append(table.codes, np.iinfo(np.int64).max))
        self._dense = _dense(table) if table.moments <= 1 else None

    def gather(self, series: Tensor, steps: Tensor, at: Tensor) -> Tensor:
        """Values of steps [batch, steps] as known at an origin's place [batch]."""
        tf = self._tf
        row = tf.gather(self._row, series)[:, None]  # [batch, 1]
        offset = steps - self._first
        inside = (row != NOWHERE) & (offset >= 0) & (offset < self._steps)
        place = tf.where(inside, row * self._steps + offset, 0)
        if self._dense is not None:
            entry = tf.gather(self._dense, place)
        else:
            wanted = place * self._unit + tf.gather(self._rank, at)[:, None]
            flat = tf.searchsorted(
                self._codes, tf.reshape(wanted, [-1]), side="right", out_type=tf.int64
            )
            entry = tf.reshape(flat, tf.shape(wanted)) - 1
            same = tf.gather(self._codes, tf.maximum(entry, 0)) // self._unit == place
            entry = tf.where(same & (entry >= 0), entry, self._count)
        return tf.gather(self._values, tf.where(inside, entry, self._count))


def _dense(table: Table) -> Tensor:
    """Entry of each place, of a table that knows one moment at most, [places]."""
    import tensorflow as tf

    size = max(1, (int(table.codes[-1]) // 2 + 1) if len(table.codes) else 1)
    size = max(size, (int(table.row.max(initial=0)) + 1) * table.steps)
    entry = np.full(size, len(table.values), np.int64)
    entry[table.codes // (table.moments + 1)] = np.arange(len(table.codes))
    return tf.constant(entry)
