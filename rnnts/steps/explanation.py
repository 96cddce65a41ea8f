"""What `explain` says of a forecast: small frozen values, all of them JSON."""

from dataclasses import asdict, dataclass, field
from datetime import datetime

from rnnts.steps.results import Json, plain


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is as it is: a finding of that night, as it was then."""

    code: str
    evidence: str
    remedy: str
    of_panel: bool  # it concerns the panel, not this series alone


@dataclass(frozen=True, slots=True)
class Model:
    """Which network was asked, if any."""

    version_id: str
    role: str  # "champion", or "the champion before it"
    trained_as_of: datetime
    effective_from: datetime | None
    calibration_id: str | None
    calibrated_as_of: datetime | None
    errors: int | None  # that the calibration was learnt from


@dataclass(frozen=True, slots=True)
class Inputs:
    """What of the series could be seen."""

    snapshot_id: str
    watermark: datetime  # label of the newest step that any series has
    newest: datetime | None  # label of this series' newest observation
    age: int  # steps of it without an observation, up to the first target
    window: int  # steps
    history: int  # steps from the first observation on
    unseen: int  # steps of the window without an observation
    missing: int  # of these, before its newest observation: gaps, which are imputed


@dataclass(frozen=True, slots=True)
class Range:
    """Mean width of a range over the horizon, in the source's unit."""

    share: float
    network: float | None  # the network's own; None: a plain method serves
    calibrated: float | None
    published: float


@dataclass(frozen=True, slots=True)
class PastStretch:
    """A stretch of the past that is like the newest one."""

    first: datetime
    last: datetime
    distance: float  # 1: as far as one season usually is from the next
    after: list[float | None]  # what came then, by step
    mean_after: float


@dataclass(frozen=True, slots=True)
class ChangePart:
    """How much of a change one cause made."""

    name: str
    what: str  # changed, in words
    mean: float  # of the median, over the target times
    range_80: float | None  # of the mean width of the 80 % range
    by_target: list[float]  # of the median


@dataclass(frozen=True, slots=True)
class Change:
    """Why a forecast is not that of the issue before."""

    publication: int
    issued_at: datetime
    method_before: str
    method_now: str
    targets: list[datetime]  # that both issues forecast
    before: list[float]  # the median
    now: list[float]
    mean_before: float
    mean_now: float
    range_80_before: float | None
    range_80_now: float | None
    parts: list[ChangePart]

    @property
    def mean(self) -> float:
        """The whole, as the parts sum to it."""
        return self.mean_now - self.mean_before


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known of one forecast of one series."""

    panel: str
    series_id: str
    publication: int
    issued_at: datetime
    kind: str
    status: str
    timezone: str
    method: str
    quality: str
    quality_why: str
    reasons: list[Reason]
    baseline_days: int | None  # season of the baseline that the gate chose
    model: Model | None
    inputs: Inputs
    targets: list[datetime]
    point: list[float]
    ranges: list[Range]
    widened: bool  # because the newest observation is old
    alike: list[PastStretch]
    change: Change | None
    no_change: str  # why the difference is not taken apart; "" where it is
    made_elsewhere: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Json]:
        """The same as JSON values; the change with its mean."""
        values: dict[str, Json] = plain(asdict(self))
        if self.change is not None:
            values["change"]["mean"] = self.change.mean
        return values
