"""Which Prefect API a run reports to: the configured one, or a private server's."""

import fcntl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.prefect_server import answers, api_url, free_port, start, stop, wait_until_it_answers
from rnnts.errors import InfrastructureError

_SETTINGS: dict[str, object] = {"PREFECT_LOGGING_TO_API_ENABLED": False, "PREFECT_UI_URL": ""}
"""Nobody reads the log of a server that ends with the run, and its pages would be dead links."""


@contextmanager
def prefect_api(config: str | Path, *, private: bool) -> Iterator[str]:
    """URL of an API that answers, for as long as the block lasts; flows run inside use it.

    Args:
        config: The project's rnnts.toml; a private server's home is `.rnnts/prefect` beside it.
        private: Start a private server although an API is configured.

    Raises:
        InfrastructureError: PREFECT_UNREACHABLE, or PREFECT_SERVER_FAILED.
    """
    configured = PREFECT_API_URL.value()
    if configured and not private:
        yield _checked(configured)
        return
    with private_server(Path(config).absolute().parent / ".rnnts" / "prefect" / "private") as url:
        yield url


def _checked(url: str) -> str:
    if not answers(url, seconds=10.0):
        raise InfrastructureError(
            "PREFECT_UNREACHABLE",
            expected="a Prefect API",
            got="no answer within 10 s",
            where=f"PREFECT_API_URL = {url}",
            do="start that server, or add --private to go without it",
        )
    return url


@contextmanager
def private_server(home: Path) -> Iterator[str]:
    """URL of a server of our own, stopped when the block ends; said on stderr."""
    with ExitStack() as stack:
        home = stack.enter_context(_owned(home))
        port = free_port()
        sys.stderr.write(f"starting a private Prefect server on {api_url(port)}\n")
        server = start(home, port, lasting=False)
        stack.callback(stop, server)
        wait_until_it_answers(server, home, port)
        stack.enter_context(temporary_settings(_SETTINGS | {"PREFECT_API_URL": api_url(port)}))
        yield api_url(port)


@contextmanager
def _owned(home: Path) -> Iterator[Path]:
    """The home itself, or a temporary one while another run's server lives in it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock, ExitStack() as stack:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rnnts-prefect-")))
        yield home
