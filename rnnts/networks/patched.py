"""The default network: an LSTM over whole seasons that weighs what past seasons say."""

from typing import Any

from keras import layers

from rnnts.networks import lambdas, patches
from rnnts.networks.config import NetworkConfig
from rnnts.networks.covariates import Read, read_covariates
from rnnts.networks.dropout import Dropout
from rnnts.networks.inputs import exact, plain
from rnnts.networks.records import read_records
from rnnts.networks.targets import adjust_targets

Tensor = Any

MAX_SEGMENTS = 128
"""Rows of mixture weights; longer horizons share a row among more targets."""
MOST_UNROLLED = 32
"""Patches up to which the recurrence is laid out step by step: faster, but a larger graph."""


def patched_forecast(config: NetworkConfig, inputs: dict[str, Tensor], state: Tensor) -> Tensor:
    """Scaled forecasts of each member, [batch, members, horizon, quantiles].

    The window is folded into patches of whole seasons: the recurrence is a few steps long where
    the window has hundreds. The median is a mixture of seasonal bases plus a residual.
    """
    window = exact(lambdas.scale, "scale")([inputs["values"], state])  # NaN where missing
    read = read_covariates(config, inputs)
    features = patch_features(config, window, inputs, read)  # [batch, patches, features]
    bases = exact(lambdas.scale, "scale_bases")([inputs["bases"], state])
    seasons = [list(season) for season in config.seasons]
    bases = plain(patches.widen_bases, "widen_bases", seasons=seasons)([bases, window])
    season = min(config.season, max(1, config.window // 2))
    unit = plain(patches.seasonal_unit, "seasonal_unit", steps=season)(window)
    places = plain(patches.place_bases, "places")([bases, unit])
    record = read_records(config, inputs["before"], state, window, unit)
    beside = _joined([known_summary(config, inputs), record], "context")
    parts = (features, bases, places, unit, beside, read)
    members = [_member(config, parts, place) for place in range(config.members)]
    return plain(lambdas.stack, "members")(members)


def patch_features(
    config: NetworkConfig, window: Tensor, inputs: dict[str, Tensor], read: Read | None
) -> Tensor:
    """What the recurrence reads of each patch, [batch, patches, features]."""
    patch = config.folded
    seasons = [steps for steps, _, _ in config.seasons if steps < config.window]
    pieces = [plain(patches.read_patches, "read", patch=patch, seasons=seasons)(window)]
    if config.past:
        past = plain(patches.pad_front, "whole_past", patch=patch)(inputs["past"])
        past = plain(patches.fold, "fold_past", patch=patch)(past)
        pieces.append(plain(lambdas.fill, "fill_past")(past))
    if read is not None and read.patches is not None:
        pieces.append(read.patches)
    return layers.Concatenate(name="features")(pieces) if len(pieces) > 1 else pieces[0]


def known_summary(config: NetworkConfig, inputs: dict[str, Tensor]) -> Tensor | None:
    """Features known in advance, one row a segment, and those of the series, [batch, features]."""
    pieces: list[Tensor | None] = []
    if config.known_future:
        step = segment_steps(config)
        rows = plain(patches.every_nth, "known_rows", step=step)(inputs["known_future"])
        pieces.append(layers.Flatten(name="known")(rows))
    if config.static and config.scale != "series":
        pieces.append(plain(lambdas.fill, "fill_static")(inputs["static"]))
    return _joined(pieces, "known_features")


def _joined(pieces: list[Tensor | None], name: str) -> Tensor | None:
    """Features side by side, [batch, features]; None where there are none."""
    there = [piece for piece in pieces if piece is not None]
    if len(there) > 1:
        return layers.Concatenate(name=name)(there)
    return there[0] if there else None


def segment_steps(config: NetworkConfig) -> int:
    """Targets that share mixture weights: half a first season, more on long horizons."""
    half = max(1, config.season // 2)
    return max(half, -(-config.horizon // MAX_SEGMENTS))


def _member(config: NetworkConfig, parts: tuple[Any, ...], place: int) -> Tensor:
    """One member's quantiles, [batch, horizon, quantiles]."""
    features, bases, places, unit, beside, read = parts
    memory = _remembered(config, features, f"member_{place}")
    if beside is not None:
        memory = layers.Concatenate(name=f"member_{place}_context")([memory, beside])
    memory = _deepened(config, memory, f"member_{place}_hidden")
    logits = _logits(config, memory, places, place)
    step = -(-config.horizon // patches.MAX_ROWS)
    residual = _rows(config, memory, f"member_{place}_residual", 1, step)
    residual = layers.Reshape((config.horizon,), name=f"member_{place}_residuals")(residual)
    told = None if read is None else read.targets
    own = adjust_targets(config, memory, places, told, place)
    logits = layers.Add(name=f"member_{place}_logits")([logits, own.logits])
    residual = layers.Add(name=f"member_{place}_moved")([residual, own.residual])
    median = plain(patches.mixture, f"member_{place}_median")([bases, logits, residual, unit])
    if len(config.levels) == 1:
        return plain(lambdas.expand_dims, f"member_{place}_point")(median)
    gaps = _rows(config, memory, f"member_{place}_gaps", len(config.levels) - 1, step)
    if own.gaps is not None:
        gaps = layers.Add(name=f"member_{place}_all_gaps")([gaps, own.gaps])
    spread = plain(patches.spread_gaps, f"member_{place}_quantiles", middle=config.middle)
    return spread([median, gaps, unit])


def _remembered(config: NetworkConfig, features: Tensor, name: str) -> Tensor:
    """What the recurrence remembers of all patches, [batch, units].

    The first of several layers is not recurrent: it reads each patch by itself, all in one product.
    """
    # One mask for all patches: a draw a patch costs more, and forgets what it has dropped.
    mask = (None, 1, config.units)
    memory = features
    if config.layers > 1:
        memory = layers.Dense(config.units, activation=lambdas.gelu, name=f"{name}_patches")(memory)
        memory = Dropout(config.dropout, mask, name=f"{name}_patches_dropout")(memory)
    recurrent = max(1, config.layers - 1)
    unroll = memory.shape[1] <= MOST_UNROLLED
    for layer in range(recurrent):
        sequences = layer < recurrent - 1
        lstm = layers.LSTM(
            config.units, return_sequences=sequences, unroll=unroll, name=f"{name}_lstm_{layer}"
        )
        drop = Dropout(config.dropout, mask if sequences else None, name=f"{name}_dropout_{layer}")
        memory = drop(lstm(memory))
    return memory


def _deepened(config: NetworkConfig, memory: Tensor, name: str) -> Tensor:
    """What the recurrence remembers, and a hidden layer over it; [batch, features].

    The heads are linear: alone they cannot say that one part of the memory counts only beside
    another.
    """
    hidden = layers.Dense(HIDDEN_FACTOR * config.units, activation=lambdas.gelu, name=name)(memory)
    hidden = Dropout(config.dropout, name=f"{name}_dropout")(hidden)
    return layers.Concatenate(name=f"{name}_beside")([memory, hidden])


HIDDEN_FACTOR = 2
"""Units of the hidden layer for each unit of the recurrence."""


def _logits(config: NetworkConfig, memory: Tensor, places: Tensor, place: int) -> Tensor:
    """What speaks for each base: the window, and the bases themselves; [batch, horizon, bases]."""
    step, width, name = segment_steps(config), places.shape[2] - 1, f"member_{place}_weights"
    compared = plain(patches.compare_bases, f"{name}_compared", step=step)(places)
    hidden = layers.Dense(COMPARED_UNITS, activation=lambdas.gelu, name=f"{name}_hidden")(compared)
    hidden = Dropout(config.dropout, name=f"{name}_dropout")(hidden)
    rows = layers.Dense(width, kernel_initializer="zeros", name=f"{name}_by_bases")(hidden)
    stretch = plain(patches.stretch, f"{name}_all", steps=step, horizon=config.horizon)
    return layers.Add(name=f"{name}_sum")([_rows(config, memory, name, width, step), stretch(rows)])


COMPARED_UNITS = 32
"""Units of the layer that compares bases; it is the same for every row of targets."""


def _rows(config: NetworkConfig, memory: Tensor, name: str, width: int, step: int) -> Tensor:
    """A Dense head of one row for each `step` targets, stretched to [batch, horizon, width]."""
    rows = -(-config.horizon // step)
    dense = layers.Dense(rows * width, kernel_initializer="zeros", name=name)(memory)
    coarse = layers.Reshape((rows, width), name=f"{name}_rows")(dense)
    layer = plain(patches.stretch, f"{name}_stretch", steps=step, horizon=config.horizon)
    return layer(coarse)
