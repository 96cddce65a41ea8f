"""Errors for the person who reads them at night: expected, got, where, and what to do."""

from typing import ClassVar


class RnntsError(Exception):
    """A failure that names its cause and its remedy; shown without a traceback.

    Args:
        code: Stable name, such as "COLUMN_MISSING".
        got: What came.
        do: What the reader can do next.
        expected: What should have come, where that is not plain from `got`.
        where: Table, column or file.
        panel: The panel concerned.
        series: The series concerned.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        *,
        got: str,
        do: str,
        expected: str = "",
        where: str = "",
        panel: str = "",
        series: str = "",
    ) -> None:
        self.code = code
        self.got = got
        self.do = do
        self.expected = expected
        self.where = where
        self.panel = panel
        self.series = series
        super().__init__(self.message())

    def message(self) -> str:
        """The whole sentence: "CODE panel/series: expected …, got …, in …; do …"."""
        place = "/".join(part for part in (self.panel, self.series) if part)
        head = f"{self.code} {place}".rstrip()
        facts = f"expected {self.expected}, got {self.got}" if self.expected else self.got
        location = f", in {self.where}" if self.where else ""
        return f"{head}: {facts}{location}; {self.do}"


class ConfigurationError(RnntsError):
    """The configuration cannot be used; nothing was read or written."""

    exit_code = 2


class NoUsableDataError(RnntsError):
    """The source holds nothing to forecast from."""

    exit_code = 4


class InfrastructureError(RnntsError):
    """A database, a disk, a process or a budget failed; running again may help."""

    exit_code = 5


class IntegrityError(RnntsError):
    """What was found is not what was recorded; rnnts refuses to go on with it."""

    exit_code = 6
