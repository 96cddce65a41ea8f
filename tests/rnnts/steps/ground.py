"""A project whose source a test fills row by row, on SQLite or PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from rnnts.database.engine import Database
from rnnts.database.findings import FindingRow, findings_of
from rnnts.panels.arrays import FloatArray
from rnnts.panels.panel import Panel
from rnnts.project import Project, open_project
from rnnts.steps.ingest import ingest
from rnnts.steps.results import SnapshotResult
from rnnts.steps.snapshots import load_panel

PANEL = "loads"
START = datetime(2024, 1, 1, tzinfo=UTC)
CONFIG = """
[database]
url = "{url}"

[panels.loads]
source = {{ table = "readings", series = ["feeder"], time = "at", value = "load"{source} }}
horizon = 6
{panel}
"""
Row = Mapping[str, Any]


class Ground:
    """A results database that also holds the source table `readings`.

    Args:
        folder: Where the project is laid out.
        database: Results and source.
        source: More keys of the source, as TOML behind a comma.
        panel: More keys of the panel, as TOML lines.
    """

    def __init__(
        self, folder: Path, database: Database, source: str = "", panel: str = 'frequency = "1h"'
    ) -> None:
        self.folder = folder
        self.database = database
        database.create_file()
        self.configure(source, panel)

    def configure(self, source: str = "", panel: str = 'frequency = "1h"') -> None:
        """Write the configuration anew."""
        values = {"url": self.database.url, "source": source and f", {source}", "panel": panel}
        (self.folder / "rnnts.toml").write_text(CONFIG.format(**values), encoding="utf-8")

    @property
    def project(self) -> Project:
        return open_project(self.folder / "rnnts.toml")

    def run(self, *statements: str) -> None:
        """Run SQL on the source."""
        with self.database.writing() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def create(self, columns: str = "feeder TEXT, at TEXT, load REAL") -> None:
        """Create the table of readings."""
        self.run(f"CREATE TABLE readings ({columns})")

    def insert(self, rows: Sequence[Row]) -> None:
        """Add rows to the readings; all have the keys of the first."""
        names = list(rows[0])
        sql = text(
            f"INSERT INTO readings ({', '.join(names)}) "  # noqa: S608 - names of the test
            f"VALUES ({', '.join(f':{name}' for name in names)})"
        )
        with self.database.writing() as connection:
            connection.execute(sql, [dict(row) for row in rows])

    def ingest(self, as_of: datetime) -> SnapshotResult:
        """Ingest as of an instant."""
        project = self.project
        try:
            return ingest(project, PANEL, as_of)
        finally:
            project.database.close()

    def panel(self, snapshot_id: str, first_step: int | None = None) -> Panel:
        """Load a snapshot."""
        return load_panel(self.project, snapshot_id, first_step)

    def values(self, as_of: datetime, series: str = "a") -> FloatArray:
        """Ingest, and give the values of one series from its first to the watermark, [steps]."""
        panel = self.panel(self.ingest(as_of).snapshot_id)
        names = [info.series_id for info in panel.series]
        row = names.index(series)
        return panel.values[row, panel.series[row].first - panel.first_step :]

    def findings(self) -> dict[str, FindingRow]:
        """The recorded findings by code; a panel's own before those of its series."""
        with self.database.reading() as connection:
            rows = findings_of(connection, PANEL)
        return {row.code: row for row in sorted(rows, key=lambda row: row.series_id, reverse=True)}


def at(hour: float) -> str:
    """Text of the instant so many hours after the start, as a table may have it."""
    return f"{START + timedelta(hours=hour):%Y-%m-%d %H:%M:%S}"


def hour(count: float) -> datetime:
    """The instant so many hours after the start."""
    return START + timedelta(hours=count)


def readings(values: Sequence[object], series: str = "a", first: int = 0) -> list[dict[str, Any]]:
    """A row for each hour."""
    return [
        {"feeder": series, "at": at(first + place), "load": value}
        for place, value in enumerate(values)
    ]


def same(values: FloatArray, expected: Sequence[float | None]) -> bool:
    """Whether values are these, None standing for a missing one."""
    wanted = np.array([np.nan if value is None else value for value in expected])
    return values.shape == wanted.shape and bool(
        ((values == wanted) | (np.isnan(values) & np.isnan(wanted))).all()
    )
