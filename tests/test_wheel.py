"""The wheel holds rnnts and nothing else, with everything that rnnts reads at run time."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READ_AT_RUN_TIME = {".html", ".css", ".js", ".sql", ".mako", ".svg", ".typed"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel built now."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(
        [*command, str(ROOT)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_rnnts_only(names: list[str]) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"rnnts"}


def test_the_wheel_holds_every_module(names: list[str]) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "rnnts").rglob("*.py")}
    assert modules <= set(names)


def test_the_wheel_holds_templates_migrations_and_whatever_is_read_at_run_time(
    names: list[str],
) -> None:
    needed = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "rnnts").rglob("*")
        if path.suffix in READ_AT_RUN_TIME
    }
    assert needed <= set(names)
    assert any(name.startswith("rnnts/database/migrations/versions/") for name in names)
    assert any(name.endswith(".html") for name in names)


def test_the_wheel_brings_the_command_and_the_licence(names: list[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
