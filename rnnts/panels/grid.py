"""The time line of a panel: instants become integer steps, and steps become labels again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self, cast
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.config import Frequency, Label
from rnnts.panels.arrays import BoolArray, FloatArray, IntArray
from rnnts.panels.zones import DAY, instants_of, zone_offsets

SECONDS: dict[Frequency, int] = {
    "5min": 300,
    "10min": 600,
    "15min": 900,
    "30min": 1_800,
    "1h": 3_600,
    "1D": 86_400,
    "1W": 604_800,
    "1MS": 2_629_746,
}
"""Nominal seconds of a step; a local day may have an hour more or less, a month is a twelfth of the
mean year of the calendar."""
MONDAY = 4 * DAY
"""Seconds from the epoch, a Thursday, to the first Monday: the natural origin of weeks."""

LONGEST: dict[Frequency, int] = {**SECONDS, "1MS": 31 * DAY}
"""Seconds of the longest step, were no clock ever changed."""

__all__ = ["DAY", "LONGEST", "MONDAY", "SECONDS", "Grid", "month_phase", "zone_offsets"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the steps of a panel lie.

    Steps shorter than a day are counted in UTC, so no hour is lost or doubled when clocks change;
    days, weeks and months are counted in the panel's zone.

    Args:
        frequency: Length of a step.
        timezone: The panel's zone: days, weeks and wall clocks.
        phase: Seconds after the natural origin (epoch below a day, local midnight for days, local
            Monday 00:00 for weeks, local midnight of the first for months) at which steps begin;
            30 days and more after it is the last day of every month.
        label: What a time stamp marks.
    """

    frequency: Frequency
    timezone: str = "UTC"
    phase: int = 0
    label: Label = "start"

    @property
    def step_seconds(self) -> int:
        """Nominal length of a step in seconds."""
        return SECONDS[self.frequency]

    @property
    def steps_per_day(self) -> int:
        """Steps of a day: 24 for hours, 1 for days, 0 for weeks and months."""
        return DAY // self.step_seconds

    def step_of(self, seconds: IntArray) -> IntArray:
        """Steps that stamps label, [n] epoch seconds -> [n]; off the grid, the step around."""
        seconds = np.asarray(seconds, np.int64)
        steps: IntArray = (self._civil(seconds) - self._origin()) // self.step_seconds
        if not self._in_utc():  # while clocks go back, the wall clock shows the day before again
            steps = steps + (self.label_of(steps + 1) <= seconds)
        if self.label == "end":  # the step that ends at or after the stamp
            steps = steps + (self.label_of(steps) < seconds)
        return steps

    def label_of(self, steps: IntArray) -> IntArray:
        """Labels of steps, [n] -> [n] epoch seconds: a forecast's target times."""
        civil = np.asarray(steps, np.int64) * self.step_seconds + self._origin()
        return civil if self._in_utc() else self._from_civil(civil)

    def told(self, step: int) -> str:
        """A step's label for a person, by the panel's wall clock, with its offset.

        >>> Grid("1h", "America/New_York").told(0)
        '1969-12-31 19:00-05:00'
        """
        label = int(self.label_of(np.array([step]))[0])
        at = datetime.fromtimestamp(label, ZoneInfo(self.timezone))
        return at.isoformat(" ", "minutes")

    def on_grid(self, seconds: IntArray) -> BoolArray:
        """Whether stamps are labels of the grid, [n]."""
        seconds = np.asarray(seconds, np.int64)
        same: BoolArray = self.label_of(self.step_of(seconds)) == seconds
        return same

    def visible_from(self, steps: IntArray) -> IntArray:
        """Instants from which steps can be seen, once they have ended, [n] epoch seconds."""
        steps = np.asarray(steps, np.int64)
        return self.label_of(steps + 1) if self.label == "start" else self.label_of(steps)

    def last_visible(self, as_of: datetime) -> int:
        """Newest step that has ended at `as_of`."""
        second = int(np.floor(as_of.timestamp()))
        guess = int(self.step_of(np.array([second]))[0])
        near = np.arange(guess - 2, guess + 2)
        return int(near[self.visible_from(near) <= second][-1])

    def first_target(self, as_of: datetime) -> int:
        """First step that has not ended at `as_of`: where a forecast begins."""
        return self.last_visible(as_of) + 1

    def lagged(self, steps: IntArray, days: int) -> IntArray:
        """Steps of the same wall clock `days` days earlier, [n].

        A week is 7 days, a year of months 365. Where that hour did not exist, the one beside it is
        taken.
        """
        steps = np.asarray(steps, np.int64)
        if self.frequency == "1W":
            return steps - days // 7
        if self.frequency == "1D":
            return steps - days
        if self.frequency == "1MS":
            return steps - round(days * DAY / self.step_seconds)
        label = self.label_of(steps)
        earlier = label - days * DAY
        shift = zone_offsets(label, self.timezone) - zone_offsets(earlier, self.timezone)
        lagged: IntArray = (earlier + shift - self.phase) // self.step_seconds
        return lagged

    def wall_clock(self, steps: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
        """Hour of day (0 to 24), day of week (Monday 0) and day of year (from 1), each [n]."""
        label = self.label_of(np.asarray(steps, np.int64))
        civil = label + zone_offsets(label, self.timezone)
        hour_of_day = (civil % DAY) / 3_600.0
        day_of_week = ((civil - MONDAY) // DAY) % 7
        days = civil.astype("datetime64[s]").astype("datetime64[D]")
        day_of_year = (days - days.astype("datetime64[Y]")).astype(np.int64) + 1
        return hour_of_day, day_of_week.astype(np.int64), day_of_year

    def to_json(self) -> dict[str, Any]:
        """The grid as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The grid that `to_json` wrote."""
        return cls(
            cast("Frequency", values["frequency"]),
            str(values["timezone"]),
            int(values["phase"]),
            cast("Label", values["label"]),
        )

    def _in_utc(self) -> bool:
        return self.step_seconds < DAY

    def _origin(self) -> int:
        return self.phase + (MONDAY if self.frequency == "1W" else 0)

    def _civil(self, seconds: IntArray) -> IntArray:
        """Seconds of a clock on which every step has its nominal length."""
        if self._in_utc():
            return seconds
        local = seconds + zone_offsets(seconds, self.timezone)
        if self.frequency != "1MS":
            return local
        months = months_of(local)
        months = months - (local < month_start(months, self.phase))
        into = local - month_start(months, self.phase)  # at the end of the longest it stands still
        civil: IntArray = months * self.step_seconds + np.minimum(into, self.step_seconds - 1)
        return civil + self.phase

    def _from_civil(self, civil: IntArray) -> IntArray:
        """Where midnight does not exist the day begins when clocks go on; where twice, at first."""
        if self.frequency == "1MS":
            civil = month_start((civil - self.phase) // self.step_seconds, self.phase)
        return instants_of(civil, self.timezone).first


def months_of(seconds: IntArray) -> IntArray:
    """Months of the calendar since the epoch, [n] -> [n]."""
    months: IntArray = seconds.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return months


def month_start(months: IntArray, phase: int = 0) -> IntArray:
    """Seconds at which months begin, [n] -> [n]; what a month is too short for is its last day.

    >>> str(month_start(np.array([1]), 30 * DAY)[0].astype("datetime64[s]"))
    '1970-02-28T00:00:00'
    """
    first = months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    start: IntArray = np.minimum(first + phase, after - DAY + phase % DAY)
    return start


def month_phase(seconds: IntArray) -> IntArray:
    """Seconds after the first of a month, [n] -> [n]; the last day of any month is the 31st."""
    months = months_of(seconds)
    last = months_of(seconds + DAY) > months
    into = seconds - month_start(months)
    phase: IntArray = np.where(last, 30 * DAY + seconds % DAY, into)
    return phase
