"""Evaluate: a candidate beside champion and baselines, on windows that it was not trained on."""

from typing import TYPE_CHECKING, Any

from rnnts.database.findings import record_findings
from rnnts.database.leases import hold
from rnnts.database.models import (
    VersionRow,
    add_scorecard,
    champion,
    previous_champions,
    scorecard,
    version,
)
from rnnts.database.runs import record
from rnnts.errors import ConfigurationError
from rnnts.failpoints import hit
from rnnts.steps.results import ScorecardResult

if TYPE_CHECKING:
    from rnnts.project import Project
    from rnnts.steps.comparison import Comparison

Json = dict[str, Any]
Connection = Any  # SQLAlchemy's, which only the database room knows


def evaluate(project: "Project", panel: str, version_id: str) -> ScorecardResult:
    """Score a candidate by rolling origins of the gate's part; the same comparison is one card.

    This process did not train the candidate: it first has to give the forecasts that the training
    process recorded, bit for bit.

    Raises:
        ConfigurationError: VERSION_UNKNOWN.
        IntegrityError: PROBE_MISMATCH; ARTEFACT_MISSING, ARTEFACT_CORRUPT, ARTEFACT_UNSAFE or
            ARTEFACT_MISMATCH of the candidate; FENCED.
    """
    from rnnts.steps.comparison import compare

    row = known_version(project, panel, version_id)
    with (
        record(project.database, panel, "evaluate", row.as_of) as run,
        hold(project.database, panel, "retrain") as lease,
    ):
        rival = _rival(project, row)
        card = _card_id(row, rival)
        with project.database.reading() as connection:
            known = scorecard(connection, card)
        if known is not None:
            result = _told(panel, card, version_id, known.scores)
            run.noop(result.to_json(), "this comparison was made already")
            return result
        compared = compare(project, row, rival)
        project.database.run_writing(lambda one: _register(one, card, row, compared), lease)
        result = _told(panel, card, version_id, compared.scores)
        run.done(result.to_json())
    return result


def known_version(project: "Project", panel: str, version_id: str) -> VersionRow:
    """A version of the panel.

    Raises:
        ConfigurationError: VERSION_UNKNOWN.
    """
    with project.database.reading() as connection:
        row = version(connection, version_id)
    if row is None or row.panel != panel:
        raise ConfigurationError(
            "VERSION_UNKNOWN",
            panel=panel,
            expected="the id of a model version of this panel",
            got=repr(version_id),
            do=f"run `rnnts train {panel}` first",
        )
    return row


def _rival(project: "Project", row: VersionRow) -> VersionRow | None:
    """The champion of the candidate's instant; once the candidate is that, the one before it."""
    with project.database.reading() as connection:
        now = champion(connection, row.panel, row.as_of)
        before = previous_champions(connection, row.panel, row.as_of)
    if now is None or now.version_id != row.version_id:
        return now
    return before[0] if before else None


def _card_id(row: VersionRow, rival: VersionRow | None) -> str:
    from rnnts.learning.versions import id_of

    return id_of(version=row.version_id, champion=None if rival is None else rival.version_id)


def _register(connection: Connection, card: str, row: VersionRow, compared: "Comparison") -> None:
    add_scorecard(
        connection,
        scorecard_id=card,
        panel=row.panel,
        version_id=row.version_id,
        snapshot_id=row.snapshot_id,
        as_of=row.as_of,
        scores=compared.scores,
    )
    record_findings(connection, compared.findings, row.as_of)
    hit("evaluate.before_commit")


def _told(panel: str, scorecard_id: str, version_id: str, scores: Json) -> ScorecardResult:
    return ScorecardResult(
        panel=panel,
        scorecard_id=scorecard_id,
        version_id=version_id,
        origins=len(scores["origins"]),
        scores=scores["scores"],
        statistical=_beside(scores),
    )


def _beside(scores: Json) -> str:
    """The statistical method's share of the windows, and the candidate's score on the same ones."""
    told = scores["statistical"]
    if not told["series"]:
        return f"no {told['method']}: {told['reason']}"
    pair = scores["scores"][told["method"]]["mase"], told["network_on_the_same"]["mase"]
    theirs, ours = ("not known" if mase is None else f"{mase:.4g}" for mase in pair)
    return (
        f"{told['method']} on {told['series']} of {told['of']} series in {told['seconds']:.0f} s: "
        f"MASE {theirs}, the candidate on the same windows {ours}"
    )
