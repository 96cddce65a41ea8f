"""TensorFlow's banners stay away from stderr; what matters still reaches it."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from rnnts.steps.ingest import ingest
from tests.rnnts.steps.small_champion import MORE, crown, untrained
from tests.rnnts.steps.small_project import BEGIN, lay_out, wave

AT = BEGIN + timedelta(hours=300)
BANNER = "I0000 00:00:1795853236.634719   17664 port.cc:153] oneDNN custom operations are on."
ERROR = "E0000 00:00:1795853236.634719   17664 port.cc:153] this machine is on fire"
TENSORFLOW = f"""
import os
os.write(2, b{BANNER + os.linesep!r})
os.write(2, b{ERROR + os.linesep!r})
class config:
    list_physical_devices = staticmethod(list)
"""
"""Stands for the real one: what that says depends on the machine."""
LOAD = "from rnnts.learning.banners import load_tensorflow; load_tensorflow(); import tensorflow"
DIE = f"""
import os
from rnnts.learning.banners import BANNERS, sieved
with sieved(BANNERS):
    os.write(2, b{BANNER + os.linesep!r})
    os.write(2, b{ERROR + os.linesep!r})
    os.abort()
"""


def run(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-c", *words],
        env=clean | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.filterwarnings(
    # Keras 3.15 asks NumPy 2 for arrays in its old way; it goes with a Keras that knows NumPy 2.
    "ignore:__array__ implementation:DeprecationWarning"
)
def test_a_command_that_loads_tensorflow_says_nothing_of_it(tmp_path: Path) -> None:
    project = lay_out(tmp_path, {name: wave(400, 24) for name in "ab"}, more=MORE)
    ingest(project, "loads", AT)
    crown(project, AT, weights=untrained(project.store))
    project.database.close()
    words = ("forecast", "loads", "--issued-at", AT.isoformat(), "--config", str(project.file))
    done = run("from rnnts.cli import main; main()", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "network 2" in done.stdout


def test_an_error_of_its_loading_is_read(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    assert run(LOAD, PYTHONPATH=str(tmp_path)).stderr == f"{ERROR}\n"


def test_who_asks_for_its_banners_reads_them(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    done = run(LOAD, PYTHONPATH=str(tmp_path), TF_CPP_MIN_LOG_LEVEL="0")
    assert done.stderr == f"{BANNER}\n{ERROR}\n"


def test_the_last_words_of_a_process_that_dies_while_it_loads_are_read() -> None:
    done = run(DIE)
    assert done.returncode < 0
    assert done.stderr == f"{ERROR}\n"
