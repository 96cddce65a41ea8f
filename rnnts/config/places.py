"""Where a setting stands: the line of the file, or the variable that overrides it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Finds settings again, for messages.

    Args:
        path: The configuration file.
        text: Its content.
        variables: Which environment variable gave the value of which setting.
    """

    path: Path
    text: str
    variables: Mapping[Keys, str]

    def of(self, *keys: str) -> str:
        """The place of a setting, as far down as the file names it."""
        for overridden, variable in self.variables.items():
            if keys[: len(overridden)] == overridden:
                return f"environment variable {variable}"
        line = self.line(*keys)
        return f"{self.path}, line {line}" if line else str(self.path)

    def line(self, *keys: str) -> int | None:
        """Line of the deepest of `keys` that the file names, from 1."""
        lines = self.text.splitlines()
        headers = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
        for depth in range(len(keys), -1, -1):
            begin = _header(lines, keys[:depth])
            if begin is None:
                continue
            end = next((number for number in headers if number > begin), len(lines))
            found = _walk(lines[: end if depth else min(headers, default=end)], begin, keys[depth:])
            if depth or found is not None:
                return (begin if found is None else found) + 1
        return None


def _header(lines: list[str], keys: Keys) -> int | None:
    """Line of the table's header, or of one inside it; the top of the file needs none."""
    if not keys:
        return -1
    name = r"\s*\[+\s*" + r"\s*\.\s*".join(map(_quoted, keys))
    for end in (r"\s*\]", r"\s*\."):
        header = re.compile(name + end)
        for number, line in enumerate(lines):
            if header.match(line):
                return number
    return None


def _walk(lines: list[str], begin: int, keys: Keys) -> int | None:
    """Line of the deepest key, each on the line of the one before it or after."""
    line: int | None = None
    start = begin + 1
    for key in keys:
        name = re.compile(rf"(^|[\s,{{.]){_quoted(key)}\s*[.=]")
        found = next(
            (place for place in range(start, len(lines)) if name.search(lines[place])), None
        )
        if found is None:
            break
        line = start = found
    return line


def _quoted(key: str) -> str:
    return rf"[\"']?{re.escape(key)}[\"']?"
