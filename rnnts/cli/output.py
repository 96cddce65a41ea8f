"""How results reach a person or a machine: tables on stdout, progress on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


WIDE = 160
"""Columns where there is no terminal to ask: a file or a pipe is not to be folded at 80."""


def console(*, stderr: bool = False) -> "Console":
    """A console; rich itself honours NO_COLOR, FORCE_COLOR and TERM=dumb."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def show(result: Mapping[str, Any], *, as_json: bool) -> None:
    """One result: its JSON, or a line a field."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        return
    width = max(len(name) for name in result)
    for name, value in result.items():
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            columns = list(dict.fromkeys(key for row in value.values() for key in row))
            rows = [
                [label, *(_text(row.get(key)) for key in columns)] for label, row in value.items()
            ]
            table([name, *columns], rows)
        else:
            console().print(f"{name.replace('_', ' '):<{width}}  {_text(value)}", soft_wrap=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """A table; numbers stand right-aligned because they are read in columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        grid.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))  # Text: a series name is never markup
    console().print(grid)


def _is_number(cell: str) -> bool:
    return (
        cell in {"", "-"}
        or cell.replace("%", "").replace(",", "").lstrip("+-").replace(".", "", 1).isdigit()
    )


def _text(value: Any) -> str:  # noqa: ANN401 - anything JSON can say
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or "-"
    return str(value)


Progress = Callable[[dict[str, Any]], None]


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Progress | None]:
    """A bar on stderr for reports of `{"step": …, "steps": …, "loss": …}`; none off a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1, loss="")

        def report(event: dict[str, Any]) -> None:
            loss = event.get("loss")
            bar.update(
                task,
                completed=event.get("step", 0),
                total=event.get("steps", 1),
                loss="" if loss is None else f"loss {loss:.4f}",
            )

        yield report
