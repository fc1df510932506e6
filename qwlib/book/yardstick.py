"""How close is close enough: one yardstick for every statement of the paper.

What a statement compares is of a kind in `MEASURES`.  A count must be the same, a position
may be off by half a unit of its last printed digit, and everything that is a share, of a curve, a
spin density or a number, is measured by one number, `SHARE`: what is less counts as nothing, what
is more is there.  No statement has a tolerance of its own.

A tolerance is a choice, so a verdict says how far it may move.  For that every comparison is an
interval of factors: it agrees where the tolerance, times the factor, is large enough, or, of what
has to be seen, small enough.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

SHARE = 0.05
"""What counts as nothing, as a share: about what one sees in a figure of a paper."""

MEASURES = {
    "count": "a number of states, a rank or a sign: the same",
    "position": "a position: within half a unit of the last digit that the paper prints",
    "slope": f"an exponent: within {100 * SHARE:g} % of the paper's",
    "shape": f"a shape: the curve departs from it by at most {100 * SHARE:g} % of its range",
    "small": f"small, or nothing: at most {100 * SHARE:g} %",
    "seen": f"a change or a difference: at least {100 * SHARE:g} %",
}
"""Kinds of statement, with the rule for each."""

NEVER = (math.inf, -math.inf)
"""The interval of a comparison that agrees for no tolerance."""


def allowed(kind: str, paper: Any) -> float:
    """Return the tolerance of a comparison of one of `MEASURES`: in a position's unit, or a share.

    0 of a count.  If it is a position, the paper's value has the digits that it is printed with.
    """
    if kind == "position":
        return 0.5 * 10.0 ** int(Decimal(repr(paper)).as_tuple().exponent)
    return 0.0 if kind == "count" else SHARE


def needed(kind: str, paper: Any, ours: Any) -> float:
    """Return the tolerance at which a comparison begins, or ends, to agree.

    inf, or for "seen" −inf, where none makes it agree.  The paper's value is of no account where
    the kind is a share, and ours is a share for "shape", "small" and "seen".  None, and words in
    place of a number, are a value that does not exist.
    """
    never = -math.inf if kind == "seen" else math.inf
    if kind == "count" and isinstance(paper, str):
        return 0.0 if ours == paper else never
    if ours is None or isinstance(ours, str) or math.isnan(ours):
        return never
    if kind in ("count", "position"):
        return float(abs(ours - paper))
    return float(abs(ours / paper - 1) if kind == "slope" else ours)


def agreement(kind: str | list[str], paper: Any, ours: Any) -> tuple[float, float]:
    """Return the lowest and the highest factor of the tolerance with which a comparison agrees.

    1 is the tolerance as it is; a count has none, and may be off by the factor less 1.  Of lists
    all elements have to agree; what is not a list holds for each element.
    """
    if isinstance(ours, list):
        kinds = kind if isinstance(kind, list) else [kind] * len(ours)
        papers = paper if isinstance(paper, list) else [paper] * len(ours)
        if not len(kinds) == len(papers) == len(ours):
            return NEVER
        ends = [agreement(*each) for each in zip(kinds, papers, ours, strict=True)]
        return max(low for low, _ in ends), min(high for _, high in ends)
    if isinstance(kind, list) or isinstance(paper, list):
        return NEVER  # a value that does not exist
    tolerance, at = allowed(kind, paper), needed(kind, paper, ours)
    if kind == "seen":
        return 0.0, at / tolerance
    if kind == "count":
        return (0.0 if at == 0 else 1 + at), math.inf
    return at / tolerance, math.inf


def agrees(kind: str, paper: Any, ours: Any, factor: float = 1.0) -> bool:
    """Return whether our value is the paper's, with a factor before the tolerance."""
    return within(agreement(kind, paper, ours), factor)


def within(ends: tuple[float, float], factor: float) -> bool:
    """Return whether a factor is in an interval, rounding apart."""
    low, high = ends
    return bool(low <= factor * (1 + 1e-9) and factor <= high * (1 + 1e-9))
