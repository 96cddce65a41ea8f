"""The part of the default network that reads covariates.

It touches the network in two places, and only where there are covariates: what is known of the
past alone becomes features beside those of each patch; what is known of the horizon becomes rows
that the layer of all targets reads (rnnts.networks.targets), with how it differs from each turn of
a season that is a base. Both end in layers of zeros: a fresh network forecasts as if there were
none.

What is known of the horizon is not read patch by patch too: the holidays of two weeks name the
date, and a long training learns dates by heart.

What a network may have to do without, it does without in training: a column, the end of what is
known of the horizon, or all of it is hidden at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import layers, ops

from rnnts.networks import lambdas, patches
from rnnts.networks.config import NetworkConfig
from rnnts.networks.dropout import Dropout
from rnnts.networks.inputs import exact, plain
from rnnts.panels.covariates import Features, Number

Tensor = Any

HIDDEN_SHARE = 0.1
"""Share of windows that do without a column; and share of those that do without any."""
CUT_SHARE = 0.05
"""Share of windows in which what is known of a column ends with a given part of the horizon."""
CUTS = 4
"""Parts of a horizon."""
PATCH_UNITS = 16
"""Features that the covariates of a patch become."""
UNITS = 32
"""Units of the layer over the covariates of a patch."""
MOST_CATEGORY_UNITS = 8
FARTHEST = 10.0
"""Bounds of a scaled number."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a network reads of covariates."""

    patches: Tensor | None  # [batch, patches, features]; None without any of the past alone
    targets: Tensor  # [batch, horizon, features]


def read_covariates(config: NetworkConfig, inputs: dict[str, Tensor]) -> Read | None:
    """What a network reads of its inputs `known_future`, `past` and `static`; None: nothing."""
    features = config.covariates
    if features is None:
        return None
    every = _kept("covariates", HIDDEN_SHARE)(
        plain(ones, "covariates_all", steps=1)(inputs["known_future"][:, :1, :1])
    )
    width = len(features.known_future)
    known = plain(some, "known_columns", first=0, last=width)(inputs["known_future"])
    clock = plain(some, "calendar", first=width, last=width + features.calendar)(
        inputs["known_future"]
    )
    known = _hidden(_scaled(known, features.known_future, "known"), every, "known")
    past = _hidden(_scaled(inputs["past"], features.past, "past"), every, "past")
    known = _cut(known, config.horizon)
    targets = _of_targets(config, known)
    clock = plain(newest, "calendar_ahead", steps=config.horizon)(clock)
    static = _categories(config, features, inputs["static"], every)
    rows = [targets, clock]
    if static is not None:
        rows.append(plain(for_each, "static_rows", steps=config.horizon)(static))
    return Read(
        _of_patches(config, past) if features.past else None,
        layers.Concatenate(name="covariate_targets")(rows),
    )


def _scaled(numbers: Tensor, columns: Sequence[Number], name: str) -> Tensor:
    """Numbers by their own centre and spread, float32, missing ones NaN."""
    centre, spread = [one.centre for one in columns], [one.spread for one in columns]
    return exact(squash, f"scale_{name}", centre=centre, spread=spread)(numbers)


def _hidden(numbers: Tensor, every: Tensor, name: str) -> Tensor:
    """In training without a column here and there, and at times without any."""
    if not numbers.shape[2]:
        return numbers
    kept = _kept(name, HIDDEN_SHARE)(plain(ones, f"{name}_ones", steps=1)(numbers))
    return plain(hide, f"{name}_hidden")([numbers, kept, every])


def _cut(known: Tensor, horizon: int) -> Tensor:
    """In training what is known of the horizon ends early here and there."""
    if not known.shape[2]:
        return known
    parts = min(CUTS, horizon)
    kept = _kept("ahead", CUT_SHARE)(plain(ones, "ahead_ones", steps=parts)(known))
    return plain(hide_end, "ahead_hidden", horizon=horizon)([known, kept])


def _kept(name: str, share: float) -> Dropout:
    """Over ones: what is 0 afterwards is hidden."""
    return Dropout(share, name=f"{name}_kept")


def _of_targets(config: NetworkConfig, known: Tensor) -> Tensor:
    """Numbers of each target, whether they are known, and how they differ from past turns'."""
    turns = [
        [steps, turn]
        for steps, columns, _ in config.seasons
        for turn in range(1, columns + 1)
        if steps <= config.window
    ]
    layer = plain(
        beside_turns, "known_ahead", horizon=config.horizon, turns=turns, window=config.window
    )
    return layer(known)


def _of_patches(config: NetworkConfig, numbers: Tensor) -> Tensor:
    """Covariates of each patch as a few features, which are 0 at first."""
    patch = config.folded
    padded = plain(patches.pad_front, "whole_covariates", patch=patch)(numbers)
    folded = plain(patches.fold, "fold_covariates", patch=patch)(padded)
    filled = plain(lambdas.fill, "fill_covariates")(folded)
    seen = plain(patches.fold, "fold_covariates_seen", patch=patch)(
        plain(lambdas.observed, "covariates_seen")(padded)
    )
    both = layers.Concatenate(name="covariate_patches")([filled, seen])
    hidden = layers.Dense(UNITS, activation=lambdas.gelu, name="covariate_patches_hidden")(both)
    hidden = Dropout(config.dropout, (None, 1, UNITS), name="covariate_patches_dropout")(hidden)
    return layers.Dense(PATCH_UNITS, kernel_initializer="zeros", name="covariate_patches_out")(
        hidden
    )


