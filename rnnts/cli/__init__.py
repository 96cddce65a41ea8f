"""The command line: one command a step, and a few to look, to care and to begin."""

import sys


def main() -> None:
    """Run the command line; a user's mistake is one sentence and an exit code, no traceback."""
    from rnnts.cli.app import app
    from rnnts.errors import RnntsError

    try:
        app()
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
