"""Values that cannot be what was measured: a unit error, a stand-in for "missing", a stuck sensor.

What is told is narrow on purpose. A storm, a holiday, a burst of load and a level shift are life,
and a network has to see life; each rule therefore asks for the mark of its own fault, and a series
whose everyday looks like that fault is left alone:

- **A unit error** is at least `APART` times larger than all else that the series ever was, lasts a
  season at most, and is what its neighbours say once it is divided by a thousand or a million. A
  series with bursts is left alone.
- **A stand-in** is one of the numbers that programs write for "missing", such as -999, far below or
  above everything else, or the only negative number of a series.
- **A stuck sensor** gives one and the same number for days, where the series moves otherwise, has
  hardly another run half as long, and does not rest at that number elsewhere. Zero and the series'
  own least and largest value are no fault: machines stand still, and ranges saturate.

Each rule looks at a series alone and at all of it that is loaded; the matrix is passed over once,
and only series with a sign of something are looked at closely.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rnnts.findings import Finding
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.panel import Panel
from rnnts.panels.seasons import seasons_of

Kind = Literal["UNIT_ERROR", "VALUE_SENTINEL", "SENSOR_FROZEN"]

STAND_INS = np.array(
    [
        *(sign * number for number in (999.0, 9_999.0, 99_999.0, 999_999.0) for sign in (1, -1)),
        *(sign * number for number in (999.9, 9_999.9, 99.99) for sign in (1, -1)),
        *(-99.0, -99.9, 65_535.0, 32_767.0, -32_768.0, 2_147_483_647.0, -2_147_483_648.0),
    ]
)
"""Numbers that loggers, weather services and databases write where there is no value."""
FEWEST = 20
"""Other values that a series needs before anything of it is doubted."""
APART = 10.0
"""A unit error is so many times larger than all else. The largest such step among the values of
real metrics with bursts was 4.7."""
BURSTS = 30.0
"""A series whose ordinary values reach so many times their median has bursts."""
FACTORS = (1e3, 1e6)
RARE = 0.05
"""Most of a series that unit errors may be."""
NEAR = 3.0
"""Typical changes from one value to the next within which a mended value fits its neighbours."""
STUCK_DAYS = 2
"""A sensor is stuck from so many days on; one whole day is met in good data, as padding."""
STUCK_STEPS = 14
"""The same where steps are long."""
OTHERS = 2
"""Other runs, half as long or longer, that a series may have before long runs are its nature."""
RESTS = 6
"""A value that rests elsewhere for a 1/6 of a run is a state of the series, not a fault."""
MOVES = 0.3
"""Share of steps on which a series that normally moves changes."""
CHUNK = 256
"""Series looked at in one pass."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Values of one series, one after the other, that are not believed."""

    kind: Kind
    row: int  # of the panel
    first: int  # place in the panel's values
    last: int
    value: float  # the first of them
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """What of a panel is not believed."""

    panel: Panel
    found: tuple[Doubt, ...]  # by series, kind and time

    @classmethod
    def of(cls, panel: Panel) -> "Doubts":
        """Look at all that is loaded of a panel; equal values give equal doubts."""
        season = seasons_of(panel.grid.frequency, panel.values.shape[1])[0].steps
        least = max(STUCK_DAYS * panel.grid.steps_per_day, STUCK_STEPS)
        found: list[Doubt] = []
        for start in range(0, len(panel.values), CHUNK):
            part = panel.values[start : start + CHUNK]
            for row in np.flatnonzero(_signs(part, least)).tolist():
                found += _doubts(start + row, part[row], season, least)
        return cls(panel, tuple(found))

    @property
    def count(self) -> int:
        """Values that are not believed."""
        return sum(doubt.last - doubt.first + 1 for doubt in self.found)

    @property
    def rows(self) -> IntArray:
        """Series with a doubt, rising, [doubted]."""
        return np.unique(np.array([doubt.row for doubt in self.found], np.int64))

    def masked(self) -> Panel:
        """The panel without those values; the very same where there is none."""
        if not self.found:
            return self.panel
        values = self.panel.values.copy()
        for doubt in self.found:
            values[doubt.row, doubt.first : doubt.last + 1] = np.nan
        return replace(self.panel, values=values)

    def findings(self) -> Iterator[Finding]:
        """A finding for each series and kind: from when to when, which value, and why."""
        groups: dict[tuple[int, Kind], list[Doubt]] = {}
        for doubt in self.found:
            groups.setdefault((doubt.row, doubt.kind), []).append(doubt)
        for (row, kind), doubts in groups.items():
            newest = doubts[-1]
            values = sum(doubt.last - doubt.first + 1 for doubt in doubts)
            evidence = (
                f"{values} values are taken for missing; {newest.value:g} from "
                f"{self._label(newest.first)} to {self._label(newest.last)}: {newest.why}"
            )
            if len(doubts) > 1:
                evidence += f" ({len(doubts) - 1} more times before)"
            series = self.panel.series[row].series_id
            yield Finding(kind, "warning", self.panel.name, evidence, REMEDY[kind], series)

    def _label(self, place: int) -> str:
        return self.panel.grid.told(self.panel.first_step + place)


