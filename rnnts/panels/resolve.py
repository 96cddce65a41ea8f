"""Every setting of a panel, resolved: what the user wrote, else what frequency and history say."""

from dataclasses import dataclass, replace

from rnnts.config import PanelConfig, duration_seconds
from rnnts.errors import ConfigurationError
from rnnts.panels.grid import DAY, Grid
from rnnts.panels.seasons import MOST_PATCHES, Season, patch_of, seasons_of

MINUTES = 15.0
"""Default training budget."""
WINDOW_DAYS = 14
"""Default window below a day: two of each weekday."""
MOST_WINDOW = 2_016
"""Steps beyond which the default window is one week: the bases show the weeks before it anyway, and
of 5 minutes a step over two weeks took half as long again, for no smaller held-out errors."""
WINDOW_OF_DAYS = 56
WINDOW_OF_WEEKS = 104
WINDOW_OF_MONTHS = 60
WINDOWS_IN_HISTORY = 3
"""A history shorter than this many windows gets a shorter one: training needs offsets to draw."""
MIN_DELAY = 6 * 3_600
MIN_STALE = 48 * 3_600


@dataclass(frozen=True, slots=True)
class Setting:
    """One resolved value and where it came from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a panel's steps work with; durations in seconds, window, patch and horizon in steps."""

    panel: str
    grid: Grid
    horizon: int
    window: int
    patch: int
    seasons: tuple[Season, ...]
    levels: tuple[float, ...]
    minimum: float | None
    maximum: float | None
    integer: bool
    max_delay: int
    max_stale: int
    minutes: float | None  # None where `steps` was given
    steps: int | None
    memory_gb: float
    seed: int
    architecture: str
    revision_span: str
    network: tuple[tuple[str, str], ...]  # architecture, units, …: as `rnnts check` prints them
    origins: tuple[tuple[str, str], ...]

    def knowing(self, lowest: float) -> "Resolved":
        """With what the lowest observation says; NaN: there is none."""
        if self.minimum is not None or not lowest >= 0:
            return self
        origins = {**dict(self.origins), "minimum": "no value was ever negative"}
        return replace(self, minimum=0.0, origins=tuple(origins.items()))

    def explain(self) -> list[Setting]:
        """Every value with its origin, as `rnnts check` prints them."""
        origins = dict(self.origins)
        values = {
            "frequency": self.grid.frequency,
            "timezone": self.grid.timezone,
            "phase": f"{self.grid.phase} s",
            "label": self.grid.label,
            "horizon": f"{self.horizon} steps",
            "window": f"{self.window} steps",
            "patch": f"{self.patch} steps",
            "seasons": ", ".join(f"{season.name} ({season.steps})" for season in self.seasons),
            "quantiles": ", ".join(f"{level:g}" for level in self.levels),
            "minimum": "none" if self.minimum is None else f"{self.minimum:g}",
            "maximum": "none" if self.maximum is None else f"{self.maximum:g}",
            "integer": "yes" if self.integer else "no",
            "max_delay": _hours(self.max_delay),
            "max_stale": _hours(self.max_stale),
            "revision_span": self.revision_span,
            **dict(self.network),
            "budget": f"{self.steps} steps" if self.minutes is None else f"{self.minutes:g} min",
            "memory_gb": f"{self.memory_gb:g}",
            "seed": str(self.seed),
        }
        return [
            Setting(name, value, origins.get(name, "default")) for name, value in values.items()
        ]


