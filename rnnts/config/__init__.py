"""What a user writes in `rnnts.toml`, as frozen values; unknown keys are refused."""

from rnnts.config.durations import duration_seconds
from rnnts.config.load import load_project_config
from rnnts.config.values import (
    LEVELS,
    MAX_HORIZON,
    Aggregate,
    Architecture,
    CovariateConfig,
    DatabaseConfig,
    Frequency,
    Label,
    Loss,
    ModelConfig,
    PanelConfig,
    ProjectConfig,
    Scale,
    ScheduleConfig,
    SourceConfig,
    StoreConfig,
    TrainConfig,
    usual_units,
)

__all__ = [
    "LEVELS",
    "MAX_HORIZON",
    "Aggregate",
    "Architecture",
    "CovariateConfig",
    "DatabaseConfig",
    "Frequency",
    "Label",
    "Loss",
    "ModelConfig",
    "PanelConfig",
    "ProjectConfig",
    "Scale",
    "ScheduleConfig",
    "SourceConfig",
    "StoreConfig",
    "TrainConfig",
    "duration_seconds",
    "load_project_config",
    "usual_units",
]
