"""The gate: a candidate serves only where it beats the champion and the seasonal naives.

What is compared is the mean scaled error (MASE) over the same windows, which neither network was
trained on, of what would be published: where a network clearly loses on a series a baseline serves
it. Against the champion, which serves already, chance has to be ruled out too, by the networks
alone: what baselines serve differs by which of them a handful of days happened to choose, and in
that noise a better network would hardly ever be seen. See `rnnts.learning.paired`.
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


def judge(
    errors: Mapping[str, FloatArray], overlap: int = 1, champion: FloatArray | None = None
) -> Verdict:
    """Whether the candidate beats every other method on the windows that all of them have.

    As they are published, the candidate as `as_served` has it, its mean error has to be smaller
    than each other one; and its network has to be better than the champion's with a confidence of
    LEVEL.

    Args:
        errors: Scaled error of each window by method, [origins, series], NaN where a window does
            not count: "network", the baselines and, if there is one, "champion", networks alone.
        overlap: Origins in a row whose targets overlap.
        champion: The champion's errors with the baselines that have served some series in its
            place, [origins, series]; None: none did.

    Returns:
        Its numbers: mean error and skill (1 - candidate / method) as published and confidence by
        method; mean error of the networks alone.
    """
    same = common_windows(errors)
    if not same.any():
        return Verdict(promote=False, reason="no window could be scored by every method")
    published = {**errors, CANDIDATE: as_served(errors, overlap)}
    if champion is not None:
        published[CHAMPION] = champion
    mean = {method: float(values[same].mean()) for method, values in published.items()}
    rivals = [method for method in errors if method != CANDIDATE]
    skill = {method: _skill(mean[CANDIDATE], mean[method]) for method in rivals}
    confidence = {}
    for method in rivals:
        compared = errors if method == CHAMPION else published
        pair = compare(compared[CANDIDATE], compared[method], same, overlap)
        confidence[method] = pair.confidence
    numbers = {
        "mase": mean,
        "networks": {
            name: float(errors[name][same].mean())
            for name in (CANDIDATE, CHAMPION)
            if name in errors
        },
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


def _skill(ours: float, theirs: float) -> float:
    return 1.0 - ours / theirs if theirs > 0 else 0.0


def _reason(numbers: Mapping[str, Any], methods: list[str], *, won: bool) -> str:
    """One sentence with the numbers that decided.

    >>> numbers = {"mase": {"network": 0.8, "champion": 1.0}, "skill": {"champion": 0.2},
    ...            "networks": {"network": 0.8, "champion": 1.0},
    ...            "confidence": {"champion": 0.991}, "origins": 8}
    >>> _reason(numbers, ["champion"], won=True)
    'MASE 0.8000 beats champion 1.0000 (20.0 % better, with 99.1 % confidence)'
    >>> numbers["networks"] = {"network": 0.9, "champion": 1.2}
    >>> _reason(numbers, ["champion"], won=True)  # doctest: +NORMALIZE_WHITESPACE
    'MASE 0.8000, the network alone 0.9000, beats champion 1.0000 (20.0 % better; networks alone
    0.9000 and 1.2000: 25.0 % better with 99.1 % confidence)'
    """
    mase, networks = numbers["mase"], numbers["networks"]
    named = []
    for method in methods:
        told = _compared(numbers["skill"][method])
        if method == CHAMPION:
            told += _networks(numbers)
        named.append(f"{method} {mase[method]:.4f} ({told})")
    verb = "beats" if won else "does not beat"
    needed = ""
    if not won and CHAMPION in methods:
        origins = numbers["origins"]
        needed = f"; needed: {100 * LEVEL:g} %, from {origins} origin{'s' * (origins != 1)}"
    ours, alone = f"{mase[CANDIDATE]:.4f}", f"{networks[CANDIDATE]:.4f}"
    if alone != ours:  # series that it loses on are a baseline's
        ours += f", the network alone {alone},"
    return f"MASE {ours} {verb} {', '.join(named)}{needed}"


def _compared(skill: float) -> str:
    return f"{100 * abs(skill):.1f} % {'better' if skill > 0 else 'worse'}"


def _networks(numbers: Mapping[str, Any]) -> str:
    """How sure the candidate's network is of its lead, or the champion's of its own."""
    mase, networks, sure = numbers["mase"], numbers["networks"], numbers["confidence"][CHAMPION]
    skill = _skill(networks[CANDIDATE], networks[CHAMPION])
    told = f"with {100 * (sure if skill > 0 else 1 - sure):.1f} % confidence"
    if all(f"{mase[name]:.4f}" == f"{networks[name]:.4f}" for name in networks):
        return f", {told}"
    ours, theirs = networks[CANDIDATE], networks[CHAMPION]
    return f"; networks alone {ours:.4f} and {theirs:.4f}: {_compared(skill)} {told}"


def common_windows(errors: Mapping[str, FloatArray]) -> BoolArray:
    """Windows that every method has, [origins, series]."""
    return np.asarray(np.all([np.isfinite(values) for values in errors.values()], axis=0))


def overlap_of(horizon: int, apart: int) -> int:
    """Origins in a row, so many steps apart, whose targets overlap.

    >>> overlap_of(48, 24), overlap_of(1, 24), overlap_of(28, 7), overlap_of(48, 6)
    (2, 1, 4, 8)
    """
    return max(1, ceil(horizon / apart))


def as_served(errors: Mapping[str, FloatArray], overlap: int = 1) -> FloatArray:
    """The candidate's errors with the baselines that are to serve some series in its place.

    Which these are is said for each origin by the others: neither its own targets nor those that
    overlap them have a say in how they are served, or any network would look better than it is.
    Where all origins together choose no baseline they are the network's own.

    Args:
        errors: As for `judge`.
        overlap: As for `judge`.

    Returns:
        [origins, series].

    Source:
        López de Prado 2018, Advances in Financial Machine Learning, section 7.4 (purged
        cross-validation).
    """
    return _cross_fitted(errors, overlap) if safeguards(errors, overlap) else errors[CANDIDATE]


def safeguards(errors: Mapping[str, FloatArray], overlap: int = 1) -> dict[int, str]:
    """Series that a seasonal naive is to serve, because it forecasts them clearly better.

    None where that would have made the mean of all series worse, had each origin's been chosen by
    the others.

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
