"""Past nights, as they would have been: the nightly work over the slots of a span.

`python -m flows.backfill_history --panel departures --from 2013-11-01T00:00:00-04:00 --to …`
"""

import sys
from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.command_line import instant, options_of, run
from flows.issue_time import slots_between
from flows.nightly_forecast import night
from flows.run_outcome import Json, combined, concluded
from rnnts.errors import ConfigurationError, InfrastructureError, RnntsError


@flow(name="backfill_history", persist_result=False)
def backfill_history(config: str, panel: str, first: str, last: str) -> State[dict[str, Any]]:
    """Forecast every slot of a span as of that slot; what is live stays live.

    Args:
        config: Path of rnnts.toml.
        panel: One of its [panels.NAME], with a forecast schedule.
        first: Start of the span, an instant.
        last: Its end, an instant; a slot at either end belongs to it.
    """

    def work() -> Json:
        due = slots_between(config, panel, first, last)
        nights = [_one_night(config, panel, slot) for slot in due]
        errors = [one for one in nights if isinstance(one, RnntsError)]
        if errors:
            raise _incomplete(panel, len(nights), errors)
        done = [one for one in nights if isinstance(one, dict)]
        code = combined(one["exit_code"] for one in done)
        return {"nights": done, "exit_code": code, "message": f"{len(done)} nights are there"}

    return concluded(work)


def _one_night(config: str, panel: str, slot: str) -> Json | RnntsError:
    """One night; a night without usable data leaves the others theirs."""
    try:
        return night(config, panel, slot, "backfill")
    except (ConfigurationError, InfrastructureError):
        raise  # every other night would meet the same
    except RnntsError as error:
        return error


def _incomplete(panel: str, nights: int, errors: Sequence[RnntsError]) -> RnntsError:
    """The error of a span of which some nights could not be had; it counts as the worst of them."""
    code = combined(error.exit_code for error in errors)
    worst = next(error for error in errors if error.exit_code == code)
    return type(worst)(
        "BACKFILL_INCOMPLETE",
        panel=panel,
        expected=f"{nights} nights",
        got=f"{nights - len(errors)}; the first of those that failed says: {errors[0]}",
        do="mend that and run the same span again: what is there stays",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    options = options_of(backfill_history)
    options.add_argument(
        "--from", dest="first", type=instant, required=True, metavar="INSTANT", help="first instant"
    )
    options.add_argument(
        "--to", dest="last", type=instant, required=True, metavar="INSTANT", help="last instant"
    )
    return run(backfill_history, options, words)


if __name__ == "__main__":
    sys.exit(main())
