"""What a retrain is about to do and why, before it does it; and what came of it, in a sentence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from rnnts.config import TrainConfig
from rnnts.database.models import DecisionRow, VersionRow, champion, decisions
from rnnts.panels.resolve import MINUTES

if TYPE_CHECKING:
    from rnnts.project import Project
    from rnnts.steps.window import Windows

Json = dict[str, Any]
How = Literal["warm", "scratch"]
FRESH_EVERY = 4
"""Every so many retrains begin with random weights, so that no panel stays in one corner for ever
and what is learnt from scratch today is known."""
LOOKED_BACK = 8
"""Retrains of the same kind whose gains say what to expect of the next."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a retrain begins, what it is expected to bring and to cost, and why so."""

    how: How
    version_id: str | None  # whose weights it begins with
    generation: int  # retrains in a row that began with the weights of the one before
    expected_gain: float | None  # of the mean error against the champion; None: not known
    rests_on: int  # earlier retrains of this kind whose gains are its mean
    expected_minutes: float | None  # of training; None: not known
    reason: str

    def to_json(self) -> Json:
        """As a manifest and a decision keep it."""
        return asdict(self)


def plan(project: "Project", windows: "Windows", config: TrainConfig, as_of: datetime) -> Plan:
    """Decide how a retrain begins; asked again for the same instant, it decides the same.

    Warm where the champion of the moment before `as_of` is the same network on the same time line,
    was made from nothing that this retrain holds out, and is at hand.
    """
    with project.database.reading() as connection:
        before = champion(connection, windows.panel, as_of - timedelta(seconds=1))
        made = decisions(connection, windows.panel, limit=200)
    why = _why_from_scratch(project, windows, config, before)
    how: How = "scratch" if why else "warm"
    gains = _gains(made, how, as_of)
    return Plan(
        how=how,
        version_id=before.version_id if before is not None and not why else None,
        generation=_generation(before) + 1 if before is not None and not why else 0,
        expected_gain=sum(gains) / len(gains) if gains else None,
        rests_on=len(gains),
        expected_minutes=_minutes(config, how, before),
        reason=why or "the champion is the same network, and knows nothing that is held out",
    )


def _why_from_scratch(
    project: "Project", windows: "Windows", config: TrainConfig, before: VersionRow | None
) -> str:
    """What speaks against the champion's weights, "" if nothing does."""
    from rnnts.learning.versions import code_version

    if before is None:
        return "there is no champion yet"
    reasons = {
        'train.start = "scratch"': config.start == "scratch",
        f"every {FRESH_EVERY}th retrain begins anew": _generation(before) + 1 >= FRESH_EVERY,
        "the champion was trained on what is held out now": _knows_held_out(before, windows),
        "the code that makes networks changed": before.manifest.get("code") != code_version(),
        "the champion's weights are not in the store": not project.store.has(
            _scored_weights(before)
        ),
    }
    return _shape_changed(before, windows) or next(filter(reasons.get, reasons), "")


def _scored_weights(before: VersionRow) -> str:
    """File of the weights that know nothing of what its gate held out."""
    scored: Json = before.manifest.get("scored", {})
    return str(scored["weights"]["name"]) if scored else before.weights_name


def _generation(before: VersionRow) -> int:
    return int(before.manifest.get("start", {}).get("generation", 0))


def _shape_changed(before: VersionRow, windows: "Windows") -> str:
    """Settings of the network that differ, if any do; how fast it learns is none of its shape."""
    theirs: Json = before.manifest.get("network", {})
    ours = windows.network.model_dump(mode="json")
    changed = sorted(
        name
        for name in {*theirs, *ours} - {"rate"}
        if name not in theirs or name not in ours or theirs[name] != ours[name]
    )
    if before.manifest.get("grid") != windows.grid.to_json():
        changed.append("its time line")
    return f"the panel's shape changed ({', '.join(changed)})" if changed else ""


