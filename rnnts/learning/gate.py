"""The gate: a candidate serves only where it beats the champion and the seasonal naives.

What is compared is the mean scaled error (MASE) over the same windows. Against the champion,
which serves already, chance has to be ruled out too, by a paired bootstrap of whole blocks of
neighbouring origins, whose targets overlap, and of series.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, comb
from typing import Any

import numpy as np

from rnnts.panels.arrays import BoolArray, FloatArray, IntArray

LEVEL = 0.9
"""Share of the resamples in which a candidate has to beat the champion: of two equally good ones
the new one wins one time in ten, and a stubborn champion costs only patience."""
RESAMPLES = 1_000
SIGN_LEVEL = 0.05
"""A series is taken from the network only where losing at so many origins has this chance."""
CLEAR_LOSS = 1.1
"""And where its errors are larger by this factor: a tie is not worth a second method."""
CANDIDATE = "network"
CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a candidate, and the numbers that it says it from."""

    promote: bool
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


def judge(errors: Mapping[str, FloatArray], block: int, seed: int) -> Verdict:
    """Whether the candidate beats every other method on the windows that all of them have.

    A baseline is beaten by a smaller mean error, the champion by one that is smaller in LEVEL of
    the resamples.

    Args:
        errors: Scaled error of each window by method, [origins, series], NaN where a window does
            not count: "network", the baselines and, if there is one, "champion".
        block: Origins that are drawn together.
        seed: Of the resamples.

    Returns:
        Its numbers: mean error, skill (1 - candidate / method) and confidence by method.
    """
    same = common_windows(errors)
    if not same.any():
        return Verdict(promote=False, reason="no window could be scored by every method")
    candidate = errors[CANDIDATE]
    mean = {method: float(values[same].mean()) for method, values in errors.items()}
    rivals = [method for method in errors if method != CANDIDATE]
    skill = {
        method: 1.0 - mean[CANDIDATE] / mean[method] if mean[method] > 0 else 0.0
        for method in rivals
    }
    confidence = {
        method: share_better(candidate, errors[method], same, block, seed) for method in rivals
    }
    numbers = {
        "mase": mean,
        "skill": skill,
        "confidence": confidence,
        "level": LEVEL,
        "windows": int(same.sum()),
        "origins": int(same.any(axis=1).sum()),
        "series": int(same.any(axis=0).sum()),
        "block": block,
        "resamples": RESAMPLES,
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
    ...            "confidence": {"champion": 0.95}}
    >>> _reason(numbers, ["champion"], won=True)
    'MASE 0.8000 beats champion 1.0000 (20.0 % better, in 95 % of resamples)'
    """
    named = []
    for method in methods:
        skill, share = numbers["skill"][method], numbers["confidence"][method]
        word, share = ("better", share) if skill > 0 else ("worse", 1 - share)
        chance = f", in {100 * share:.0f} % of resamples" if method == CHAMPION else ""
        mase = f"{numbers['mase'][method]:.4f}"
        named.append(f"{method} {mase} ({100 * abs(skill):.1f} % {word}{chance})")
    verb = "beats" if won else "does not beat"
    needed = "" if won or CHAMPION not in methods else f"; needed: {100 * LEVEL:.0f} %"
    return f"MASE {numbers['mase'][CANDIDATE]:.4f} {verb} {', '.join(named)}{needed}"


def common_windows(errors: Mapping[str, FloatArray]) -> BoolArray:
    """Windows that every method has, [origins, series]."""
    return np.asarray(np.all([np.isfinite(values) for values in errors.values()], axis=0))


def share_better(
    candidate: FloatArray, rival: FloatArray, same: BoolArray, block: int, seed: int
) -> float:
    """Share of the resamples in which the candidate's mean error is below the rival's.

    Origins are drawn in circular blocks, series one by one (Poisson weights), both anew in each.

    Args:
        candidate: [origins, series].
        rival: [origins, series].
        same: Windows that count, [origins, series].
        block: Origins that are drawn together.
        seed: Of the resamples.

    Source:
        Politis and Romano 1992 (circular blocks); Owen and Eckles 2012, Annals of Applied
        Statistics 6(3) (weights along both sides of a table).
    """
    difference = np.where(same, candidate - rival, 0.0)  # [origins, series]
    random = np.random.default_rng(seed)
    origins, series = difference.shape
    better = 0
    for _ in range(RESAMPLES):
        drawn = _drawn_origins(random, origins, block)  # [origins], times drawn
        weights = random.poisson(1.0, series) if series > 1 else np.ones(1)
        better += float(drawn @ difference @ weights) < 0
    return better / RESAMPLES


def _drawn_origins(random: np.random.Generator, origins: int, block: int) -> IntArray:
    """How often each origin is drawn, in blocks that wrap around, [origins]."""
    block = min(max(block, 1), origins)
    starts = random.integers(0, origins, ceil(origins / block))
    places = (starts[:, None] + np.arange(block)).ravel()[:origins] % origins
    return np.bincount(places, minlength=origins)


def block_of(horizon: int, season: int, origins: int) -> int:
    """Origins, a season apart, whose targets overlap; at most half of them.

    >>> block_of(48, 24, 8), block_of(1, 24, 8), block_of(48, 24, 2)
    (2, 1, 1)
    """
    return max(1, min(ceil(horizon / season), origins // 2))


def safeguards(errors: Mapping[str, FloatArray]) -> dict[int, str]:
    """Series that a seasonal naive forecasts clearly better than the candidate.

    Clearly: errors larger by CLEAR_LOSS on average, and at so many origins that chance alone
    gives it less than SIGN_LEVEL of the time.

    Args:
        errors: As for `judge`.

    Returns:
        {place of the series: name of the better baseline}.
    """
    same = common_windows(errors)
    candidate = errors[CANDIDATE]
    best: dict[int, tuple[float, str]] = {}
    for method in errors:
        if method in (CANDIDATE, CHAMPION):
            continue
        worse = (same & (candidate > errors[method])).sum(axis=0)  # [series]
        count = same.sum(axis=0)
        ours = np.where(same, candidate, 0.0).sum(axis=0)
        theirs = np.where(same, errors[method], 0.0).sum(axis=0)
        for series in np.flatnonzero((ours > CLEAR_LOSS * theirs) & (count > 0)):
            rare = sign_chance(int(worse[series]), int(count[series])) < SIGN_LEVEL
            if rare and theirs[series] < best.get(int(series), (np.inf, ""))[0]:
                best[int(series)] = (float(theirs[series]), method)
    return {series: method for series, (_, method) in sorted(best.items())}


def sign_chance(losses: int, count: int) -> float:
    """Chance of at least so many losses out of `count`, were both equally good.

    >>> sign_chance(8, 8), sign_chance(7, 8)
    (0.00390625, 0.03515625)
    """
    return float(sum(comb(count, each) for each in range(losses, count + 1)) / 2**count)
