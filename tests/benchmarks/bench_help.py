"""How soon `import rnnts` and `rnnts --help` are done, beside an interpreter that does nothing.

Run with `python -m tests.benchmarks.bench_help`; ends with 1 where a must is missed.
"""

import subprocess
import sys
from statistics import median
from time import perf_counter

from tests.benchmarks.series import print_table

RUNS = 9
MUST_SECONDS = 0.5
HELP = "import sys; sys.argv = ['rnnts', '--help']; from rnnts.cli import main; main()"


def seconds(program: str) -> float:
    """Median wall time of a fresh interpreter that runs a program; the first, uncached, apart."""
    times = []
    for _ in range(RUNS + 1):
        began = perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - began)
    return median(times[1:])


def main() -> int:
    """Print the three times; give the exit code."""
    nothing, package, command = seconds("pass"), seconds("import rnnts"), seconds(HELP)
    print_table(
        "Start of the package and of the command",
        [
            ("python -c pass", f"{1000 * nothing:.0f} ms", f"median of {RUNS}"),
            ("import rnnts", f"{1000 * package:.0f} ms", f"must {1000 * MUST_SECONDS:.0f} ms"),
            ("rnnts --help", f"{1000 * command:.0f} ms", f"must {1000 * MUST_SECONDS:.0f} ms"),
        ],
    )
    return int(max(package, command) >= MUST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
