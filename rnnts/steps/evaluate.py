"""Evaluate: a candidate beside champion and baselines, on windows that it was not trained on."""

from typing import TYPE_CHECKING, Any

from rnnts.database.findings import record_findings
from rnnts.database.leases import hold
from rnnts.database.models import VersionRow, add_scorecard, champion, scorecard, version
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
    """The champion of the candidate's instant, unless that is the candidate itself."""
    with project.database.reading() as connection:
        found = champion(connection, row.panel, row.as_of)
    return None if found is None or found.version_id == row.version_id else found


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
    )
