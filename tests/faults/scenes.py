"""A retrain and the night after it, with a project at each moment at which one of them may die."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Self

from tests.faults import reached
from tests.faults.forks import Order, Run
from tests.faults.nights import (
    FIRST_NIGHT,
    FIRST_RETRAIN,
    SECOND_NIGHT,
    SECOND_RETRAIN,
    THIRD_NIGHT,
    train_longer,
)
from tests.faults.stages import Stage

RAISED, DEGRADED = 1, 3  # exit codes
JOBS = ".rnnts/store/jobs"


@dataclass(frozen=True)
class Scene:
    """A retrain, the night after it, and where they begin."""

    run: Run
    stage: Stage
    start: Path  # rnnts.toml of a project with the night before
    retrain_at: datetime
    night_at: datetime
    twin: Self | None = None
    """The same scene on another database. A training's folder is named after all that goes into
    it, so what the training process left there serves here too."""

    @classmethod
    def first(cls, run: Run, stage: Stage, twin: Self | None = None) -> Self:
        """Of a panel that has no champion: its nights stand on the ladder."""
        scene = cls(run, stage, stage.make("new"), FIRST_RETRAIN, SECOND_NIGHT, twin)
        assert run(Order(str(scene.start), "night", FIRST_NIGHT.isoformat())) == DEGRADED
        return scene

    def following(self) -> Self:
        """The next one: a champion serves the nights, and a better one is trained."""
        config = self._copy(self.whole, "champion")
        assert self.run(self.night(config)) == 0
        train_longer(config)
        return type(self)(self.run, self.stage, config, SECOND_RETRAIN, THIRD_NIGHT)

    def retrain(self, config: Path, failpoint: str = "", *, spawn: bool = False) -> Order:
        """An order for the retrain."""
        return Order(str(config), "retrain", self.retrain_at.isoformat(), failpoint, spawn)

    def night(self, config: Path, failpoint: str = "") -> Order:
        """An order for the night."""
        return Order(str(config), "night", self.night_at.isoformat(), failpoint)

    def before(self, failpoint: str) -> Path:
        """A copy of a project at which most of what comes before a failpoint is done."""
        if failpoint.startswith("promote."):
            return self._copy(self.evaluated, failpoint)
        if failpoint in reached.AFTER_A_TRAINING_PROCESS:
            return self._copy(self.trained, failpoint)
        config = self._copy(self.start, failpoint)
        if failpoint.startswith("window."):
            _take_training(config, self.trained)
        return config

    @cached_property
    def trained(self) -> Path:
        """The training process is done, and nobody has looked at what it left."""
        config = self._copy(self.start, "trained")
        if self.twin is not None:
            _take_training(config, self.twin.trained)
        assert self.run(self.retrain(config, "train.child_done:raise")) == RAISED
        return config

    @cached_property
    def evaluated(self) -> Path:
        """The candidate has its scorecard, and no decision stands on it."""
        config = self._copy(self.trained, "evaluated")
        assert self.run(self.retrain(config, "promote.switched:raise")) == RAISED
        return config

    @cached_property
    def whole(self) -> Path:
        """The retrain is done."""
        config = self._copy(self.trained, "whole")
        assert self.run(self.retrain(config)) == 0
        return config

    @cached_property
    def whole_night(self) -> Path:
        """The night is done, and the retrain was never begun."""
        config = self._copy(self.start, "whole-night")
        assert self.run(self.night(config)) == 0
        return config

    def _copy(self, config: Path, name: str) -> Path:
        return self.stage.copy(config, f"{self.night_at:%d}-{name}")


def _take_training(config: Path, trained: Path) -> None:
    """Let a project find what a training process left in another."""
    shutil.copytree(trained.parent / JOBS, config.parent / JOBS, dirs_exist_ok=True)