REMEDY: dict[Kind, str] = {
    "UNIT_ERROR": "correct the rows; networks neither learn from them nor read them, and live "
    "scores count them as they stand in the table",
    "VALUE_SENTINEL": "leave those rows out, or set minimum or maximum of the panel: a number that "
    "stands for missing is none",
    "SENSOR_FROZEN": "look at the sensor or its loader; if that constant is real, nothing but its "
    "training is lost",
}


def _signs(values: FloatArray, least: int) -> BoolArray:
    """Rows that any rule may have something to say about, [rows]; cheap, and never too strict."""
    known = ~np.isnan(values)
    enough = known.sum(axis=1) > FEWEST
    size = np.where(known, np.abs(values), 0.0)
    large = size.max(axis=1, initial=0.0)
    low = np.where(known, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
    stand_in = np.isin(low, STAND_INS) | np.isin(high, STAND_INS)
    # If a twentieth of the values lay as high, no gap could leave the few above it apart
    place = int((1 - RARE) * (values.shape[1] - 1))
    usual = np.partition(size, place, axis=1)[:, place] if values.shape[1] else large
    stuck = np.zeros(len(values), bool)
    if values.shape[1] >= least:
        same = values[:, 1:] == values[:, :-1]
        half = max(1, (least - 1) // 2)  # two of these pairs lie in any run of `least`
        pairs = same[:, ::half]
        stuck = (pairs[:, 1:] & pairs[:, :-1]).any(axis=1)
    signs: BoolArray = enough & (stand_in | (large >= APART * usual) | stuck)
    return signs


def _doubts(row: int, values: FloatArray, season: int, least: int) -> list[Doubt]:
    """What is not believed of one series; each rule looks at what the one before left."""
    values = values.copy()
    found: list[Doubt] = []
    for kind, spans in (
        ("VALUE_SENTINEL", _stand_ins),
        ("UNIT_ERROR", lambda left: _unit_errors(left, season)),
        ("SENSOR_FROZEN", lambda left: _frozen(left, least)),
    ):
        for first, last, why in list(spans(values)):
            found.append(Doubt(kind, row, first, last, float(values[first]), why))  # type: ignore[arg-type] # the three names above
        for doubt in found:
            values[doubt.first : doubt.last + 1] = np.nan
    return found


Span = tuple[int, int, str]
"""(first place, last place, why)."""


def _stand_ins(values: FloatArray) -> Iterator[Span]:
    """Numbers that stand for "missing", the outermost first."""
    left = values.copy()
    found: list[float] = []
    while True:
        known = left[~np.isnan(left)]
        if known.size <= FEWEST:
            break
        number = next((end for end in (known.min(), known.max()) if _stands_in(end, known)), None)
        if number is None:
            break
        found.append(float(number))
        left[left == number] = np.nan
    rest = left[~np.isnan(left)]
    for first, last in _runs(np.isin(values, found)):
        why = (
            f"a number that programs write for missing, all others lie between "
            f"{rest.min():g} and {rest.max():g}"
        )
        yield first, last, why


def _stands_in(number: float, known: FloatArray) -> bool:
    """Whether an outermost number is a stand-in, given all that is known."""
    rest = known[known != number]
    if rest.size <= FEWEST or not np.isin(number, STAND_INS):
        return False
    low, high = float(rest.min()), float(rest.max())
    if number < low:
        return low - number > high - low or (low >= 0 and number < -1)
    return number - high > high - low


def _unit_errors(values: FloatArray, season: int) -> Iterator[Span]:
    """Values a thousand or a million times too large; none if any that stands out is not that."""
    known = ~np.isnan(values)
    size = np.where(known, np.abs(values), 0.0)
    count = int(known.sum())
    ordered = np.sort(size[known])[::-1]
    most = max(1, int(RARE * count))
    if count <= FEWEST:
        return
    apart = ordered[:most] >= APART * np.maximum(ordered[1 : most + 1], np.finfo(np.float64).tiny)
    if not apart.any() or ordered[0] == 0:
        return
    suspects = size >= ordered[int(np.flatnonzero(apart)[-1])]
    rest = np.where(known & ~suspects, values, np.nan)
    ordinary = np.abs(rest[np.isfinite(rest) & (rest != 0)])
    if ordinary.size <= FEWEST or ordinary.max() > BURSTS * np.median(ordinary):
        return
    spans = _runs(suspects)
    factors = [_factor(values, rest, span, season) for span in spans]
    if None in factors:
        return
    for (first, last), factor in zip(spans, factors, strict=True):
        low, high = _around(rest, first, last, season)
        why = f"{factor:,.0f} times its neighbours, which lie between {low:g} and {high:g}"
        yield first, last, why


def _factor(
    values: FloatArray, rest: FloatArray, span: tuple[int, int], season: int
) -> float | None:
    """By what a span is too large, judged by what stands around it; None if that fits nothing."""
    first, last = span
    if last - first >= season:
        return None  # another level
    change = np.abs(np.diff(rest[~np.isnan(rest)]))
    tolerance = NEAR * float(np.median(change[change > 0])) if (change > 0).any() else 0.0
    ordinary = np.abs(rest[np.isfinite(rest) & (rest != 0)])
    least, most = np.quantile(ordinary, RARE), ordinary.max()
    low, high = _around(rest, first, last, season)
    for factor in FACTORS:
        mended = values[first : last + 1] / factor
        near = (mended >= low - tolerance) & (mended <= high + tolerance)
        usual = (np.abs(mended) >= least) & (np.abs(mended) <= most)
        if 2 * near.sum() >= near.size and 2 * usual.sum() > usual.size:
            return factor
    return None


def _around(rest: FloatArray, first: int, last: int, season: int) -> tuple[float, float]:
    """Smallest and largest value beside a span: two to each side, and a season before and after."""
    beside = [rest[max(0, first - 2) : first], rest[last + 1 : last + 3]]
    for shift in (-season, season):
        begin, end = first + shift, last + 1 + shift
        if begin >= 0:
            beside.append(rest[begin:end])
    near = np.concatenate(beside)
    near = near[~np.isnan(near)]
    if not near.size:
        return np.inf, -np.inf
    return float(near.min()), float(near.max())


def _frozen(values: FloatArray, least: int) -> Iterator[Span]:
    """Runs of one number that this series does not have otherwise."""
    known = values[~np.isnan(values)]
    if known.size <= FEWEST:
        return
    same = np.concatenate([[False], values[1:] == values[:-1]])
    runs = [(first - 1, last) for first, last in _runs(same)]
    lengths = np.array([last - first + 1 for first, last in runs], np.int64)
    numbers = np.array([values[first] for first, _ in runs])
    low, high = known.min(), known.max()
    for place in np.flatnonzero(lengths >= least).tolist():
        number, length = numbers[place], int(lengths[place])
        if number in (0.0, low, high):
            continue
        others = np.delete(lengths, place)
        elsewhere = np.delete(numbers, place)
        alike = others[(2 * others >= length) & (elsewhere != 0)].size
        rests = (others[elsewhere == number] * RESTS >= length).any()
        inside = (lengths - 1)[2 * lengths >= length].sum()
        beside = known.size - 1 - inside
        moves = beside - ((lengths - 1).sum() - inside)
        normally = moves >= max(length, MOVES * beside)
        if alike <= OTHERS and not rests and normally:
            first, last = runs[place]
            usual = int(others[2 * others < length].max(initial=1))
            why = f"{length} steps without the least change, where {usual} are usual"
            yield first, last, why


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    """First and last place of each run of True."""
    walled = np.concatenate([[False], mask, [False]]).astype(np.int8)
    edges = np.diff(walled)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
