"""A project of two panels, of which only the configuration exists."""

from pathlib import Path

import pytest

CONFIG = """\
[panels.loads]
source = { table = "loads", series = ["feeder"], time = "read_at", value = "kw" }
frequency = "1h"
horizon = 24
timezone = "America/New_York"
schedule = { forecast = "0 2 * * *", retrain = "0 3 * * 0" }

[panels.calls]
source = { table = "calls", time = "at", value = "n" }
frequency = "1h"
horizon = 24
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Path of its rnnts.toml."""
    file = tmp_path / "rnnts.toml"
    file.write_text(CONFIG)
    return str(file)
