"""The search of `qwlib.search` step by step: which argument settles which cell of k.

It repeats the subdivision with the functions that the search itself uses, except that it starts
from one cell and keeps no root.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..matching import SECTORS, Full, Rule, symmetry
from ..search import (
    NARROW,
    ROUNDING,
    excluded,
    monotonic,
    rising,
    settled,
    spin_monotonic,
    tail,
)
from ..well import Well

ARGUMENTS = ("monotonic", "one spin eliminated", "excluded", "narrow")
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


def along(sector: type[Full], rule: Rule, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return N and F along the Fermi parabola of one well, in one of its sectors."""
    return sector.sturm(rule.take(np.zeros(k.size, dtype=np.intp)), k * k, k)[:2]


def accepted(well: Well, E_F: float, K: np.ndarray) -> np.ndarray:
    """Return those K, in 1/nm, beyond which the tail argument says that there is no more state."""
    rule = Rule.of_well(well, E_F)
    rules = rule.take(np.zeros(K.size, dtype=np.intp))
    return K[tail(rules, K, along(Full, rule, K)[0])]


def settle(well: Well, E_F: float) -> list[Settled]:
    """Halve cells of k until each holds as many states as its count says, in each sector.

    Parameters
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.

    Returns
    -------
    list of Settled
        One for each sector.
    """
    rule, result = Rule.of_well(well, E_F), []
    top = max(rule.kappa2.max(), 0.0)
    for sector in SECTORS[symmetry(rule)[0]]:
        K = np.sqrt(np.array([top + 0.1 / well.d**2]))
        while not tail(rule, K, along(sector, rule, K)[0]):
            K = 1.3 * K
        k1, k2, depth, cells = np.zeros(1), K, 0, []
        while k1.size:
            rules = rule.take(np.zeros(k1.size, dtype=np.intp))
            change = along(sector, rule, k1)[0] - along(sector, rule, k2)[0]
            few = (change == 0) | (change == 1)
            width = (k2**2 - k1**2) / (k2**2 + top)
            holds = [
                few & (monotonic(rules, k1, k2) | rising(rules, k1)),
                few & spin_monotonic(sector, rules, k1, k2),
                (change == 0) & (settled(rules, k1, k2) | excluded(sector, rules, k1, k2)),
                width < np.where(change == 0, ROUNDING, NARROW),
            ]
            argument = np.select(holds, range(4), -1)
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
