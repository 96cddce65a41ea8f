"""The gate: a candidate serves only where it beats the champion and the seasonal naives.

What is compared is the mean scaled error (MASE) over the same windows, which neither network was
trained on, of what would be published: where a network clearly loses on a series a baseline serves
it. Against the champion, which serves already, chance has to be ruled out too: see
`rnnts.learning.paired`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np

from rnnts.learning.paired import compare
from rnnts.learning.safeguards import safeguards as clear_losses
from rnnts.panels.arrays import BoolArray, FloatArray

LEVEL = 0.975
"""Confidence with which a candidate has to beat the champion: Diebold and Mariano's test at 5 %, of
which half lies on the side of the champion. A stubborn champion costs only patience."""
CANDIDATE = "network"
CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a candidate, and the numbers that it says it from."""

    promote: bool
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


def judge(errors: Mapping[str, FloatArray], overlap: int = 1) -> Verdict:
    """Whether the candidate beats every other method on the windows that all of them have.

    The candidate is taken as it would serve, see `as_served`. A baseline is beaten by a smaller
    mean error, the champion by one that is smaller with a confidence of LEVEL.

    Args:
        errors: Scaled error of each window by method, [origins, series], NaN where a window does
            not count: "network", the baselines and, if there is one, "champion", as it serves.
        overlap: Origins in a row whose targets overlap.

    Returns:
        Its numbers: mean error, skill (1 - candidate / method) and confidence by method; and the
        mean error of the network alone.
    """
    same = common_windows(errors)
    if not same.any():
        return Verdict(promote=False, reason="no window could be scored by every method")
    alone = float(errors[CANDIDATE][same].mean())
    errors = {**errors, CANDIDATE: as_served(errors, overlap)}
    mean = {method: float(values[same].mean()) for method, values in errors.items()}
    rivals = [method for method in errors if method != CANDIDATE]
    skill = {
        method: 1.0 - mean[CANDIDATE] / mean[method] if mean[method] > 0 else 0.0
        for method in rivals
    }
    confidence = {
        method: compare(errors[CANDIDATE], errors[method], same, overlap).confidence
        for method in rivals
    }
    numbers = {
        "mase": mean,
        "alone": alone,
        "skill": skill,
        "confidence": confidence,
        "level": LEVEL,
        "windows": int(same.sum()),
        "origins": int(same.any(axis=1).sum()),
        "series": int(same.any(axis=0).sum()),
        "overlap": overlap,
    }
    lost = [
        method
        for method in rivals
        if skill[method] <= 0 or (method == CHAMPION and confidence[method] < LEVEL)
    ]
    return Verdict(not lost, _reason(numbers, lost or rivals, won=not lost), numbers)


def _reason(numbers: Mapping[str, Any], methods: list[str], *, won: bool) -> str:
    """One sentence with the numbers that decided.

    >>> numbers = {"mase": {"network": 0.8, "champion": 1.0}, "skill": {"champion": 0.2},
    ...            "confidence": {"champion": 0.991}, "origins": 8, "alone": 0.8}
    >>> _reason(numbers, ["champion"], won=True)
    'MASE 0.8000 beats champion 1.0000 (20.0 % better, with 99.1 % confidence)'
    >>> _reason(numbers | {"alone": 0.9}, ["champion"], won=True).partition(" beats")[0]
    'MASE 0.8000, the network alone 0.9000,'
    """
    named = []
    for method in methods:
        skill, sure = numbers["skill"][method], numbers["confidence"][method]
        word, sure = ("better", sure) if skill > 0 else ("worse", 1 - sure)
        told = f", with {100 * sure:.1f} % confidence" if method == CHAMPION else ""
        mase = f"{numbers['mase'][method]:.4f}"
        named.append(f"{method} {mase} ({100 * abs(skill):.1f} % {word}{told})")
    verb = "beats" if won else "does not beat"
    needed = ""
    if not won and CHAMPION in methods:
        origins = numbers["origins"]
        needed = f"; needed: {100 * LEVEL:g} %, from {origins} origin{'s' * (origins != 1)}"
    ours, alone = f"{numbers['mase'][CANDIDATE]:.4f}", f"{numbers['alone']:.4f}"
    if alone != ours:  # series that it loses on are a baseline's
        ours += f", the network alone {alone},"
    return f"MASE {ours} {verb} {', '.join(named)}{needed}"


def common_windows(errors: Mapping[str, FloatArray]) -> BoolArray:
    """Windows that every method has, [origins, series]."""
    return np.asarray(np.all([np.isfinite(values) for values in errors.values()], axis=0))


def overlap_of(horizon: int, season: int) -> int:
    """Origins in a row, a season apart, whose targets overlap.

    >>> overlap_of(48, 24), overlap_of(1, 24), overlap_of(28, 7)
    (2, 1, 4)
    """
    return max(1, ceil(horizon / season))


def as_served(errors: Mapping[str, FloatArray], overlap: int = 1) -> FloatArray:
    """The candidate's errors with the baselines that are to serve some series in its place.

    Which these are is said for each origin by the others: neither its own targets nor those that
    overlap them have a say in how they are served, or any network would look better than it is.

    Args:
        errors: As for `judge`.
        overlap: As for `judge`.

    Returns:
        [origins, series].

    Source:
        López de Prado 2018, Advances in Financial Machine Learning, section 7.4 (purged
        cross-validation).
    """
    served = _cross_fitted(errors, overlap)
    return served if _worth_it(errors, served) else errors[CANDIDATE]


def safeguards(errors: Mapping[str, FloatArray], overlap: int = 1) -> dict[int, str]:
    """Series that a seasonal naive is to serve, because it forecasts them clearly better.

    None where that would have made the mean of all series worse, by what `as_served` tells.

    Args:
        errors: As for `judge`.
        overlap: As for `judge`.

    Returns:
        {place of the series: name of the better baseline}.
    """
    served = _cross_fitted(errors, overlap)
    return _clear_losses(errors, overlap) if _worth_it(errors, served) else {}


WORTH = 1.01
"""What safeguards may cost the mean, as a factor: a series that is forecast badly every night
weighs more than a hundredth of it. Around Thanksgiving, when no two of eight days are alike, they
would have cost the flights 4 %. M4 Hourly, where choosing by all eight days gains 0.7 %, seems to
lose 0.8 % where five or six choose.
"""


def _worth_it(errors: Mapping[str, FloatArray], served: FloatArray) -> bool:
    same = common_windows(_without_champion(errors))
    return bool(served[same].sum() <= WORTH * errors[CANDIDATE][same].sum())


def _cross_fitted(errors: Mapping[str, FloatArray], overlap: int) -> FloatArray:
    served = errors[CANDIDATE].copy()
    places = np.arange(len(served))
    for place in places:
        apart = np.abs(places - place) >= overlap
        others = {method: values[apart] for method, values in errors.items()}
        for series, method in _clear_losses(others, overlap).items():
            served[place, series] = errors[method][place, series]
    return served


def _clear_losses(errors: Mapping[str, FloatArray], overlap: int) -> dict[int, str]:
    others = _without_champion(errors)
    return clear_losses(others, common_windows(others), CANDIDATE, overlap)


def _without_champion(errors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {method: values for method, values in errors.items() if method != CHAMPION}
