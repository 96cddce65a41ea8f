"""Safeguards: series that a seasonal naive serves, because the network clearly loses on them.

Eight origins say little of one series, much of many. So a series is not judged by itself: its
relative loss is drawn towards what the panel's other series lose, the more so the noisier it is
(empirical Bayes), and it is taken from the network where what remains says CLEAR_CHANCE to 1 that
the network's errors are larger by CLEAR_LOSS.

Chosen on eight held-out days and scored on the seven after them, three seeds: on M4 Hourly 41 of
414 series are switched, with errors 13 % lower then (geometric mean), which lowers the mean of all
by 0.9 %; on the flights 10 of 32, with errors 26 % lower; on ETTh1, where the network loses
nowhere, 1 in 300. A sign test of the eight days at 5 %, which was asked before, took 5 % of series
from networks that were as good as the baseline, and made errors 9 % larger on ETTh1 where it did.
A mean over series is ruled by a few that fly on rare days: on the flights it was 6 % higher.

Source:
    Efron and Morris 1975, Journal of the American Statistical Association 70(350).
"""

from collections.abc import Mapping
from math import erf, sqrt

import numpy as np

from rnnts.learning.metrics import mean_observed
from rnnts.learning.paired import LEAST_ORIGINS, cosine_terms, variance_of_sum
from rnnts.panels.arrays import BoolArray, FloatArray

CLEAR_LOSS = 1.1
"""A tie is not worth a second method: errors have to be larger by this factor."""
CLEAR_CHANCE = 0.8
"""How sure of that one has to be. 0.9 left half of what could be gained on M4 Hourly, at 0.75 more
was lost on the flights' rare days."""
BORROWED = 4.0
"""Observations for which the panel's usual noise counts in each series' own: as many as its own."""
FEW_SERIES = 4
"""Below, a panel's series cannot say how series differ: USUAL_SPREAD stands in, around 0."""
USUAL_SPREAD = 0.2
LEAST_SPREAD = 0.01
"""Series are never taken to be all alike to the last per cent."""


def safeguards(
    errors: Mapping[str, FloatArray], same: BoolArray, network: str, overlap: int = 1
) -> dict[int, str]:
    """Series that a baseline forecasts clearly better than the network.

    Args:
        errors: Scaled error of each window by method, [origins, series]: the network's and those
            of baselines.
        same: Windows that count, [origins, series].
        network: Which of them is the network's.
        overlap: Origins in a row whose targets overlap.

    Returns:
        {place of the series: name of the best of the better baselines}.
    """
    best: dict[int, tuple[float, str]] = {}
    for method, baseline in errors.items():
        if method == network:
            continue
        chance = chance_of_loss(errors[network], baseline, same, overlap)
        theirs = mean_observed(np.where(same, baseline, np.nan), axis=0)
        for place in np.flatnonzero(chance >= CLEAR_CHANCE).tolist():
            if theirs[place] < best.get(place, (np.inf, ""))[0]:
                best[place] = (float(theirs[place]), method)
    return {place: method for place, (_, method) in sorted(best.items())}


def chance_of_loss(
    ours: FloatArray, theirs: FloatArray, same: BoolArray, overlap: int
) -> FloatArray:
    """Chance that our error is larger than theirs by CLEAR_LOSS in the long run, [series].

    0 for a series with a single origin, or of which neither errs.
    """
    count = same.sum(axis=0)  # [series]
    total = np.where(same, ours + theirs, 0.0).sum(axis=0) / 2
    known = (count >= LEAST_ORIGINS) & (total > 0)
    chance = np.zeros(len(count))
    if not known.any():
        return chance
    size = (total[known] / count[known])[:, None]  # mean error of both, [known, 1]
    apart = np.where(same, ours - theirs, np.nan).T[known] / size  # [known, origins]
    loss = mean_observed(apart, axis=1)
    noise = _noise(apart, loss, overlap)
    centre, spread = _usual(loss, noise)
    weight = spread / (spread + noise)
    drawn = centre + weight * (loss - centre)
    margin = 2 * (CLEAR_LOSS - 1) / (CLEAR_LOSS + 1)  # of the mean error of both
    score = (drawn - margin) / np.sqrt(weight * noise)
    chance[known] = [(1 + erf(one / sqrt(2))) / 2 for one in score.tolist()]
    return chance


def _noise(apart: FloatArray, loss: FloatArray, overlap: int) -> FloatArray:
    """Variance of each mean loss, drawn towards the panel's usual one, [series]."""
    count = (~np.isnan(apart)).sum(axis=1)
    beyond = np.nan_to_num(apart - loss[:, None])  # [series, origins]
    terms = cosine_terms(apart.shape[1], overlap)
    slow = variance_of_sum(beyond, terms) / count**2
    plain = (beyond**2).sum(axis=1) / np.maximum(count - 1, 1) / count
    own = np.maximum(slow, plain)
    noise: FloatArray = (terms * own + BORROWED * np.median(own)) / (terms + BORROWED)
    return np.maximum(noise, np.finfo(np.float64).tiny)


def _usual(loss: FloatArray, noise: FloatArray) -> tuple[float, float]:
    """Centre and variance of what the panel's series truly lose, their noise taken off."""
    if len(loss) < FEW_SERIES:
        return 0.0, USUAL_SPREAD**2
    centre = float(np.median(loss))
    return centre, max(LEAST_SPREAD**2, float(((loss - centre) ** 2 - noise).mean()))