def _categories(
    config: NetworkConfig, features: Features, static: Tensor, every: Tensor
) -> Tensor | None:
    """Each category as a few numbers, side by side, [batch, features]; None without any."""
    pieces = []
    for place, one in enumerate(features.static):
        at = config.static + place
        code = plain(some_static, f"category_{place}", place=at)(static)
        kept = _kept(f"category_{place}", HIDDEN_SHARE)(
            plain(ones_like, f"category_{place}_ones")(code)
        )
        code = plain(hide_code, f"category_{place}_hidden")([code, kept, every])
        count = len(one.values) + 1
        width = min(MOST_CATEGORY_UNITS, count)
        pieces.append(layers.Embedding(count, width, name=f"category_{place}_units")(code))
    if not pieces:
        return None
    return pieces[0] if len(pieces) == 1 else layers.Concatenate(name="categories")(pieces)


@lambdas.register
def squash(numbers: Tensor, centre: Sequence[float], spread: Sequence[float]) -> Tensor:
    """Numbers less their centre over their spread, far ones by their logarithm, float32.

    A column that was constant where it was learnt has the spread 0: it is divided by 1.
    """
    divisor = [one or 1.0 for one in spread]
    away = (numbers - ops.convert_to_tensor(centre, "float64")) / ops.convert_to_tensor(
        divisor, "float64"
    )
    return ops.cast(ops.clip(ops.arcsinh(away), -FARTHEST, FARTHEST), "float32")


@lambdas.register
def some(numbers: Tensor, first: int, last: int) -> Tensor:
    """[batch, steps, columns] -> some columns."""
    return numbers[:, :, first:last]


@lambdas.register
def some_static(static: Tensor, place: int) -> Tensor:
    """[batch, features] -> one of them, [batch]."""
    return static[:, place]


@lambdas.register
def for_each(rows: Tensor, steps: int) -> Tensor:
    """[batch, features] -> the same for every step, [batch, steps, features]."""
    return ops.repeat(rows[:, None, :], steps, axis=1)


@lambdas.register
def newest(rows: Tensor, steps: int) -> Tensor:
    """The last steps, [batch, steps, columns]."""
    return rows[:, -steps:]


@lambdas.register
def ones(numbers: Tensor, steps: int) -> Tensor:
    """Ones for so many steps of each column, [batch, steps, columns]."""
    return ops.ones_like(numbers[:, :steps])


@lambdas.register
def ones_like(numbers: Tensor) -> Tensor:
    """Ones."""
    return ops.ones_like(numbers)


@lambdas.register
def hide(tensors: list[Tensor]) -> Tensor:
    """Numbers, missing where one of the others is 0."""
    numbers, *kept = tensors
    for one in kept:
        numbers = ops.where(one > 0, numbers, float("nan"))
    return numbers


@lambdas.register
def hide_end(tensors: list[Tensor], horizon: int) -> Tensor:
    """Numbers, missing from the first part of the horizon on whose mark is 0.

    Args:
        tensors: Numbers [batch, window + horizon, columns], marks [batch, parts, columns].
        horizon: Steps.
    """
    numbers, kept = tensors
    whole = ops.cumprod(kept, axis=1)
    each = -(-horizon // kept.shape[1])
    ahead = ops.repeat(whole, each, axis=1)[:, :horizon]
    window = ops.ones_like(numbers[:, : numbers.shape[1] - horizon])
    return ops.where(ops.concatenate([window, ahead], axis=1) > 0, numbers, float("nan"))


@lambdas.register
def hide_code(tensors: list[Tensor]) -> Tensor:
    """Codes, 0 where a mark is; codes [batch], marks [batch], marks of all [batch, 1, 1]."""
    code, kept, every = tensors
    return code * ops.cast((kept > 0) & (every[:, 0, 0] > 0), code.dtype)


@lambdas.register
def beside_turns(
    known: Tensor, horizon: int, turns: Sequence[Sequence[int]], window: int
) -> Tensor:
    """Numbers of each target, whether known, and their change since each turn of a season.

    Args:
        known: [batch, window + horizon, columns].
        horizon: Targets.
        turns: (steps of the season, which of its turns, from 1: the newest); what begins before the
            window is left out.
        window: Steps before the first target.

    Returns:
        [batch, horizon, columns * (2 + turns inside the window)].
    """
    ahead = known[:, window:]
    pieces = [lambdas.fill(ahead), lambdas.observed(ahead)]
    for steps, turn in turns:
        places = [window + lead - (lead // steps + turn) * steps for lead in range(horizon)]
        if min(places) >= 0:
            change = ahead - ops.take(known, ops.convert_to_tensor(places, "int32"), axis=1)
            pieces.append(lambdas.fill(change))
    return ops.concatenate(pieces, axis=-1)
