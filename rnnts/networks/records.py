"""How well past seasons have forecast a series of late: what their mixture goes by.

Whether last week or the mean of three is nearer differs from series to series more than from hour
to hour, and a window of two weeks shows it but once. So the errors that each base would have had
over the window are measured, as far back as it takes, and stand beside what the recurrence
remembers.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

from rnnts.networks import lambdas
from rnnts.networks.config import NetworkConfig
from rnnts.networks.inputs import exact, plain
from rnnts.networks.patches import mean_or_nan

Tensor = Any

LEAST = 0.01
"""Seasonal units below which an error is as good as none."""
RECENT = 2
"""First seasons that are looked at by themselves: what held for two weeks may not hold since."""


def read_records(
    config: NetworkConfig, before: Tensor, state: Tensor, window: Tensor, unit: Tensor
) -> Tensor | None:
    """What the bases of each season have erred by, [batch, records]; None where all are smoothed.

    Args:
        config: The network.
        before: What lies before the window, [batch, steps].
        state: Centre and spread, [batch, 2].
        window: Scaled, [batch, window].
        unit: [batch, 1].
    """
    seasons = [[steps, columns] for steps, columns, reach in config.seasons if not reach]
    if not seasons:
        return None
    before = exact(lambdas.scale, "scale_before")([before, state])
    layer = plain(record_of_bases, "records", seasons=seasons, first=config.season)
    return layer([before, window, unit])


@lambdas.register
@lambdas.fused
def record_of_bases(tensors: list[Tensor], seasons: Sequence[Sequence[int]], first: int) -> Tensor:
    """Logarithm of each base's mean absolute error, in seasonal units, and whether it is known.

    Of each season: every turn, their mean, and for all but the first season the newest turn and
    that mean, each shifted to the level of the newest first season; last the median of the first
    season before. As if each step had been forecast a season before; which hour the clock showed
    does not matter here. First over the whole window, then over its RECENT first seasons.

    Args:
        tensors: What lies before the window [batch, steps], the window [batch, window], both
            scaled, unit [batch, 1].
        seasons: (steps, columns) of each.
        first: Steps of the first season.

    Returns:
        [batch, records]; an error that is not known has the logarithm 0, that of the first season
        itself.
    """
    before, window, unit = tensors
    begin, length = before.shape[1], window.shape[1]
    whole = ops.concatenate([before, window], axis=1)
    errors = []
    for steps, columns in seasons:
        places = [begin - steps * turn for turn in range(1, columns + 1)]
        # One array a turn: the steps lie side by side in memory, as what is summed should
        away = [window - whole[:, place : place + length] for place in places]
        mean = _mean_of(away)
        errors += [*away, *mean]
        if steps > first and length >= 2 * first:  # else no level before a day is known
            errors += [_shifted(each, first) for each in (away[0], *mean)]
    if length >= 2 * first > 2:  # noqa: PLR2004 - a day before a day, of more than one step
        errors.append(_to_level(window, first))
    errors = [ops.abs(error) for error in errors]
    errors += [error[:, -RECENT * first :] for error in errors]
    means = ops.stack([mean_or_nan(error, 1) for error in errors], axis=1) / unit
    logs = lambdas.fill(ops.log(ops.maximum(means, LEAST)))
    return ops.concatenate([logs, lambdas.observed(means)], axis=1)


def _to_level(window: Tensor, first: int) -> Tensor:
    """Differences to the median of the first season before, [batch, steps]."""
    count = window.shape[1] // first
    days = ops.reshape(window[:, -count * first :], (-1, count, first))
    away = days[:, 1:] - lambdas.median_or_nan(days[:, :-1])[:, :, None]
    return ops.reshape(away, (-1, (count - 1) * first))


def _mean_of(turns: list[Tensor]) -> list[Tensor]:
    """The mean of all turns that are known, [batch, steps]; nothing where there is but one."""
    if len(turns) == 1:
        return []
    # mean_or_nan of a stack of them would do, but the copy that it makes took half as long again
    known = [ops.logical_not(ops.isnan(turn)) for turn in turns]
    total = sum(ops.where(one, turn, 0.0) for one, turn in zip(known, turns, strict=True))
    count = sum(ops.cast(one, turns[0].dtype) for one in known)
    return [ops.where(count > 0, total / ops.maximum(count, 1), float("nan"))]


def _shifted(away: Tensor, first: int) -> Tensor:
    """Differences less their mean over the first season before, [batch, steps]."""
    count = away.shape[1] // first
    days = ops.reshape(away[:, -count * first :], (-1, count, first))
    left = days[:, 1:] - mean_or_nan(days, 2)[:, :-1, None]
    return ops.reshape(left, (-1, (count - 1) * first))
