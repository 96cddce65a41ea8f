"""The ops page: is tonight's forecast out, by which model, how good, and what was noticed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnts.project import Project


def serve(project: "Project", host: str = "127.0.0.1", port: int = 4280) -> None:
    """Serve the page until SIGINT or SIGTERM; port 0 takes a free one, and says which.

    Raises:
        ConfigurationError: AUTH_REQUIRED where `host` is not this machine alone.
        InfrastructureError: PORT_TAKEN.
    """
    from rnnts.dashboard.serving import serve as run

    run(project, host, port)
