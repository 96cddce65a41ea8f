"""A change taken apart: how much of it each of several causes made, in parts that sum to it."""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

from rnnts.panels.arrays import FloatArray


def taken_apart(
    value: Callable[[frozenset[str]], FloatArray], parts: Sequence[str]
) -> dict[str, FloatArray]:
    """What each part did to a value, averaged over every order in which they can come.

    One order alone would favour whoever comes last: what two parts do only together would be all
    its. Here each gets an equal share of it, and the sum is value(all) - value(none) all the same.

    Args:
        value: Of what has taken place; asked once for every subset of the parts.
        parts: Their names, a few: n of them ask 2^n times.

    Source:
        Shapley 1953, A value for n-person games, Contributions to the Theory of Games II.

    >>> import numpy as np
    >>> product = lambda done: np.array((5.0 if "a" in done else 1.0) * (3.0 if "b" in done else 1))
    >>> {name: float(share) for name, share in taken_apart(product, ["a", "b"]).items()}
    {'a': 8.0, 'b': 6.0}
    """
    count = len(parts)
    values = {
        frozenset(done): value(frozenset(done))
        for size in range(count + 1)
        for done in combinations(parts, size)
    }
    shares: dict[str, FloatArray] = {}
    for part in parts:
        steps = [
            factorial(len(done))
            * factorial(count - len(done) - 1)
            / factorial(count)
            * (values[done | {part}] - values[done])
            for done in values
            if part not in done
        ]
        shares[part] = sum(steps[1:], steps[0])
    return shares
