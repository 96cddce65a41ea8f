"""What a network is made of, as one frozen value: with the weights' hash it is the network."""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from rnnts.config import LEVELS, MAX_HORIZON, Architecture, Loss, Scale, usual_units
from rnnts.panels.covariates import Features
from rnnts.panels.seasons import patch_of

Share = Annotated[float, Field(ge=0, lt=1)]


class NetworkConfig(BaseModel):
    """Shape, scaling and capacity of a network. Widths of its inputs are those of its windows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Architecture = "patched_lstm"
    window: PositiveInt  # steps read
    horizon: Annotated[int, Field(ge=1, le=MAX_HORIZON)]  # steps forecast
    levels: tuple[float, ...] = LEVELS  # of the quantiles, rising, with 0.5
    seasons: tuple[tuple[int, int, int], ...] = ()  # (steps, columns of `bases`, reach)
    patch: PositiveInt | None = None  # steps folded into one; default: `patch_of`
    units: PositiveInt = Field(default_factory=usual_units)
    layers: PositiveInt = 2  # recurrent ones; of several in patched_lstm the first is not
    dropout: Share = 0.2
    members: PositiveInt = 1  # networks side by side, whose mean is the forecast
    scale: Scale = "window"
    constant: PositiveFloat = 100.0  # of the scale "constant"
    loss: Loss = "pinball"
    rate: PositiveFloat | None = None  # highest learning rate; default: the recipe's
    known_future: NonNegativeInt = 0  # features known in advance
    past: NonNegativeInt = 0  # features known up to the origin
    static: NonNegativeInt = 0  # features of the series; 2 with the scale "series"
    covariates: Features | None = None  # read instead of `known_future` and `past`

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without covariates as it was before there were any: ids are hashes of this."""
        values: dict[str, Any] = handler(self)
        if values.get("covariates") is None:
            values.pop("covariates", None)
        return values

    @model_validator(mode="after")
    def _covariates(self) -> Self:
        if self.covariates is not None and self.architecture != "patched_lstm":
            raise ValueError(f"{self.architecture} reads no covariates, patched_lstm does")
        return self

    @model_validator(mode="after")
    def _levels(self) -> Self:
        rising = all(low < high for low, high in zip(self.levels, self.levels[1:], strict=False))
        if MEDIAN not in self.levels or not rising or not 0 < self.levels[0] <= self.levels[-1] < 1:
            raise ValueError(f"levels must rise inside (0, 1) and hold 0.5, got {self.levels}")
        return self

    @model_validator(mode="after")
    def _static(self) -> Self:
        if self.scale == "series" and self.static < SERIES_WIDTH:
            raise ValueError(f'scale = "series" needs static = {SERIES_WIDTH}')
        return self

    @property
    def bases(self) -> int:
        """Columns of the input `bases`: those of a season that is not smoothed come shifted too."""
        return sum(columns if reach else 2 * columns for _, columns, reach in self.seasons)

    @property
    def middle(self) -> int:
        """Place of the level 0.5."""
        return self.levels.index(MEDIAN)

    @property
    def folded(self) -> int:
        """Steps of a patch: as given, or those of `patch_of`; never longer than the window."""
        return min(self.window, self.patch or patch_of(self.window, self.season))

    @property
    def season(self) -> int:
        """Steps of the first season; 1 where there is none."""
        return self.seasons[0][0] if self.seasons else 1


MEDIAN = 0.5
"""The level whose quantile is the point forecast."""
SERIES_WIDTH = 2
"""Static features that the scale "series" reads: level and spread of the series."""
