"""What is cheap to import stays cheap: neither TensorFlow nor Prefect comes with it."""

import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "keras", "prefect", "pandas", "matplotlib", "plotly", "sqlalchemy"}

PROGRAMS = {
    "import rnnts": "import rnnts",
    "rnnts --help": (
        "import sys; sys.argv = ['rnnts', '--help']\n"
        "from rnnts.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code"
    ),
    "rnnts publish --help": (
        "import sys; sys.argv = ['rnnts', 'publish', '--help']\n"
        "from rnnts.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code"
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_neither_tensorflow_nor_prefect_is_imported_by(program: str) -> None:
    code = f"{PROGRAMS[program]}\nimport sys\nprint('\\nmodules', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    modules = set(done.stderr.rpartition("\nmodules")[2].split())
    assert "rnnts" in modules
    assert modules & HEAVY == set()


def test_the_same_open_project_is_had_from_the_package() -> None:
    import rnnts
    from rnnts.project import open_project

    assert rnnts.open_project is open_project
