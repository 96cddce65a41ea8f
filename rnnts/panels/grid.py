"""The time line of a panel: instants become integer steps, and steps become labels again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self, cast

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
}
"""Nominal seconds of a step; a local day may have an hour more or less."""
MONDAY = 4 * DAY
"""Seconds from the epoch, a Thursday, to the first Monday: the natural origin of weeks."""

__all__ = ["DAY", "MONDAY", "SECONDS", "Grid", "zone_offsets"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the steps of a panel lie.

    Steps shorter than a day are counted in UTC, so no hour is lost or doubled when clocks change;
    days and weeks are counted in the panel's zone.

    Args:
        frequency: Length of a step.
        timezone: The panel's zone: days, weeks and wall clocks.
        phase: Seconds after the natural origin (epoch below a day, local midnight for days, local
            Monday 00:00 for weeks) at which steps begin.
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
        """Steps of a day: 24 for hours, 1 for days, 0 for weeks."""
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
        """Steps of the same wall clock `days` days earlier, [n]; a week of weeks is 7 days.

        Where that hour did not exist, the one beside it is taken.
        """
        steps = np.asarray(steps, np.int64)
        if self.frequency == "1W":
            return steps - days // 7
        if self.frequency == "1D":
            return steps - days
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
        return seconds if self._in_utc() else seconds + zone_offsets(seconds, self.timezone)

    def _from_civil(self, civil: IntArray) -> IntArray:
        """Where midnight does not exist the day begins when clocks go on; where twice, at first."""
        return instants_of(civil, self.timezone).first
