import subprocess
import sys

from rnnts.database.processes import is_gone, shown, this_process


def test_the_running_process_is_not_gone() -> None:
    assert not is_gone(this_process())


def test_a_process_that_ended_is_gone() -> None:
    program = "from rnnts.database.processes import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert is_gone(ended.stdout.decode().strip())


def test_another_process_that_got_the_same_number_is_not_the_same() -> None:
    host, machine, number, start = this_process().split("/")
    assert is_gone(f"{host}/{machine}/{number}/{float(start) - 100:.2f}")


def test_of_another_machine_nothing_is_known() -> None:
    _, machine, _, start = this_process().split("/")
    assert not is_gone(f"elsewhere/{machine}/999999999/{start}")
    for strange in ("", "x", "a/b/c/d"):
        assert not is_gone(strange)


def test_a_process_is_shown_by_its_number_and_host() -> None:
    host, _, number, _ = this_process().split("/")
    assert shown(this_process()) == f"process {number} on {host}"
    assert shown("something else") == "something else"
