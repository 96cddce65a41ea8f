"""Where pictures go: refused in words where nothing can be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnts.errors import ConfigurationError


def check_output(output: Path, *kinds: str) -> None:
    """Refuse a file that could not be drawn into, before any work is done for it.

    Args:
        output: The file.
        kinds: The suffixes that can be drawn, such as ".png".

    Raises:
        ConfigurationError: PICTURE_KIND, PICTURE_PATH.
    """
    if output.suffix not in kinds:
        raise ConfigurationError(
            "PICTURE_KIND",
            expected=" or ".join(kinds),
            got=str(output),
            do="choose one with --output",
        )
    if not output.parent.is_dir():
        raise _not_written(output, "no such folder")


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Say in words why a picture could not be written.

    Raises:
        ConfigurationError: PICTURE_PATH.
    """
    try:
        yield
    except OSError as error:
        raise _not_written(output, error.strerror or type(error).__name__) from error


def _not_written(output: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "PICTURE_PATH",
        expected="a file that can be written",
        got=reason,
        where=str(output),
        do="make the folder, or choose another with --output",
    )
