"""How a training reports into the log of its run."""

import logging
from collections.abc import Callable
from typing import Any

PARTS = 10
"""Lines a training writes: enough to see it live, few enough to read."""


def logged(
    logger: logging.Logger | logging.LoggerAdapter[Any],
) -> Callable[[dict[str, Any]], None]:
    """A receiver of `{"step": …, "steps": …, "loss": …}` that logs each tenth of the way once."""
    said = 0

    def report(event: dict[str, Any]) -> None:
        nonlocal said
        step, steps = event.get("step", 0), event.get("steps", 0)
        part = PARTS * step // steps if steps else 0
        if part > said:
            said = part
            loss = event.get("loss")
            suffix = "" if loss is None else f", loss {loss:.4f}"
            logger.info("training: step %d of %d%s", step, steps, suffix)

    return report
