"""Which crash test kills at which failpoint."""

from rnnts.failpoints import FAILPOINTS


def _named(*beginnings: str) -> frozenset[str]:
    return frozenset(name for name in FAILPOINTS if name.startswith(beginnings))


IN_A_RETRAIN = _named("window.", "train.", "evaluate.", "promote.")
IN_A_TRAINING_PROCESS = frozenset({"train.epoch_end", "train.checkpoint_half"})
AFTER_A_TRAINING_PROCESS = (
    IN_A_RETRAIN - IN_A_TRAINING_PROCESS - _named("window.", "train.child_started")
)
AROUND_A_COMMIT_OF_A_RETRAIN = frozenset(
    {"train.before_commit", "evaluate.before_commit", "promote.switched", "promote.committed"}
)
IN_A_NIGHT_OF_A_CHAMPION = _named("forecast.")
NOT_HERE = dict.fromkeys(
    _named("tidy."), "in no night and no retrain: tests/rnnts/steps/test_tidy.py breaks off there"
)
IN_A_NIGHT = FAILPOINTS - IN_A_RETRAIN - {"forecast.weights_verified"} - NOT_HERE.keys()
