"""Provenance: what a forecast was made from, kept with it, so that it can be made again.

The snapshot is frozen, and so are weights and calibration. All else changes after a night: the
configuration, the catalogue of series, who is champion, which series a baseline serves, and the
machine. What of that went into a forecast stands in its staged manifest, as plain JSON.
"""

import hashlib
import os
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from rnnts import panels
from rnnts.config import PanelConfig
from rnnts.errors import ConfigurationError
from rnnts.findings import Finding
from rnnts.learning.versions import code_version, library_versions
from rnnts.steps.nights import Given, Known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rnnts.learning.ladder import Method
    from rnnts.steps.serving import Serving

Json = Any
NO_SAY = {"source", "covariates", "holidays", "schedule", "train", "revision_span"}
"""Settings of a panel that change no forecast once there are a snapshot and a network."""
STEPS = ("nights.py", "rungs.py")
"""Modules of this room whose code can change a forecast."""
VECTORS = ("fma", "avx", "avx2", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve")
"""Instructions by which libraries choose how they compute; another choice gives other bits."""


@dataclass(frozen=True, slots=True)
class Network:
    """Which network served, and with what."""

    version_id: str
    method: "Method"  # network, or network_previous
    calibration_id: str | None
    baselines: dict[str, int]  # days of the season of each series that a baseline serves

    @classmethod
    def of(cls, serving: "Serving") -> Self:
        """What identifies a network that serves."""
        return cls(
            serving.version.version_id, serving.method, serving.calibration_id, serving.baselines
        )


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that went into a forecast, beside its snapshot."""

    settings: dict[str, Json]  # of the panel, those that have a say
    network: Network | None  # None: plain methods alone
    why: tuple[Finding, ...]  # why it was that network, or none
    known: Known
    made_with: dict[str, str]  # code, libraries, kind of processor

    @classmethod
    def of(cls, given: Given) -> Self:
        """What has to be written down of what a forecast is made from."""
        return cls(
            given.config.model_dump(mode="json", exclude=NO_SAY),
            None if given.serving is None else Network.of(given.serving),
            given.findings,
            given.known,
            made_with(),
        )

    def to_json(self) -> dict[str, Json]:
        """The same as plain JSON."""
        return {
            "settings": self.settings,
            "network": None if self.network is None else asdict(self.network),
            "why": [asdict(finding) for finding in self.why],
            "known": {
                "later": sorted(self.known.later),
                "absent": [
                    [name, [list(pair) for pair in keys]] for name, keys in self.known.absent
                ],
                "retired": sorted(self.known.retired),
            },
            "made_with": self.made_with,
        }

    @classmethod
    def from_json(cls, values: "Mapping[str, Json]", where: str) -> Self:
        """The provenance that `to_json` wrote.

        Args:
            values: As it stands in the staged manifest.
            where: Whose it is, for a person.

        Raises:
            ConfigurationError: INPUTS_UNRECORDED where an older rnnts wrote none.
        """
        if not values:
            raise ConfigurationError(
                "INPUTS_UNRECORDED",
                expected="a forecast that says what it was made from",
                got="one of an rnnts that did not write it down yet",
                where=where,
                do="nights made since the upgrade can be replayed and explained",
            )
        network, known = values["network"], values["known"]
        return cls(
            values["settings"],
            None if network is None else Network(**network),
            tuple(Finding(**finding) for finding in values["why"]),
            Known(
                frozenset(known["later"]),
                tuple(
                    (name, tuple((column, value) for column, value in keys))
                    for name, keys in known["absent"]
                ),
                frozenset(known["retired"]),
            ),
            values["made_with"],
        )

    def config(self, today: PanelConfig) -> PanelConfig:
        """The panel's configuration as it was, its source and schedule as they are today."""
        kept = today.model_dump(include=NO_SAY)
        return PanelConfig.model_validate({**kept, **self.settings})


def made_with() -> dict[str, str]:
    """Code, libraries and kind of processor: where all are the same, so are the bits."""
    return {
        "code": _code(),
        **library_versions(),
        "processor": f"{platform.machine()} {_processor()}".strip(),
        "device": _device(),
        **({"onednn": value} if (value := os.environ.get("TF_ENABLE_ONEDNN_OPTS")) else {}),
    }


def differences(then: "Mapping[str, str]", now: "Mapping[str, str]") -> list[str]:
    """What is not as it was, each in words.

    >>> differences({"numpy": "2.1.0", "code": "aa"}, {"numpy": "2.2.0", "code": "aa"})
    ['numpy 2.1.0, now 2.2.0']
    """
    names = [name for name in (*then, *(set(now) - set(then))) if then.get(name) != now.get(name)]
    return [
        f"{WORDS.get(name, name)} {_brief(then.get(name))}, now {_brief(now.get(name))}"
        for name in names
    ]


WORDS = {"code": "rnnts' own code", "python": "Python"}
_BRIEF = 60


def _brief(value: str | None) -> str:
    if value is None:
        return "unknown"
    is_hash = len(value) == hashlib.sha256().digest_size * 2
    return value[:12] if is_hash else value[:_BRIEF]


@cache
def _code() -> str:
    """Hash of the source that makes a forecast."""
    digest = hashlib.sha256(code_version().encode())
    here = Path(__file__).parent
    files = sorted(path for folder in panels.__path__ for path in Path(folder).glob("*.py"))
    for path in (*files, *(here / name for name in STEPS)):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _processor() -> str:
    """Name of the processor and those of its instructions that matter, as Linux tells them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    lines = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in text.splitlines())
    }
    has = lines.get("flags", lines.get("Features", "")).split()
    named = lines.get("model name", "")
    return " ".join([named, *(one for one in VECTORS if one in has)]).strip()


def _device() -> str:
    """A GPU that TensorFlow found, if it was loaded at all; else the processor computes."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return "cpu"
    found = cast("Any", tensorflow).config.list_physical_devices("GPU")
    return found[0].name if found else "cpu"
