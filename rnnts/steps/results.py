"""What each step gives back: small frozen values that become JSON as they are."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = Any
Kind = Literal["night", "backfill", "shadow", "hindcast"]


class _Result:
    """Shared by all results; a result holds only what JSON can say, and instants."""

    __slots__ = ()

    def to_json(self) -> dict[str, Json]:
        """The result as JSON values; instants as ISO text in UTC."""
        return {name: plain(value) for name, value in asdict(self).items()}  # type: ignore[call-overload] # every subclass is a dataclass


def plain(value: Json) -> Json:
    """A value as JSON; instants as ISO text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class SnapshotResult(_Result):
    """Ingest: the observations of a panel as of an instant, frozen."""

    panel: str
    snapshot_id: str
    as_of: datetime
    watermark: datetime | None  # label of the newest step that can be complete
    series: int
    rows: int  # read from the source this time
    findings: int


@dataclass(frozen=True, slots=True)
class WindowResult(_Result):
    """Window: which windows exist and how they split by time."""

    panel: str
    windows_id: str
    snapshot_id: str
    as_of: datetime
    training: int  # windows that training may draw
    calibration_origins: int
    gate_origins: int
    window: int  # steps
    horizon: int  # steps


@dataclass(frozen=True, slots=True)
class TrainResult(_Result):
    """Train: a candidate, or the reason why there is none."""

    panel: str
    version_id: str
    status: Literal["candidate", "rejected", "existing"]
    steps: int
    seconds: float
    validation_loss: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ScorecardResult(_Result):
    """Evaluate: rolling-origin scores of every method on the same windows."""

    panel: str
    scorecard_id: str
    version_id: str
    origins: int
    scores: dict[str, dict[str, float | None]]  # {method: {mase, smape, wql, coverage_80, …}}
    statistical: str  # how many series the statistical method did, or why none; one sentence


@dataclass(frozen=True, slots=True)
class DecisionResult(_Result):
    """Promote: champion, or rejected with the reason."""

    panel: str
    version_id: str
    action: Literal["promote", "reject"]
    reason: str
    numbers: dict[str, Json] = field(default_factory=dict)
    noop: bool = False  # the same decision stood already


@dataclass(frozen=True, slots=True)
class ScoreResult(_Result):
    """Score: realised accuracy of what was published."""

    panel: str
    publications: int  # whose scores were written or completed
    n: int  # targets scored in them
    skill: float | None  # pooled over them: 1 - sum|error| / sum|seasonal naive's error|


@dataclass(frozen=True, slots=True)
class CalibrationResult(_Result):
    """Calibrate: ranges renewed from realised errors."""

    panel: str
    calibration_id: str | None  # None: no champion to calibrate
    residuals: int  # realised and held-out errors that it rests on
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StagedResult(_Result):
    """Forecast: every series, computed, not yet in any table."""

    panel: str
    staged_id: str
    issued_at: datetime
    series: int
    skipped: int
    methods: dict[str, int]  # series by method
    degraded: bool  # some series fell back


@dataclass(frozen=True, slots=True)
class PublicationResult(_Result):
    """Publish: what makes one issued_at of a panel live."""

    panel: str
    issued_at: datetime
    publication: int | None
    status: str  # live, superseded, held, …
    noop: bool  # it stood already; nothing was written
    rows: int
    exit_code: int  # 0, or 3 where some series fell back
    message: str = ""


@dataclass(frozen=True, slots=True)
class NotifyResult(_Result):
    """Notify: messages sent out of the outbox."""

    panel: str
    sent: int
    waiting: int


@dataclass(frozen=True, slots=True)
class TidyResult(_Result):
    """Tidy: what retention removed."""

    rows: int
    files: int
    removed: dict[str, list[str]] = field(default_factory=dict)  # ids of snapshots and versions


Verdict = Literal["identical", "differs", "altered"]
INTEGRITY = 6
OTHER_MACHINE = 3
"""Exit code where bits differ, and so do versions or processor: that was to be expected."""


@dataclass(frozen=True, slots=True)
class SeriesDifference(_Result):
    """Replay: how one series came out otherwise."""

    series_id: str
    rows: int  # steps in which something differs
    largest: float | None  # of all levels, in the source's unit; None: one of the two has no rows
    published: str  # its method and quality
    replayed: str


@dataclass(frozen=True, slots=True)
class ReplayResult(_Result):
    """Replay: a publication computed again, and held against what was published."""

    panel: str
    publication: int
    issued_at: datetime
    kind: str
    status: str
    verdict: Verdict
    series: int
    rows: int
    held_against: Literal["table", "files"]  # where the published rows stand
    snapshot_id: str
    version_id: str | None  # of the network that served; None: plain methods alone
    calibration_id: str | None
    made_elsewhere: list[str]  # versions and processor that are not as they were
    series_differing: int = 0
    rows_differing: int = 0
    largest: float | None = None  # of all series
    differences: list[SeriesDifference] = field(default_factory=list)  # the largest of them

    @property
    def exit_code(self) -> int:
        """0 where every bit is the same, 3 where other versions or another processor explain it."""
        if self.verdict == "identical":
            return 0
        return OTHER_MACHINE if self.verdict == "differs" and self.made_elsewhere else INTEGRITY


@dataclass(frozen=True, slots=True)
class RollbackResult(_Result):
    """Rollback: what was taken back, and what holds instead."""

    panel: str
    what: Literal["forecast", "model"]
    taken_back: str  # a publication's number, or a version's id
    instead: str
    effective_from: datetime  # of a model: the next slot; of a forecast: its issued_at
    by: str
    reason: str
