"""Promote: a candidate becomes champion only if it beats the champion and the seasonal naives."""

from typing import TYPE_CHECKING, Any

from rnnts.database.leases import hold
from rnnts.database.models import (
    DecisionRow,
    ScorecardRow,
    champion,
    decisions,
    reject,
    scorecard,
    version,
)
from rnnts.database.models import promote as make_champion
from rnnts.database.outbox import add_message
from rnnts.database.runs import record
from rnnts.errors import ConfigurationError, InfrastructureError
from rnnts.failpoints import hit
from rnnts.learning.gate import CHAMPION, Verdict, judge, safeguards
from rnnts.steps.results import DecisionResult
from rnnts.steps.retrains import told_of
from rnnts.steps.snapshots import manifest, read_lives

if TYPE_CHECKING:
    from rnnts.panels.arrays import FloatArray
    from rnnts.project import Project

Json = dict[str, Any]
Connection = Any  # SQLAlchemy's, which only the database room knows
KIND = "safeguards"
MOST_DECISIONS = 1_000
"""Decisions of a panel that are looked through: nineteen years of weeks."""


def promote(project: "Project", panel: str, scorecard_id: str) -> DecisionResult:
    """Let the gate decide on a scorecard; a decision that stands is not made again.

    A promotion is effective from the as_of of its retrain. Series that a seasonal naive forecasts
    clearly better are named in the artefact `numbers["safeguards"]["artefact"]`:
    `{series_id: "seasonal_naive_week"}`.

    Raises:
        ConfigurationError: SCORECARD_UNKNOWN.
        InfrastructureError: CHAMPION_CHANGED where another was promoted meanwhile.
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT of the errors; FENCED.
    """
    card = _card(project, panel, scorecard_id)
    with (
        record(project.database, panel, "promote", card.as_of) as run,
        hold(project.database, panel, "retrain") as lease,
    ):
        standing = _standing(project, card)
        if standing is not None:
            result = _told(standing, noop=True)
            run.noop(result.to_json(), "this decision stood already")
            return result
        errors = project.store.get_arrays(card.scores["artefacts"]["errors"])
        errors.pop("origins")
        lives = read_lives(project.store, manifest(project, card.snapshot_id).series)
        ids = [life.info.series_id for life in lives]
        champion_served = _champion_as_served(project, card, errors, ids)
        verdict = judge(errors, card.scores["overlap"], champion_served)
        numbers = verdict.numbers | {
            "safeguards": _keep_safeguards(project, card, errors, ids),
            "retrain": _retrain(project, card, verdict),
        }

        def decide(connection: Connection) -> DecisionResult:
            result = _told(_decide(connection, card, verdict, numbers))
            run.done(result.to_json(), message=result.reason)
            run.write(connection)  # the ledger says it if and only if it is so
            return result

        result = project.database.run_writing(decide, lease)
        run.settled = True
        hit("promote.committed")
    return result


def safeguarded(project: "Project", panel: str, version_id: str) -> dict[str, str]:
    """Series that the gate took from a version's network, and the baseline that serves each.

    Returns:
        `{series_id: "seasonal_naive_day"}`; empty where nothing was decided by the gate.

    Raises:
        IntegrityError: ARTEFACT_MISSING or ARTEFACT_CORRUPT.
    """
    with project.database.reading() as connection:
        made = decisions(connection, panel, limit=MOST_DECISIONS)
    for one in made:
        if one.version_id == version_id and one.action == "promote" and "safeguards" in one.numbers:
            named: dict[str, str] = project.store.get_json(one.numbers["safeguards"]["artefact"])
            return named
    return {}


def _card(project: "Project", panel: str, scorecard_id: str) -> ScorecardRow:
    with project.database.reading() as connection:
        card = scorecard(connection, scorecard_id)
    if card is None or card.panel != panel:
        raise ConfigurationError(
            "SCORECARD_UNKNOWN",
            panel=panel,
            expected="the id of a scorecard of this panel",
            got=repr(scorecard_id),
            do=f"run `rnnts evaluate {panel}` first",
        )
    return card


def _standing(project: "Project", card: ScorecardRow) -> DecisionRow | None:
    """The gate's decision on this scorecard, if there is one."""
    with project.database.reading() as connection:
        made = decisions(connection, card.panel, limit=MOST_DECISIONS)
    return next((one for one in made if one.scorecard_id == card.scorecard_id), None)


def _retrain(project: "Project", card: ScorecardRow, verdict: Verdict) -> Json:
    """How the candidate was trained, at what cost, and what it gained over the champion."""
    with project.database.reading() as connection:
        row = version(connection, card.version_id)
    gain = verdict.numbers.get("skill", {}).get(CHAMPION)
    return {} if row is None else told_of(row.manifest, gain)


def _champion_as_served(
    project: "Project", card: ScorecardRow, errors: "dict[str, FloatArray]", ids: list[str]
) -> "FloatArray | None":
    """The champion's errors with the baselines that have served some series in its place."""
    if CHAMPION not in errors:
        return None
    ours = errors[CHAMPION].copy()  # [origins, series]
    places = {series_id: place for place, series_id in enumerate(ids)}
    for series_id, method in safeguarded(project, card.panel, card.scores["champion"]).items():
        if series_id in places and method in errors:
            ours[:, places[series_id]] = errors[method][:, places[series_id]]
    return ours


def _keep_safeguards(
    project: "Project", card: ScorecardRow, errors: "dict[str, FloatArray]", ids: list[str]
) -> Json:
    """Name the series that are to be served by a baseline; how many, and where the list is."""
    guarded = safeguards(errors, card.scores["overlap"])
    named = {ids[place]: method for place, method in guarded.items()}
    return {"series": len(named), "artefact": project.store.put_json(named, KIND)}


def _decide(
    connection: Connection, card: ScorecardRow, verdict: Verdict, numbers: Json
) -> DecisionRow:
    """Write decision, standing of the versions and message, in one transaction."""
    before = champion(connection, card.panel, card.as_of)
    now = None if before is None else before.version_id
    if now not in (card.scores["champion"], card.version_id):
        raise InfrastructureError(
            "CHAMPION_CHANGED",
            panel=card.panel,
            expected=f"champion {str(card.scores['champion'])[:12]}, as it was when scored",
            got=str(now)[:12],
            do=f"run `rnnts evaluate {card.panel}` again",
        )
    common: Json = {
        "panel": card.panel,
        "version_id": card.version_id,
        "scorecard_id": card.scorecard_id,
        "reason": verdict.reason,
        "numbers": numbers,
    }
    if verdict.promote:
        decision = make_champion(connection, **common, effective_from=card.as_of)
        add_message(
            connection, f"promoted/{decision.id}", card.panel, "promoted", _message(decision)
        )
        return decision
    return reject(connection, **common)


def _message(decision: DecisionRow) -> Json:
    return {
        "version_id": decision.version_id,
        "replaces": decision.replaces,
        "reason": decision.reason,
        "effective_from": decision.effective_from and decision.effective_from.isoformat(),
    }


def _told(decision: DecisionRow, *, noop: bool = False) -> DecisionResult:
    return DecisionResult(
        panel=decision.panel,
        version_id=decision.version_id,
        action="reject" if decision.action == "reject" else "promote",
        reason=decision.reason,
        numbers=decision.numbers,
        noop=noop,
    )
