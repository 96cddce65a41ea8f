"""Retrains with their scorecards, written into a project as `evaluate` and `promote` do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from rnnts.database import models
from rnnts.learning.gate import common_windows, judge
from rnnts.learning.portrait import Portrait
from rnnts.panels.arrays import FloatArray
from rnnts.project import Project
from rnnts.steps.retrains import Plan, told_of

ORIGINS, HORIZON = 8, 48
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
NAIVE = ("seasonal_naive_day", "seasonal_naive_week")


@dataclass(frozen=True)
class Retrained:
    """One retrain to be written: how much better than the champion it is, and on which series."""

    as_of: datetime
    gain: float
    champion: str | None = None
    series: tuple[str, ...] = ("EWR/AA", "EWR/B6", "JFK/B6", "LGA/DL")
    guarded: tuple[str, ...] = ()
    worst: float = 0.3  # error of the last series, beyond that of others

    @property
    def version_id(self) -> str:
        """Of its version."""
        return f"{self.as_of:%Y%m%d}" * 8


def write(project: Project, panel: str, one: Retrained) -> str:
    """Version, scorecard and decision; the version's id."""
    errors = _errors(one)
    verdict = judge(errors, 2)
    plan = Plan(
        "warm" if one.champion else "scratch", one.champion, int(bool(one.champion)), 0.01, 1, 5.0,
        "the champion is the same network" if one.champion else "there is no champion yet",
    )  # fmt: skip
    manifest = {
        "network": {"architecture": "patched_lstm"}, "start": plan.to_json(), "seconds": 290.0,
        "as_of": one.as_of.isoformat(),
    }  # fmt: skip
    guards = project.store.put_json(dict.fromkeys(one.guarded, "seasonal_naive_week"), "safeguards")
    numbers = verdict.numbers | {
        "retrain": told_of(manifest, verdict.numbers["skill"].get("champion")),
        "safeguards": {"series": len(one.guarded), "artefact": guards},
    }
    common: dict[str, Any] = {
        "panel": panel, "version_id": one.version_id, "scorecard_id": f"card-{one.version_id}"[:64],
        "reason": verdict.reason, "numbers": numbers,
    }  # fmt: skip
    with project.database.writing() as connection:
        models.add_version(
            connection, version_id=one.version_id, panel=panel, as_of=one.as_of,
            snapshot_id="s" * 64, windows_id="w" * 64, manifest=manifest,
            weights_name="weights/ab/ab.keras", weights_sha256="a" * 64,
        )  # fmt: skip
        models.add_scorecard(
            connection, scorecard_id=common["scorecard_id"], panel=panel,
            version_id=one.version_id, snapshot_id="s" * 64, as_of=one.as_of,
            scores=_scores(project, one, errors),
        )  # fmt: skip
        if verdict.promote:
            models.promote(connection, **common, effective_from=one.as_of)
        else:
            models.reject(connection, **common)
    return one.version_id


def _errors(one: Retrained) -> dict[str, FloatArray]:
    """By method, [origins, series]; the last series is the network's worst."""
    random = np.random.default_rng(int(one.as_of.timestamp()))
    hard = random.gamma(9.0, 0.1, (ORIGINS, len(one.series)))
    champion = hard + random.normal(0, 0.02, hard.shape)
    network = champion * (1 - one.gain) + random.normal(0, 0.01, hard.shape)
    network[:, -1] += one.worst
    errors = {"network": network}
    if one.champion:
        errors["champion"] = champion
        errors["champion"][:, -1] += 0.3
    return errors | {NAIVE[0]: 1.3 * hard + 0.1, NAIVE[1]: 1.2 * hard + 0.1}


def _scores(project: Project, one: Retrained, errors: dict[str, FloatArray]) -> dict[str, Any]:
    steps = np.sqrt(np.arange(1, HORIZON + 1))
    same = common_windows(errors)
    detail = {
        "series": list(one.series),
        "by_series": {name: values.mean(axis=0).tolist() for name, values in errors.items()},
        "by_origin": {name: values.mean(axis=1).tolist() for name, values in errors.items()},
        "windows_by_origin": same.sum(axis=1).tolist(),
        "candidate": _portrait(len(one.series)),
        "uncalibrated": [0.15, 0.36, 0.51, 0.66, 0.85],
    }
    scores = {
        name: {
            "mase": float(values.mean()), "smape": 12.0, "wql": 0.03, "coverage_80": 0.79,
            "coverage_95": None, "windows": float(same.sum()), "n": 1536.0,
        }
        for name, values in errors.items()
    }  # fmt: skip
    return {
        "scores": scores,
        "by_step": {
            name: {"mase": (values.mean() * steps / steps.mean()).tolist()}
            for name, values in errors.items()
        },
        "origins": [f"2013-12-{day:02}T07:00:00+00:00" for day in range(1, 9)],
        "champion": one.champion,
        "overlap": 2,
        "artefacts": {"detail": project.store.put_json(detail, "scorecard")},
    }


def _portrait(series: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    portrait = Portrait(LEVELS, np.ones(series))
    for _ in range(ORIGINS):
        middle = random.normal(0.1, 1.0, (series, HORIZON)) * np.sqrt(np.arange(1, HORIZON + 1)) / 5
        spread = np.array([-1.0, -0.4, 0.0, 0.4, 1.0])
        portrait.add(np.zeros_like(middle), middle[:, :, None] + spread, np.ones(series, bool))
    return portrait.to_json()
