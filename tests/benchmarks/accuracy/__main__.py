"""`python -m tests.benchmarks.accuracy PART`: run one part; `table` prints all that have run."""

import argparse
import sys
from collections.abc import Callable
from functools import partial

from tests.benchmarks.accuracy import late, missing, parts, results, speed, tables
from tests.benchmarks.accuracy.parts import PARTS, Json, Settings

RUNS: dict[str, Callable[[Settings], Json]] = {
    **{name: partial(parts.ours, part) for name, part in PARTS.items()},
    **{f"{name}-peers": partial(parts.peers, part) for name, part in PARTS.items() if part.peers},
    "course": speed.course,
    "late": late.late,
    "missing": missing.missing,
    "speed-training": speed.training,
    "speed-forecast": speed.forecasting,
    "speed-budget": speed.budget,
}
TABLE = "table"


def main() -> None:
    """Run what was asked for, and keep its result."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.accuracy", description=__doc__
    )
    parser.add_argument("part", choices=[*RUNS, TABLE])
    parser.add_argument("--minutes", type=float, help="training budget; default: the part's")
    parser.add_argument("--seeds", type=int, help="trainings; default: the part's")
    parser.add_argument(
        "--quick", action="store_true", help="little data, to try the machinery: no figure counts"
    )
    given = parser.parse_args()
    if given.part == TABLE:
        sys.stdout.write(tables.everything(quick=given.quick))
        return
    settings = Settings(given.minutes, given.seeds, given.quick)
    results.write(given.part, RUNS[given.part](settings), quick=given.quick)
    sys.stdout.write(tables.everything(quick=given.quick, only=given.part))


if __name__ == "__main__":
    main()
