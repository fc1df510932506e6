"""The search of `qwlib.search` step by step: which argument settles which cell of k.

It repeats the subdivision with the proofs that the search itself uses, except that it starts
from one cell and keeps no root.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..matching import FULL, SECTORS, Count, Rule, Sector, symmetry
from ..proofs import Cells, excluded, monotonic, rising, settled, simple, spin_monotonic, tail
from ..search import ROUNDING
from ..well import Well

ARGUMENTS = ("monotonic", "one spin eliminated", "excluded", "one root", "narrow")
"""What settles a cell, in the order in which they are tried."""


class Cell(NamedTuple):
    """A settled cell: its ends in 1/nm, how often it was halved, by what it is settled, its states.

    The argument is an index of `ARGUMENTS`, and the number of states that by which the count falls.
    """

    k1: float
    k2: float
    halvings: int
    argument: int
    states: int


class Settled(NamedTuple):
    """One sector of a well: beyond K, in 1/nm, the tail argument holds."""

    K: float
    cells: list[Cell]


def counted_along(sector: Sector, rule: Rule, k: np.ndarray) -> Count:
    """Return what is counted along the Fermi parabola of one well, in one of its sectors."""
    return sector.sturm(rule.take(np.zeros(k.size, dtype=np.intp)), k * k, k)


def accepted(well: Well, E_F: float, K: np.ndarray) -> np.ndarray:
    """Return those K, in 1/nm, beyond which the tail argument says that there is no more state."""
    rule = Rule.of_well(well, E_F)
    rules = rule.take(np.zeros(K.size, dtype=np.intp))
    return K[tail(rules, K, counted_along(FULL, rule, K).N)]


def settle(well: Well, E_F: float) -> list[Settled]:
    """Halve cells of k until each holds as many states as its count says; one result a sector."""
    rule, result = Rule.of_well(well, E_F), []
    top = max(rule.kappa2.max(), 0.0)
    for sector in SECTORS[symmetry(rule)[0]]:
        K = np.sqrt(np.array([top + 0.1 / well.d**2]))
        while not tail(rule, K, counted_along(sector, rule, K).N):
            K = 1.3 * K
        k1, k2, depth, cells = np.zeros(1), K, 0, []
        while k1.size:
            rules = rule.take(np.zeros(k1.size, dtype=np.intp))
            one, two = counted_along(sector, rule, k1), counted_along(sector, rule, k2)
            change = one.N - two.N
            few = (change == 0) | (change == 1)
            ends = k1, k2, one.N, two.N, one.F, two.F, one.exact, two.exact
            part = Cells(np.zeros(k1.size, dtype=np.intp), *ends)
            holds = [
                few & (monotonic(rules, k1, k2) | rising(rules, k1)),
                few & spin_monotonic(sector, rules, k1, k2),
                (change == 0) & (settled(rules, k1, k2) | excluded(sector, rules, k1, k2)),
                (np.abs(change) <= 1) & simple(sector, rules, part),
                k2 - k1 <= ROUNDING * k2,
            ]
            argument = np.select(holds, range(len(ARGUMENTS)), -1)
            done = argument >= 0
            cells += [
                Cell(a, b, depth, i, n)
                for a, b, i, n in zip(k1[done], k2[done], argument[done], change[done], strict=True)
            ]
            middle = np.sqrt((k1**2 + k2**2) / 2)[~done]
            k1, k2 = np.append(k1[~done], middle), np.append(middle, k2[~done])
            depth += 1
        result.append(Settled(float(K[0]), cells))
    return result
