import itertools

import pytest

from flows.run_outcome import combined, concluded
from rnnts.errors import ConfigurationError, InfrastructureError


def test_of_several_panels_the_gravest_exit_code_counts() -> None:
    order = [6, 5, 2, 4, 3, 0]
    for graver, lighter in itertools.combinations(order, 2):
        assert combined([lighter, graver, lighter]) == graver


def test_a_bug_of_ours_hides_behind_no_other_exit_code() -> None:
    assert combined([0, 6, 1, 5]) == 1


def test_a_run_without_panels_is_no_failure() -> None:
    assert combined([]) == 0


def test_a_degraded_night_is_completed_and_says_degraded() -> None:
    state = concluded(lambda: {"exit_code": 3, "message": "2 series fell back"})
    assert state.is_completed()
    assert (state.name, state.message) == ("Degraded", "2 series fell back")
    assert state.data == {"exit_code": 3, "message": "2 series fell back"}


def test_a_good_night_is_completed() -> None:
    state = concluded(lambda: {"exit_code": 0, "message": "live"})
    assert (state.is_completed(), state.name) == (True, "Completed")


@pytest.mark.parametrize("kind", [ConfigurationError, InfrastructureError])
def test_an_error_of_ours_is_a_failed_run_with_its_one_sentence(
    kind: type[ConfigurationError] | type[InfrastructureError],
) -> None:
    def work() -> dict[str, object]:
        raise kind("SOME_CODE", got="this", do="do that")

    state = concluded(work)
    assert state.is_failed()
    assert state.message == "SOME_CODE: this; do that"
    assert isinstance(state.data, kind)


def test_a_fault_of_ours_passes_so_that_prefect_logs_it() -> None:
    def work() -> dict[str, object]:
        raise KeyError("snapshot_id")

    with pytest.raises(KeyError):
        concluded(work)
