"""The command line: one command a step, and a few to look, to care and to begin."""

import os
import sys


def main() -> None:
    """Run the command line; a user's mistake is one sentence and an exit code, no traceback."""
    # TensorFlow writes banners to stderr before any of our code could ask it not to.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    from rnnts.cli.app import app
    from rnnts.errors import RnntsError

    try:
        app()
    except RnntsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
