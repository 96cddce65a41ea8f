"""What the page is told, as plain values."""

from dataclasses import dataclass
from datetime import datetime

MAX_ROWS = 1_000
"""No query of a page gives more."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One publication."""

    publication: int
    issued_at: datetime
    kind: str
    status: str
    revision: int
    version_id: str | None
    horizon: int  # steps
    series: int
    skipped: int
    rows: int
    degraded: bool
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Realised:
    """What forecasts were worth, summed over the targets whose truth is known."""

    n: int
    absolute_error: float
    naive_absolute_error: float
    ranged: int  # of the n, those that had ranges
    covered_80: int
    covered_95: int

    @property
    def skill(self) -> float | None:
        """1 - sum of |error| / sum of |seasonal naive's error|; None while nothing is known."""
        if self.n == 0 or self.naive_absolute_error == 0:
            return None
        return 1 - self.absolute_error / self.naive_absolute_error

    @property
    def coverage_80(self) -> float | None:
        """Share of the truth inside the 80 % range."""
        return self.covered_80 / self.ranged if self.ranged else None

    def plus(self, other: "Realised") -> "Realised":
        """Both together."""
        return Realised(
            self.n + other.n,
            self.absolute_error + other.absolute_error,
            self.naive_absolute_error + other.naive_absolute_error,
            self.ranged + other.ranged,
            self.covered_80 + other.covered_80,
            self.covered_95 + other.covered_95,
        )


NOTHING_REALISED = Realised(0, 0.0, 0.0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate, or a person, last decided."""

    action: str
    version_id: str
    reason: str
    decided_by: str
    recorded_at: datetime
    effective_from: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """A step or a flow that ran, or runs."""

    step: str
    as_of: datetime | None
    status: str
    message: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """A line of the list of series."""

    key: int
    series_id: str
    method: str | None  # of the newest issue; None: it has no forecast there
    quality: str | None
    realised: Realised


@dataclass(frozen=True, slots=True)
class KnownSeries:
    """One series."""

    key: int
    panel: str
    series_id: str


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One target of a forecast."""

    step: int
    target_time: datetime
    point: float
    quantiles: tuple[float | None, ...]  # by LEVELS
    method: str
    quality: str


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Which part of the list of series is asked for."""

    panel: str
    search: str = ""  # some part of the name, in any case
    after: int | None = None  # key of the last series of the page before
    limit: int = 50
