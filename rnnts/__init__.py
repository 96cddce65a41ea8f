"""Point rnnts at a table of time series and every night calibrated forecasts stand beside it."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "open_project"]

if TYPE_CHECKING:
    from rnnts.project import open_project


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562 asks for it
    """Import on first use, so that `import rnnts` stays cheap."""
    if name == "open_project":
        from rnnts.project import open_project  # noqa: PLC0415 - pandas and SQLAlchemy cost a second

        return open_project
    raise AttributeError(f"module 'rnnts' has no attribute {name!r}")
