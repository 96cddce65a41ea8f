"""The values of a configuration: frozen, and refusing what they do not know."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    SecretStr,
    model_validator,
)

Frequency = Literal["5min", "10min", "15min", "30min", "1h", "1D", "1W", "1MS"]
Label = Literal["start", "end", "instant"]
Aggregate = Literal["count", "sum", "mean", "last"]
Architecture = Literal[
    "patched_lstm",
    "simple_rnn",
    "lstm",
    "bidirectional_lstm",
    "sequence_to_vector",
    "sequence_to_sequence",
]
LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""Every quantile level that the tables have a column for."""
MAX_HORIZON = 10_000
UNITS = 64
"""Width of each recurrent layer of the networks that read step by step."""
PATCHED_UNITS = 128
"""The same of patched_lstm. After equal steps better than 64 on all five panels tried, if by little
on the flights, and in equal time on M4 Hourly, the only one timed (docs/research.md)."""
Scale = Literal["window", "series", "constant"]
Loss = Literal["pinball", "huber"]
Start = Literal["auto", "scratch"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _no_truth(value: object) -> object:
    if isinstance(value, bool):  # pydantic takes true for 1
        raise ValueError("a number is needed")  # noqa: TRY004 - pydantic passes TypeErrors through
    return value


Columns = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class SourceConfig(_Frozen):
    """Where a panel's observations stand and how its columns are to be read."""

    table: str | None = None  # "name" or "schema.name"
    query: str | None = None  # a SELECT, instead of `table`
    url: SecretStr | None = None  # another database; default: the results database
    series: Columns = ()  # key columns; none: the whole table is one series
    time: str
    value: str | None = None
    aggregate: Aggregate | None = None  # rows are events
    where: str | None = None
    label: Label = "start"
    timezone: str | None = None  # zone of naive stamps; default: the panel's
    known_at: str | None = None
    phase: str | None = None  # offset of the grid, such as "15min" or "6h"; default: the labels'

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        if self.value is None and self.aggregate != "count":
            raise ValueError('value is required unless aggregate = "count"')
        if self.aggregate is not None and self.label != "start":
            raise ValueError('events are labelled by their start: leave out label or use "start"')
        return self


class CovariateConfig(_Frozen):
    """One `[panels.NAME.covariates.X]`: a table of what is known besides the values."""

    table: str | None = None  # "name" or "schema.name"
    query: str | None = None  # a SELECT, instead of `table`
    url: SecretStr | None = None  # another database; default: the panel's source
    series: Columns = ()  # some of the panel's key columns; none: the same for every series
    time: str | None = None  # not needed where all columns are static
    known_at: str | None = None  # when a row became known; the newest known row counts
    where: str | None = None
    label: Label = "start"
    timezone: str | None = None  # zone of naive stamps; default: the panel's
    known_future: Columns = ()  # numbers that are known for the horizon too
    past: Columns = ()  # numbers that are known up to the issue
    static: Columns = ()  # categories of a series

    @property
    def dynamic(self) -> tuple[str, ...]:
        """Columns of numbers that change with time, those known in advance first."""
        return (*self.known_future, *self.past)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        if not (self.dynamic or self.static):
            raise ValueError("name columns in known_future, past or static")
        if self.time is None and (self.dynamic or self.known_at):
            raise ValueError("time is required unless all columns are static")
        return self


def usual_units(model: dict[str, Any]) -> int:
    """Width of the recurrent layers of an architecture, unless one is given."""
    patched = model.get("architecture", "patched_lstm") == "patched_lstm"
    return PATCHED_UNITS if patched else UNITS


class ModelConfig(_Frozen):
    """The network; everything left out follows from frequency and history."""

    architecture: Architecture = "patched_lstm"
    window: PositiveInt | None = None  # steps
    scale: Scale = "window"
    constant: PositiveFloat = 100.0  # of the scale "constant"
    units: PositiveInt = Field(default_factory=usual_units)
    loss: Loss = "pinball"


class TrainConfig(_Frozen):
    """The budget of one training."""

    minutes: PositiveFloat | None = None  # default 15
    steps: PositiveInt | None = None  # instead of minutes: equal runs give equal bits
    rate: PositiveFloat | None = None  # highest learning rate; default: the architecture's
    start: Start = "auto"  # with the champion's weights where they fit; or always random ones
    memory_gb: PositiveFloat = 8.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.minutes is not None and self.steps is not None:
            raise ValueError("give either minutes or steps")
        return self


class ScheduleConfig(_Frozen):
    """Cron expressions in the panel's zone; absent means: only when asked for."""

    forecast: str | None = None
    retrain: str | None = None


class PanelConfig(_Frozen):
    """One `[panels.NAME]`."""

    source: SourceConfig
    horizon: Annotated[int, Field(ge=1, le=MAX_HORIZON), BeforeValidator(_no_truth)]
    frequency: Frequency | None = None  # default: inferred from the labels
    timezone: str = "UTC"  # calendar and cron
    schedule: ScheduleConfig = ScheduleConfig()
    quantiles: tuple[float, ...] = LEVELS  # some of LEVELS, rising, with 0.5
    minimum: float | None = None
    maximum: float | None = None
    integer: bool = False  # every published quantile is a whole number
    max_delay: str | None = None  # a duration, "6h"
    max_stale: str | None = None
    revision_span: str = "35d"
    holidays: str | None = None  # a country, "US", or one of its parts, "US-NY"
    covariates: dict[str, CovariateConfig] = Field(default_factory=dict)
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()


class DatabaseConfig(_Frozen):
    """The results database."""

    url: SecretStr = SecretStr("sqlite:///.rnnts/rnnts.db")
    wait_seconds: NonNegativeFloat = 60.0  # how long a locked database is waited for


class StoreConfig(_Frozen):
    """The artefact store."""

    path: str = ".rnnts/store"  # relative to rnnts.toml


class ProjectConfig(_Frozen):
    """A whole `rnnts.toml`."""

    database: DatabaseConfig = DatabaseConfig()
    store: StoreConfig = StoreConfig()
    panels: dict[str, PanelConfig] = Field(default_factory=dict)
    _variables: dict[tuple[str, ...], str] = PrivateAttr(default_factory=dict)

    def overridden(self, variables: Mapping[tuple[str, ...], str]) -> Self:
        """The same, knowing which environment variable set which key."""
        self._variables = dict(variables)
        return self

    def variable(self, *keys: str) -> str | None:
        """The environment variable that set a key, such as `("panels", "loads", "horizon")`."""
        return self._variables.get(keys)
