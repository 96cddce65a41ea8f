"""What a table most likely is: its time, its keys, its values; a guess that a person corrects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnts.config import Frequency
from rnnts.panels.arrays import FloatArray, IntArray
from rnnts.panels.grid import DAY, SECONDS
from rnnts.panels.identity import SeriesCodes
from rnnts.panels.labels import infer_frequency
from rnnts.panels.numbers import numbers_of
from rnnts.panels.stamps import parse_stamps

MOSTLY = 0.95
"""Share of a column's values that must be what the column is taken for."""
FEW = 0.5
"""Share of distinct values below which a column repeats itself enough to be a key."""
DUPLICATES = 0.1
"""Share of rows with the same keys and time from which on rows are events."""
MOST_KEYS = 4
EVENT_KEYS = 2
"""Events have many attributes; the two with the fewest values make the fewest series."""
EARLIEST = 1e8
"""Numbers from here on may count seconds: 1973."""
WEEK = 8 * 86_400

_TIME = re.compile(
    r"(^|_)(time|date|timestamp|datetime|ts|ds|at|hour|day|epoch)(_|$)", re.IGNORECASE
)
_BOOKKEEPING = re.compile(
    r"created|updated|modified|inserted|loaded|known|recorded|ingested|deleted", re.IGNORECASE
)
_KEY = re.compile(
    r"(^|_)(id|code|no|nr|key|name|store|item|sensor|meter|station|site|series)(_|$)", re.IGNORECASE
)
_ROW = re.compile(r"id|pk|rowid|index|row", re.IGNORECASE)
_VALUE = re.compile(
    r"(^|_)(value|y|val|amount|quantity|count|load|sales|demand)(_|$)", re.IGNORECASE
)

Columns = Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a table could be read as a panel."""

    time: str
    series: tuple[str, ...]
    value: str | None  # None: rows are counted
    aggregate: str | None
    frequency: Frequency
    certain: bool  # whether the labels say the frequency
    naive: bool  # whether stamps leave their zone open
    minimum: float | None
    others: tuple[str, ...]  # more columns of numbers


def propose_panel(columns: Columns, stamped: Sequence[str] = ()) -> Proposal | None:
    """Guess how a table could be read; None where no column says when.

    Args:
        columns: Some rows of the table, by column.
        stamped: Columns whose type says that they hold times.
    """
    rows = len(next(iter(columns.values()), ()))
    time = _time_column(columns, stamped) if rows else None
    if time is None:
        return None
    stamps = parse_stamps(columns[time], "UTC")
    keys = _keys(columns, time)
    numbers = [
        name
        for name, values in columns.items()
        if name not in {time, *keys} and not _ROW.fullmatch(name) and _is_value(values)
    ]
    series = _codes(columns, keys)
    events = not numbers or _repeats(series, stamps.first) > DUPLICATES
    if events:
        keys = sorted(keys, key=lambda name: len(set(columns[name])))[:EVENT_KEYS]
        series = _codes(columns, keys)
    numbers.sort(key=lambda name: _VALUE.search(name) is None)
    value = None if events else numbers[0]
    usable = stamps.usable
    frequency = _frequency(series[usable], stamps.first[usable])
    spaced = None if events else _spacing(series[usable], stamps.first[usable])
    lowest = 0.0 if value is None else float(np.nanmin(_floats(columns[value])))
    return Proposal(
        time=time,
        series=tuple(name for name in columns if name in keys),
        value=value,
        aggregate="count" if events else (None if frequency else "mean"),
        frequency=frequency or spaced or ("1D" if _are_days(stamps.first[usable]) else "1h"),
        certain=frequency is not None,
        naive=bool(stamps.naive.any()),
        minimum=0.0 if lowest >= 0 else None,
        others=tuple(name for name in numbers if name != value),
    )


def _time_column(columns: Columns, stamped: Sequence[str]) -> str | None:
    """The column that most likely says when: by type, then by name, then by position."""
    found = [name for name in columns if name in stamped or _reads_as_time(name, columns[name])]
    order = list(columns)
    return min(
        found,
        key=lambda name: (
            _BOOKKEEPING.search(name) is not None,
            name not in stamped,
            _TIME.search(name) is None,
            order.index(name),
        ),
        default=None,
    )


def _reads_as_time(name: str, values: Sequence[object]) -> bool:
    there = [value for value in values if value is not None]
    if not there:
        return False
    numbers = [value for value in there if isinstance(value, int | float)]
    if numbers:
        if len(numbers) < len(there) or _TIME.search(name) is None or min(numbers) < EARLIEST:
            return False
    elif not all(isinstance(value, str) for value in there):
        return False
    return float(parse_stamps(there, "UTC").usable.mean()) >= MOSTLY


def _keys(columns: Columns, time: str) -> list[str]:
    """Columns that repeat themselves and are text, or numbers with a key's name."""
    found = []
    for name, values in columns.items():
        distinct = set(values) - {None}
        text = bool(distinct) and all(isinstance(value, str) for value in distinct)
        if name == time or _ROW.fullmatch(name) or not (text or _is_named_key(name, values)):
            continue
        if text and _reads_as_time(name, values):
            continue
        if len(distinct) <= max(1.0, FEW * len(values)):
            found.append(name)
    return sorted(found, key=lambda name: len(set(columns[name])), reverse=True)[:MOST_KEYS]


def _is_named_key(name: str, values: Sequence[object]) -> bool:
    return _KEY.search(name) is not None and _is_value(values)


def _is_value(values: Sequence[object]) -> bool:
    there = [value for value in values if value is not None]
    if not there or any(isinstance(value, bool | str) for value in there):
        return False
    _, not_numeric, _ = numbers_of(there)
    return not not_numeric.any()


def _codes(columns: Columns, keys: Sequence[str]) -> IntArray:
    rows = len(next(iter(columns.values())))
    return SeriesCodes(keys).codes([columns[name] for name in keys], rows)


def _repeats(series: IntArray, seconds: IntArray) -> float:
    pairs = np.unique(np.stack([series, seconds], axis=1), axis=0)
    return 1.0 - len(pairs) / len(seconds)


def _frequency(series: IntArray, seconds: IntArray) -> Frequency | None:
    if not len(seconds):
        return None
    known = series >= 0
    return infer_frequency(series[known], seconds[known], "UTC", int(seconds.max()) + WEEK)


def _are_days(seconds: IntArray) -> bool:
    return bool((seconds % DAY == 0).all())


def _spacing(series: IntArray, seconds: IntArray) -> Frequency | None:
    """The frequency nearest to the usual distance of labels."""
    pairs = np.unique(np.stack([series, seconds], axis=1), axis=0)
    apart = np.diff(pairs[:, 1])[np.diff(pairs[:, 0]) == 0]
    if not len(apart):
        return None
    usual = float(np.median(apart))
    return min(SECONDS, key=lambda name: abs(np.log(SECONDS[name] / usual)))


def _floats(values: Sequence[object]) -> FloatArray:
    return numbers_of(values)[0]
