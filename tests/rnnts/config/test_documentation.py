import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from rnnts.config import CovariateConfig, PanelConfig, ProjectConfig, SourceConfig

MODELS = (ProjectConfig, PanelConfig, SourceConfig, CovariateConfig)
PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key but `source` and `panels`, which have tables of their own."""
    for name, field in model.model_fields.items():
        below = field.annotation
        if name in {"source", "panels"}:
            continue
        if isinstance(below, type) and issubclass(below, BaseModel):
            yield from keys_of(below, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def documented() -> list[str]:
    rows = re.findall(r"^\| (`[^|]+) \|", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return sorted(name for cell in rows for name in re.findall(r"`([^`]+)`", cell))


def test_every_key_is_documented_once_and_no_other() -> None:
    known = [key for model in MODELS for key in keys_of(model)]
    assert documented() == sorted(known)