def resolve(name: str, config: PanelConfig, grid: Grid, history_steps: int) -> Resolved:
    """Settle every value of a panel.

    Args:
        name: The panel's name.
        config: What the user wrote.
        grid: The panel's time line, frozen at its first ingest.
        history_steps: Steps from the oldest observation of any series to the newest.

    Returns:
        The settled values; each knows where it came from.
    """
    seasons = seasons_of(grid.frequency, history_steps)
    window, window_origin = _window(config, grid, seasons, history_steps)
    step = grid.step_seconds
    longest = max(season.steps for season in seasons)
    delay = _duration(config.max_delay, max(MIN_DELAY, 2 * step))
    stale = _duration(config.max_stale, max(MIN_STALE, config.horizon * step, 2 * longest * step))
    minutes = config.train.minutes if config.train.minutes is not None else MINUTES
    written = "rnnts.toml"
    network = _network(config)
    chosen = config.model.model_fields_set | config.train.model_fields_set
    origins = {
        "frequency": written if config.frequency else "the labels of the data",
        "timezone": written if "timezone" in config.model_fields_set else "default",
        "phase": _phase_origin(config),
        "label": written if "label" in config.source.model_fields_set else "default",
        "horizon": written,
        "window": window_origin,
        "patch": f"whole seasons of a {seasons[0].name}, at most {MOST_PATCHES} in a window",
        "seasons": f"frequency {grid.frequency} and {history_steps} steps of history",
        "quantiles": written if "quantiles" in config.model_fields_set else "default: all",
        "minimum": written if config.minimum is not None else _minimum_origin(config),
        "maximum": written if config.maximum is not None else "default",
        "integer": written if "integer" in config.model_fields_set else "default",
        "max_delay": written if config.max_delay else "the larger of 6 h and 2 steps",
        "max_stale": written if config.max_stale else "the largest of 48 h, horizon, 2 seasons",
        "revision_span": written if "revision_span" in config.model_fields_set else "default",
        **{name: written if name in chosen else "default" for name in dict(network)},
        "budget": written if {"minutes", "steps"} & config.train.model_fields_set else "default",
        "memory_gb": written if "memory_gb" in config.train.model_fields_set else "default",
        "seed": written if "seed" in config.train.model_fields_set else "default",
    }
    return Resolved(
        panel=name,
        grid=grid,
        horizon=config.horizon,
        window=window,
        patch=patch_of(window, seasons[0].steps),
        seasons=seasons,
        levels=config.quantiles,
        minimum=_minimum(config),
        maximum=config.maximum,
        integer=config.integer,
        max_delay=delay,
        max_stale=stale,
        minutes=None if config.train.steps is not None else minutes,
        steps=config.train.steps,
        memory_gb=config.train.memory_gb,
        seed=config.train.seed,
        architecture=config.model.architecture,
        revision_span=config.revision_span,
        network=network,
        origins=tuple(origins.items()),
    )


def _network(config: PanelConfig) -> tuple[tuple[str, str], ...]:
    """What decides the network and its training, as text; some of it only where written."""
    model = config.model
    settings = {
        "architecture": model.architecture,
        "units": str(model.units),
        "scale": model.scale,
        "loss": model.loss,
    }
    if model.scale == "constant":
        settings["constant"] = f"{model.constant:g}"
    if config.train.rate is not None:
        settings["rate"] = f"{config.train.rate:g}"
    if config.train.start != "auto":
        settings["start"] = config.train.start
    return tuple(settings.items())


def check_window(config: PanelConfig, resolved: Resolved, history_steps: int) -> None:
    """Refuse a window that the user wrote and no history fills.

    Raises:
        ConfigurationError: WINDOW_TOO_LONG, with one that fits.
    """
    if config.model.window is None or resolved.window < history_steps:
        return
    fitting, _ = _usual_window(resolved.grid, resolved.seasons, history_steps)
    section = f"[panels.{resolved.panel}]"
    raise ConfigurationError(
        "WINDOW_TOO_LONG",
        panel=resolved.panel,
        expected=f"a window shorter than the history of {history_steps:,} steps",
        got=f"{resolved.window:,} steps",
        do=f"set model.window = {fitting} in {section}, or leave it out"
        if fitting < history_steps
        else "wait for more history, or load older observations",
    )


def _window(
    config: PanelConfig, grid: Grid, seasons: tuple[Season, ...], history_steps: int
) -> tuple[int, str]:
    """The window in steps, and why; whole first seasons, because patches are."""
    if config.model.window is not None:
        return config.model.window, "rnnts.toml"
    return _usual_window(grid, seasons, history_steps)


def _usual_window(grid: Grid, seasons: tuple[Season, ...], history_steps: int) -> tuple[int, str]:
    if grid.step_seconds < DAY:
        usual = WINDOW_DAYS * grid.steps_per_day
        usual = usual if usual <= MOST_WINDOW else usual // 2
    else:
        of_steps = {"1D": WINDOW_OF_DAYS, "1W": WINDOW_OF_WEEKS, "1MS": WINDOW_OF_MONTHS}
        usual = of_steps[grid.frequency]
    season = seasons[0].steps
    if history_steps >= WINDOWS_IN_HISTORY * usual:
        return usual, f"frequency {grid.frequency}"
    fitting = max(history_steps // WINDOWS_IN_HISTORY // season, 2) * season
    patch = patch_of(fitting, season)
    return min(usual, fitting // patch * patch), f"a third of {history_steps} steps of history"


def _minimum(config: PanelConfig) -> float | None:
    """What the user wrote; a count has a floor without being told."""
    if config.minimum is None and config.source.aggregate == "count":
        return 0.0
    return config.minimum


def _minimum_origin(config: PanelConfig) -> str:
    return "default" if _minimum(config) is None else "a count is never negative"


def _duration(text: str | None, default: int) -> int:
    return default if text is None else duration_seconds(text)


def _hours(seconds: int) -> str:
    return f"{seconds / 3_600:g} h"


def _phase_origin(config: PanelConfig) -> str:
    if config.source.phase is not None:
        return "rnnts.toml"
    return "default of events" if config.source.aggregate else "the labels of the data"
