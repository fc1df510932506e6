"""Random wells of several kinds, each solved by the search, by the count and by finite elements."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kubo import fermi_states
from ..search import count_states, levels
from ..well import EXCHANGE, Well
from .fem import FiniteElements

SORTS = ("plain", "mirror", "parity", "no exchange", "met twice")
"""Wells without a symmetry, and those that are special for the count: the two symmetries, spins
that do not mix, and a lowest subband that dips, so that ε_F meets it twice."""


def random_well(rng: np.random.Generator, kind: str) -> tuple[Well, float]:
    """Return a random well of one of the `SORTS`, and a Fermi energy in eV at which it has states.

    Up to three times as far from the paper's well as any figure of the book.
    """
    mass = rng.uniform(0.5, 1.2)
    critical = Well(mass=mass, alpha_L=0.0).critical_rashba
    left, right = rng.uniform(-0.9, 0.9, 2) * critical
    V_left, V_right = rng.uniform(2, 8, 2)
    Delta, d = rng.uniform(-0.6, 0.6), rng.uniform(0.3, 2.5)
    if kind == "met twice":
        Delta, d, left = 0.0, rng.uniform(0.2, 0.4), rng.uniform(0.8, 0.95) * critical
    if kind == "no exchange":
        Delta = 0.0
    if kind in ("mirror", "parity", "met twice"):
        V_right, right = V_left, left if kind == "mirror" else -left
    well = Well(
        d=d,
        V_L=V_left,
        V_R=V_right,
        Delta=Delta,
        alpha_L=left,
        alpha_R=right,
        mass=mass,
        exchange=rng.choice(EXCHANGE),
    )
    fraction = rng.uniform(0.1, 0.95)
    if kind == "met twice":
        k = np.linspace(0, 6, 61)
        dispersion = [E[0] for E in levels(well, k)] + well.c * k**2
        return well, min(dispersion) + fraction * (dispersion[0] - min(dispersion))
    return well, -abs(Delta) + fraction * (well.continuum_edge + abs(Delta))


class Compared(NamedTuple):
    """Numbers of Fermi states by three routes."""

    net: int  # N(0) − N(∞), counted
    found: tuple[int, ...]  # states with v > 0 and v < 0 of the search
    elements: tuple[int, ...]  # and of the finite elements
    error: float  # largest difference of these two in k, in 1/nm; inf if their numbers differ
    equal: bool  # whether all three agree, and the search is certified


def compared(well: Well, E_F: float) -> Compared:
    """Return the numbers of Fermi states of a well by three routes; ε_F is in eV."""
    states = fermi_states(well, E_F)
    witness = FiniteElements.from_well(well, E_max=E_F, phase=0.75).fermi_states(E_F)
    ends = np.array([0.0, 1.5 * states.k.max(initial=1.0)])
    net = int(-np.diff(count_states(well, E_F - well.c * ends**2, ends))[0])
    found, elements = (
        tuple(int((side * some.velocity > 0).sum()) for side in (1, -1))
        for some in (states, witness)
    )
    same = net == found[0] - found[1] and found == elements
    error = np.abs(states.k - witness.k).max(initial=0) if same else np.inf
    return Compared(net, found, elements, float(error), bool(same and states.certified))
