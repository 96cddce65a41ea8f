"""Init: look into a database and write the rnnts.toml that it suggests."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from rnnts.database.engine import open_source
from rnnts.database.source_inspect import relation_names, sample_rows, table_relation
from rnnts.errors import ConfigurationError
from rnnts.panels.proposal import Proposal, propose_panel

if TYPE_CHECKING:
    from collections.abc import Collection

    from rnnts.config import Frequency

SAMPLE_ROWS = 2_000
MOST_TABLES = 100
"""Tables looked at, and panels proposed at most."""
HORIZONS: dict["Frequency", int] = {
    "5min": 576,
    "10min": 288,
    "15min": 192,
    "30min": 96,
    "1h": 48,
    "1D": 14,
    "1W": 8,
    "1MS": 12,
}
"""Two days, two weeks, two months, a year: what is mostly asked for."""
NAME_LENGTH = 40
STAMPED = {"instant", "naive", "date"}

_HEAD = """\
# Written by `rnnts init`; a guess to be corrected. `rnnts check` shows what follows from it.
[database]
url = {url}{secret}
"""
_SECRET = "  # without its password: set RNNTS_DATABASE__URL"  # noqa: S105 - says where it goes
_PANEL = """
[panels.{name}]
source    = {{ {source} }}{other}
frequency = "{frequency}"{doubt}
timezone  = "UTC"{zone}
horizon   = {horizon}
{minimum}schedule  = {{ forecast = "0 2 * * *", retrain = "0 3 * * 0" }}
"""


def propose(source: str) -> str:
    """The text of an rnnts.toml with a panel for each table that looks like time series.

    Args:
        source: URL of the database; it is only read.

    Raises:
        ConfigurationError: DATABASE_URL, SECRET_IN_QUERY, or NO_SERIES_FOUND.
        InfrastructureError: The database cannot be read.
    """
    database = open_source(Path.cwd(), source)
    found: list[tuple[str, Proposal]] = []
    try:
        with database.reading() as connection:
            tables = relation_names(connection)
            for table in tables[:MOST_TABLES]:
                relation = table_relation(connection, table)
                stamped = [column.name for column in relation.columns if column.kind in STAMPED]
                rows = sample_rows(connection, relation, SAMPLE_ROWS)
                if (proposal := propose_panel(rows, stamped)) is not None:
                    found.append((table, proposal))
    finally:
        database.close()
    if not found:
        raise _nothing_found(tables, database.shown)
    url, secret = _without_password(source)
    text = _HEAD.format(url=quoted(url), secret=secret)
    names: set[str] = set()
    for table, proposal in found:
        name = panel_name(table, names)
        names.add(name)
        text += _rendered(name, table, proposal)
    return text


def _nothing_found(tables: list[str], where: str) -> ConfigurationError:
    looked = ", ".join(tables[:10]) + (", …" if len(tables) > 10 else "")  # noqa: PLR2004 - enough to see
    return ConfigurationError(
        "NO_SERIES_FOUND",
        expected="a table with rows and a column of times",
        got=f"none among {looked}" if tables else "no table at all",
        where=where,
        do="name another database, or write [panels.NAME] with a source.query by hand",
    )


def _rendered(name: str, table: str, proposal: Proposal) -> str:
    source = [f"table = {quoted(table)}"]
    if proposal.series:
        source.append(f"series = [{', '.join(quoted(key) for key in proposal.series)}]")
    source.append(f"time = {quoted(proposal.time)}")
    if proposal.value is not None:
        source.append(f"value = {quoted(proposal.value)}")
    if proposal.aggregate is not None:
        source.append(f"aggregate = {quoted(proposal.aggregate)}")
    others = ", ".join(proposal.others).replace("\n", " ")
    return _PANEL.format(
        name=name,
        source=", ".join(source),
        other=f"  # other numbers: {others}" if others else "",
        frequency=proposal.frequency,
        doubt="" if proposal.certain else f"  # or {', '.join(HORIZONS)}: the rows do not tell",
        zone="  # of stamps that name none, and of the calendar" if proposal.naive else "",
        horizon=HORIZONS[proposal.frequency],
        minimum=_minimum(proposal),
    )


def _minimum(proposal: Proposal) -> str:
    """Certain for counts; else a hint, for rows beyond the sample may say otherwise."""
    if proposal.minimum is None:
        return ""
    sure = proposal.aggregate == "count"
    return (
        "minimum   = 0\n" if sure else "# minimum = 0  # if no value can be below: none seen is\n"
    )


def panel_name(table: str, taken: "Collection[str]") -> str:
    """A panel's name made of a table's.

    >>> panel_name("Sales 2024", ()), panel_name("latest", ()), panel_name("a.b", ("a_b",))
    ('sales_2024', 'panel_latest', 'a_b_2')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", table.casefold()).strip("_")
    if not plain or not plain[0].isalpha() or plain in {"latest", "all"}:
        plain = f"panel_{plain}".rstrip("_")
    plain = plain[:NAME_LENGTH]
    name, count = plain, 1
    while name in taken:
        count += 1
        name = f"{plain[: NAME_LENGTH - len(str(count)) - 1]}_{count}"
    return name


def quoted(text: str) -> str:
    r"""A string as TOML writes it.

    >>> print(quoted('x"; DROP'))
    "x\"; DROP"
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _without_password(url: str) -> tuple[str, str]:
    """The address without its password, and the comment that says so."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    if not colon:
        return url, ""
    return urlunsplit(parts._replace(netloc=f"{name}{at}{host}")), _SECRET
