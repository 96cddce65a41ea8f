"""Calibrate: the champion's ranges, renewed from held-out and realised errors as of an instant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.database.issues import PublicationRow, publications
from rnnts.database.leases import hold
from rnnts.database.models import VersionRow, add_calibration, champion, scorecard_of
from rnnts.database.runs import record
from rnnts.errors import IntegrityError
from rnnts.learning.calibration import Calibration
from rnnts.learning.metrics import seasonal_error
from rnnts.learning.residuals import Residuals
from rnnts.learning.versions import code_version
from rnnts.panels.doubts import Doubts
from rnnts.steps.nights import reach
from rnnts.steps.realised import values_at
from rnnts.steps.results import CalibrationResult
from rnnts.steps.snapshots import load_panel, manifest
from rnnts.steps.staged import Staged, blocks_of

if TYPE_CHECKING:
    from rnnts.panels.panel import Panel
    from rnnts.project import Project

NIGHTS = 28
"""Newest issues whose realised errors count: four of each weekday."""
MOST_ROWS = 16_384
"""Realised forecasts of one series at one issue that are looked at: at 48 steps 82 MB."""
TAUGHT_BY = ("fresh", "imputed", "late")
"""Qualities that teach; late rows teach what lateness does."""


def calibrate(
    project: "Project", panel: str, snapshot_id: str, as_of: datetime
) -> CalibrationResult:
    """Renew the ranges of the champion from all its errors known at an instant.

    Held-out errors are those of its scorecard; realised ones are of the issues that it served, as
    far as the snapshot knows their truth. A run repeated for the same instant gives the same id.

    Args:
        project: The project.
        panel: The panel's name.
        snapshot_id: The snapshot that knows the truth.
        as_of: Its instant.

    Raises:
        IntegrityError: ARTEFACT_MISSING, ARTEFACT_CORRUPT, FENCED.
        InfrastructureError: LEASE_BUSY, and those of the database.
    """
    with record(project.database, panel, "calibrate", as_of) as run:
        with project.database.reading() as connection:
            version = champion(connection, panel, as_of)
        if version is None:
            result = CalibrationResult(panel, None, 0, "there is no champion")
            run.done(result.to_json(), message=result.reason)
            return result
        lesson = _Lesson.of(project, version, snapshot_id, as_of)
        fitted = Calibration.fit(
            tuple(version.manifest["network"]["levels"]), lesson.residuals, lesson.season
        )
        with (
            hold(project.database, panel, "night") as lease,
            project.database.writing(lease) as connection,
        ):
            add_calibration(
                connection,
                calibration_id=lesson.id,
                panel=panel,
                version_id=version.version_id,
                as_of=as_of,
                artefact=project.store.put_arrays(fitted.to_arrays(), "calibration"),
                summary=lesson.summary(fitted),
            )
        result = CalibrationResult(panel, lesson.id, lesson.known)
        run.done(result.to_json())
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """What a calibration is learnt from."""

    id: str  # hash of all that went in
    residuals: Residuals
    season: int  # steps
    held_out: int  # rows
    issues: int  # of which realised errors are among them

    @classmethod
    def of(
        cls, project: "Project", version: VersionRow, snapshot_id: str, as_of: datetime
    ) -> "_Lesson":
        """Everything known at an instant of how wrong a version is."""
        held_out, name = _held_out(project, version)
        issues = _issues(project, version, as_of)
        realised = list(_realised(project, version, snapshot_id, issues))
        ids = [issue.staged_id for issue in issues]
        instant = as_of.astimezone(UTC).isoformat()
        inputs = [code_version(), version.version_id, name, snapshot_id, instant, *ids]
        return cls(
            sha256(dumps(inputs).encode()).hexdigest(),
            Residuals.joined([held_out, *realised]),
            int(version.manifest["seasons"][0]["steps"]),
            len(held_out.scale),
            len(realised),
        )

    @property
    def known(self) -> int:
        """Errors that are known."""
        return int(np.isfinite(self.residuals.actual).sum())

    def summary(self, fitted: Calibration) -> dict[str, Any]:
        """For a person who looks at the row."""
        return {
            "rows_held_out": self.held_out,
            "rows_realised": len(self.residuals.scale) - self.held_out,
            "issues_realised": self.issues,
            "errors": self.known,
            "series_own": len(fitted.series),
            "steps_calibrated": int((fitted.scores > 0).sum()),
        }


def _held_out(project: "Project", version: VersionRow) -> tuple[Residuals, str]:
    """Forecasts of the version's scorecard beside what happened; nothing where it has none."""
    with project.database.reading() as connection:
        card = scorecard_of(connection, version.version_id)
    network = version.manifest["network"]
    if card is None:
        return Residuals.none(network["horizon"], len(network["levels"])), ""
    name = str(card.scores["artefacts"]["residuals"])
    return Residuals.from_arrays(project.store.get_arrays(name)), name


def _issues(project: "Project", version: VersionRow, as_of: datetime) -> list[PublicationRow]:
    """The newest issues that a version served before an instant, oldest first.

    Nights alone: what is backfilled is not to change the nights after it.
    """
    with project.database.reading() as connection:
        found = publications(connection, version.panel, NIGHTS, kinds=("night",), until=as_of)
    return [issue for issue in reversed(found) if issue.version_id == version.version_id]


def _realised(
    project: "Project",
    version: VersionRow,
    snapshot_id: str,
    issues: Sequence[PublicationRow],
) -> Iterator[Residuals]:
    """What the network itself said at each issue, beside what happened since."""
    if not issues:
        return
    grid = manifest(project, snapshot_id).grid
    first = min(grid.first_target(issue.issued_at) for issue in issues)
    loaded = load_panel(project, snapshot_id, first_step=first - reach(grid))
    truth = Doubts.of(loaded).masked()  # what is not believed teaches nothing
    scale = np.nan_to_num(seasonal_error(truth.values, version.manifest["seasons"][0]["steps"]))
    places = {info.series_id: row for row, info in enumerate(truth.series)}
    most = max(1, MOST_ROWS // len(issues))
    for issue in issues:
        try:
            staged = Staged.load(project.store, issue.staged_id)
            yield _at_issue(project, staged, truth, (places, scale), most)
        except IntegrityError:
            continue  # its files are gone: what others teach is enough


def _at_issue(
    project: "Project",
    staged: Staged,
    truth: "Panel",
    known: tuple[dict[str, int], Any],
    most: int,
) -> Residuals:
    """An even sample of the network's rows of one issue."""
    places, scale = known
    steps = truth.grid.step_of(np.array(staged.targets, np.int64))
    actual = values_at(truth, steps)  # [series, horizon]
    every = max(1, -(-staged.series // most))
    raw: list[Any] = [np.zeros((0, staged.horizon, len(staged.outputs)))]
    rows: list[int] = []
    ids: list[str] = []
    ages: list[Any] = [np.zeros(0, np.int64)]
    for block in blocks_of(project.store, staged):
        teaches = (block.method == "network") & np.isin(block.quality, TAUGHT_BY)
        chosen = [row for row in np.flatnonzero(teaches)[::every] if block.series[row] in places]
        raw.append(block.raw[chosen])
        ages.append(block.age[chosen])
        ids += [block.series[row] for row in chosen]
        rows += [places[block.series[row]] for row in chosen]
    return Residuals(
        np.concatenate(raw),
        actual[rows],
        scale[rows],
        np.array(ids, np.str_),
        np.full(len(rows), staged.origin, np.int64),
        np.concatenate(ages),
    )
