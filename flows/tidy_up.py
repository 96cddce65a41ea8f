"""Now and then: remove what retention no longer keeps.

`python -m flows.tidy_up`
"""

import sys
from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.command_line import options_of, run
from flows.run_outcome import Json, concluded
from flows.told_later import told_later
from tasks.tidy import tidy


@flow(name="tidy_up", persist_result=False)
def tidy_up(config: str) -> State[dict[str, Any]]:
    """Remove old rows and files of a project; never the champion, never what is live.

    Args:
        config: Path of rnnts.toml.
    """

    def work() -> Json:
        with told_later(config, "", "tidy_up", None):
            removed = tidy(config)
        message = f"removed {removed['rows']} rows and {removed['files']} files"
        return {**removed, "exit_code": 0, "message": message}

    return concluded(work)


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run(tidy_up, options_of(tidy_up, panels=False), words)


if __name__ == "__main__":
    sys.exit(main())