def _knows_held_out(before: VersionRow, windows: "Windows") -> bool:
    """Whether it was made from targets of this gate, or trained on those of this calibration.

    A version of before the parts were kept, or windows of that time, are not trusted.
    """
    theirs, ours = before.manifest.get("parts"), windows.parts
    if theirs is None or ours is None:
        return True
    return bool(
        theirs["training"] > ours["training"] or theirs["calibration"] > ours["calibration"]
    )


def _gains(made: Sequence[DecisionRow], how: How, as_of: datetime) -> list[float]:
    """Gains over the champion of the last retrains that began so, before an instant."""
    found = [
        one.numbers["retrain"]["gain"]
        for one in made
        if one.numbers.get("retrain", {}).get("how") == how
        and one.numbers["retrain"].get("gain") is not None
        and datetime.fromisoformat(one.numbers["retrain"]["as_of"]) < as_of
    ]
    return found[:LOOKED_BACK]


def _minutes(config: TrainConfig, how: How, before: VersionRow | None) -> float | None:
    """Minutes that the training will take: the budget's, or as many steps as the last one's."""
    from rnnts.learning.jobs import WARM_SHARE

    if config.steps is None:
        return (config.minutes or MINUTES) * (WARM_SHARE if how == "warm" else 1.0)
    told = {} if before is None else before.manifest
    if not told.get("seconds") or not told.get("ended_at"):
        return None
    return float(told["seconds"] / told["ended_at"] * config.steps / 60)


def told_of(manifest: Json, gain: float | None) -> Json:
    """What a decision keeps of the retrain that it decides on.

    Returns:
        The plan's fields, and `as_of`, `minutes` that training took, and `gain` over the champion
        (None where there was none to compare with). Nothing of a version of before plans were kept.
    """
    if "start" not in manifest:
        return {}
    return {
        **manifest["start"],
        "as_of": manifest["as_of"],
        "minutes": manifest["seconds"] / 60,
        "gain": gain,
    }


def sentence(decision: DecisionRow) -> str:
    """A retrain and its decision for a person: what was done, expected, spent and won, and why."""
    told = decision.numbers.get("retrain")
    name = decision.version_id[:10]
    if decision.action == "rollback":
        return f"Rolled back to {name}: {decision.reason}."
    if not told:
        return f"{_outcome(decision)}. {_ended(decision)}"
    begun = f"warm from {str(told['version_id'])[:10]}" if told["how"] == "warm" else "from scratch"
    outcome = _outcome(decision)
    spent = f"{told['minutes']:.1f} min"
    if told["expected_minutes"] is not None:
        spent += f" of {told['expected_minutes']:.1f} expected"
    return (
        f"{outcome}. Trained {begun} because {told['reason']}; it took {spent}, gain expected: "
        f"{_gain(told['expected_gain'], told['rests_on'])}, found: {_signed(told['gain'])}. "
        f"{_ended(decision)}"
    )


def _outcome(decision: DecisionRow) -> str:
    name = decision.version_id[:10]
    if decision.action == "promote":
        replaced = f", in place of {decision.replaces[:10]}" if decision.replaces else ", the first"
        return f"{name} became champion{replaced}"
    return f"Kept what was there, {name} was rejected"


def _ended(decision: DecisionRow) -> str:
    return decision.reason if decision.reason.endswith(".") else f"{decision.reason}."


def _gain(expected: float | None, rests_on: int) -> str:
    if expected is None:
        return "not known, none of its kind was judged before"
    last = "as the last one of its kind" if rests_on == 1 else f"the mean of the last {rests_on}"
    return f"{_signed(expected)} ({last})"


def _signed(gain: float | None) -> str:
    """A gain as a person reads it.

    >>> _signed(0.0123), _signed(-0.004), _signed(None)
    ('+1.2 %', '-0.4 %', 'none to compare with')
    """
    return "none to compare with" if gain is None else f"{100 * gain:+.1f} %"
