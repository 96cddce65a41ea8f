"""What covariates bring: the same network on the same held-out windows, with and without them.

A network has learnt to do without each of them, so hiding one tells what it is used for; that a
network trained without it would do better or worse is another question, which takes a training.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnts.panels.covariates import Covariates

if TYPE_CHECKING:
    from rnnts.learning.rolling import HeldOut
    from rnnts.networks.config import NetworkConfig

EVERY = "all"
SCORES = ("mase", "wql")


def covariate_worth(held_out: "HeldOut", model: Any, config: "NetworkConfig") -> dict[str, Any]:  # noqa: ANN401 - keras.Model
    """Scores of a network over the gate's windows, and without each covariate and without any.

    Returns:
        `with` and `without` (by name; "all" where there is more than one): MASE and weighted
        quantile loss of the network's own forecasts. Empty where it reads no covariates.
    """
    covariates = held_out.panel.covariates
    if config.covariates is None or covariates is None:
        return {}
    levels = config.levels
    names = sorted(covariates.tables())
    variants = {name: _without(covariates, {name}) for name in names}
    if len(names) > 1:
        variants[EVERY] = Covariates()
    methods = {"": held_out.network(model, config, levels)}
    for name, fewer in variants.items():
        hidden = replace(held_out, panel=replace(held_out.panel, covariates=fewer))
        methods[name] = hidden.network(model, config, levels)
    scored = held_out.score(methods, levels, np.zeros(0, np.int64), lambda: None)
    scores = {
        name: {score: tally.scores()[score] for score in SCORES}
        for name, tally in scored.tallies.items()
    }
    return {"with": scores.pop(""), "without": scores}


def _without(covariates: Covariates, names: set[str]) -> Covariates:
    return Covariates(
        tuple(one for one in covariates.numbers if one.name not in names),
        tuple(one for one in covariates.categories if one.name not in names),
    )


def worth_sentence(worth: dict[str, Any]) -> str:
    """What hiding each covariate costs, in a line; "" where there are none.

    >>> worth_sentence({"with": {"wql": 0.2}, "without": {"holidays": {"wql": 0.21}}})
    'without holidays the quantile loss over the held-out windows is 5.0 % higher'
    """
    if not worth or not worth["with"]["wql"]:
        return ""
    parts = []
    for name, scores in worth["without"].items():
        change = scores["wql"] / worth["with"]["wql"] - 1
        what = "any covariate" if name == EVERY else name
        parts.append((what, f"{100 * abs(change):.1f} % {'higher' if change >= 0 else 'lower'}"))
    (first, change_of_first), *others = parts
    said = [f"without {first} the quantile loss over the held-out windows is {change_of_first}"]
    return ", ".join([*said, *(f"without {what} {change}" for what, change in others)])
