"""Hard wells in any number, and a count of their Fermi states that shares nothing with the solver.

    python tests/adversary.py 20000 [seed]

solves so many and prints what was proven, what was not and why, and what was wrong.

The count is J₀ plus the negative eigenvalues of the 4×4 matching matrix, written down here once
more from Eqs. (1)-(5): by `eigvalsh` in doubles where every eigenvalue is far from zero, and else
with 60 digits.
"""

import math
import sys
import warnings
from collections import Counter

import numpy as np
from mpmath import mp, mpf

from qwlib import UnboundedSpectrumWarning, Well, bound_states
from qwlib.kubo import fermi_states_of

DIGITS = 60
TOGETHER = 100
"""So many wells are solved at once, which takes half the time and gives the same to the bit."""
STATES = 150
"""A well with more states than about this is made narrower: it would cost more and test no more."""


def decades(rng, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return float(10 ** rng.uniform(low, high))


def beside(rng, value: float) -> float:
    """The number itself, or one of its two neighbours."""
    return float(np.nextafter(value, rng.choice([-np.inf, value, np.inf])))


def critical(mass: float) -> float:
    return Well(mass=mass, alpha_L=0.0).critical_rashba


def hard_well(rng) -> tuple[Well, float]:
    """Return a well and a Fermi energy: decades of everything, symmetric or one unit beside it."""
    mass = decades(rng, -3, 1)
    V_L = decades(rng, -2, 2)
    V_R = [V_L, V_L, beside(rng, V_L), V_L * decades(rng, -1, 1)][rng.integers(4)]
    Delta = (
        rng.choice([-1, 1])
        * [
            0.0,
            min(V_L, V_R) * decades(rng, -6, -0.1),
            min(V_L, V_R) * rng.uniform(0, 0.9),
            decades(rng, -302, -200),
        ][rng.choice(4, p=[0.15, 0.4, 0.35, 0.1])]
    )
    limit = critical(mass)
    ratio = [
        decades(rng, -1, 0),
        decades(rng, 0, 3),
        1 + rng.choice([-1, 1]) * decades(rng, -16, -2),
    ]
    alpha_L = float(rng.choice([-1, 1]) * limit * ratio[rng.choice(3, p=[0.5, 0.2, 0.3])])
    alpha_R = [
        alpha_L,
        -alpha_L,
        beside(rng, alpha_L),
        -beside(rng, alpha_L),
        0.0,
        alpha_L * decades(rng, -3, 0.3),
        float(rng.choice([-1, 1]) * limit * ratio[rng.integers(2)]),
    ][rng.integers(7)]
    d = decades(rng, -2, 1.5)
    c = limit / 2
    highest = min(V_L, V_R) + abs(Delta)
    d = min(d, STATES * math.pi / 2 / math.sqrt(highest / c))
    exchange = str(rng.choice(["everywhere", "ferromagnet"]))
    if exchange == "everywhere" and abs(Delta) >= min(V_L, V_R):
        exchange = "ferromagnet"
    well = Well(d, V_L, V_R, float(Delta), alpha_L, alpha_R, mass, exchange)
    edge, floor = well.continuum_edge, -abs(well.Delta)
    where = rng.choice(["between", "floor", "edge", "bottom", "low"], p=[0.5, 0.1, 0.1, 0.2, 0.1])
    energy = rng.uniform(floor, edge)
    if where == "floor":
        energy = beside(rng, float(rng.choice([-1, 1]) * well.Delta))
    elif where == "edge":
        energy = edge - abs(edge) * decades(rng, -16, -1)
    elif where == "bottom":
        bottoms = bound_states(well, 0.0)
        if bottoms.size:
            energy = beside(rng, float(rng.choice(bottoms)))
    elif where == "low":
        energy = floor - abs(edge) * decades(rng, -3, 1)
    return well, min(float(energy), float(np.nextafter(edge, -np.inf)))


def parts(well: Well, sqrt, pi, number):
    """Yield per spin what J₀ and M are made of, as functions of E and k, in any arithmetic."""
    c = number(well.c)
    for s in (1, -1):
        floor = s * number(well.Delta)
        edges = [number(V) + s * number(well.Delta_barrier) for V in (well.V_L, well.V_R)]
        yield c, number(well.d), floor, edges


def exact_count(well: Well, energy: float, k: float) -> int:
    """N(k) on the Fermi parabola with `DIGITS` digits."""
    for digits in (DIGITS, 4 * DIGITS):
        with mp.workdps(digits):
            M, J = mp.zeros(4), 0
            E = mpf(energy) - mpf(well.c) * mpf(k) ** 2
            for i, (c, d, floor, edges) in enumerate(parts(well, mp.sqrt, mp.pi, mpf)):
                x = (E - floor) / c
                kappa = mp.sqrt(abs(x))
                if x > 0:
                    J += max(int(mp.ceil(kappa * d / mp.pi)) - 1, 0)
                    diagonal, other = kappa * mp.cot(kappa * d), -kappa / mp.sin(kappa * d)
                elif x < 0:
                    diagonal, other = kappa * mp.coth(kappa * d), -kappa * mp.csch(kappa * d)
                else:
                    diagonal, other = 1 / d, -1 / d
                for j, edge in enumerate(edges):
                    M[2 * j + i, 2 * j + i] = diagonal + mp.sqrt(max((edge - E) / c, 0))
                M[i, 2 + i] = M[2 + i, i] = other
            c = mpf(well.c)
            M[0, 1] = M[1, 0] = mpf(k) * mpf(well.alpha_L) / c
            M[2, 3] = M[3, 2] = -mpf(k) * mpf(well.alpha_R) / c
            values = mp.eigsy(M, eigvals_only=True)
            size = max(abs(v) for v in values)
            if min(abs(v) for v in values) > size * mpf(10) ** (8 - digits):
                return J + sum(v < 0 for v in values)
    return J + sum(v < 0 for v in values)


def counts(well: Well, energy: float, k: np.ndarray) -> np.ndarray:
    """N(k) on the Fermi parabola by `eigvalsh`; −1 where an eigenvalue is too close to zero."""
    E = energy - well.c * k * k
    M, J = np.zeros((k.size, 4, 4)), np.zeros(k.size)
    sure = np.ones(k.size, dtype=bool)
    with np.errstate(all="ignore"):
        for i, (c, d, floor, edges) in enumerate(parts(well, np.sqrt, np.pi, float)):
            x = (E - floor) / c
            kappa = np.sqrt(np.abs(x))
            y = kappa * d
            J += np.where(x > 0, np.maximum(np.ceil(y / np.pi) - 1, 0), 0)
            tan, sin = (
                np.where(x > 0, np.tan(y), np.tanh(y)),
                np.where(x > 0, np.sin(y), np.sinh(y)),
            )
            # Near κ² = 0, and near a pole, digits are lost.
            lost = np.abs(x) < 1e-6 * (abs(energy) + abs(well.Delta) + c * k * k) / c
            sure &= ~lost & (y > 1e-6) & (np.abs(np.where(x > 0, np.sin(y), 1.0)) > 1e-5)
            for j, edge in enumerate(edges):
                outside = (edge - E) / c
                sure &= outside > 1e-6 * (edge + abs(energy) + c * k * k) / c
                M[:, 2 * j + i, 2 * j + i] = kappa / tan + np.sqrt(np.maximum(outside, 0))
            M[:, i, 2 + i] = M[:, 2 + i, i] = -kappa / sin
    M[:, 0, 1] = M[:, 1, 0] = k * well.alpha_L / well.c
    M[:, 2, 3] = M[:, 3, 2] = -k * well.alpha_R / well.c
    sure &= np.isfinite(M).all(axis=(1, 2))
    values = np.linalg.eigvalsh(np.where(sure[:, None, None], M, 0.0))
    sure &= np.abs(values).min(axis=1) > 1e-6 * np.abs(values).max(axis=1)
    return np.where(sure, J + (values < 0).sum(axis=1), -1).astype(int)


def contradiction(well: Well, energy: float, states, rng) -> str:
    """Say in what the independent count contradicts these states, or nothing."""
    k, sign = states.k[::-1], np.sign(states.velocity[::-1]).astype(int)
    if not ((k > 0) & np.isfinite(k)).all():
        return f"k = {k.min()!r}"
    if (np.diff(k) < 0).any():
        return "k is not sorted"
    scale = math.sqrt(max(energy + abs(well.Delta), 0) / well.c + 1 / well.d**2)
    top = 2 * k[-1] if k.size else 10 * scale
    middle = np.sqrt(k[1:] * k[:-1])[np.diff(k) > 4e-12 * k[1:]]
    # Of some states, at twice what k is good for: each costs as much as all the rest.
    some = rng.choice(k, min(k.size, 3), replace=False) if k.size else k
    tight = np.concatenate([some * (1 - 2e-12), some * (1 + 2e-12)])
    tight = tight[np.abs(tight[:, None] / k - 1).min(axis=1) > 1.5e-12] if k.size else tight
    scan = np.concatenate(
        [
            [0.0, top, 30 * top],
            rng.uniform(0, 1, 300) ** 0.5 * top,
            scale * 10 ** rng.uniform(-6, 2, 100),
        ]
    )
    beyond = exact_count(well, energy, 1e3 * max(top, 1e3 * scale))
    for places, always in ((np.concatenate([middle, tight]), True), (scan, False)):
        N = counts(well, energy, places)
        expected = beyond + np.array([sign[k > place].sum() for place in places])
        for i in np.nonzero(N != expected)[0]:
            if N[i] == -1 and not always:
                continue
            if exact_count(well, energy, float(places[i])) != expected[i]:
                exact = exact_count(well, energy, float(places[i]))
                return f"N({places[i]!r}) = {exact}, and {expected[i]} by the states"
    return ""


def solved(cases: list[tuple[Well, float]]) -> list:
    """Return the states of many wells, found together, or of each that is refused the error."""
    try:
        return fermi_states_of(*zip(*cases, strict=True))
    except Exception as error:
        if len(cases) == 1:
            return [error]
        return [one for case in cases for one in solved([case])]


def attack(number: int, seed: int):
    """Yield of each of many hard wells: the well, ε_F, its states or None, and its fault."""
    for first in range(0, number, TOGETHER):
        some = range(first, min(first + TOGETHER, number))
        rngs = [np.random.default_rng([seed, each]) for each in some]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnboundedSpectrumWarning)
            cases = [hard_well(rng) for rng in rngs]
            found = solved(cases)
        for (well, energy), states, rng in zip(cases, found, rngs, strict=True):
            if isinstance(states, Exception):
                yield well, energy, None, repr(states)
                continue
            fault = ""
            if not ((states.k > 0) & np.isfinite(states.k)).all():
                fault = "a k that is not > 0"
            elif states.certified:
                fault = contradiction(well, energy, states, rng)
            yield well, energy, states, fault


def main(number: int, seed: int = 0) -> None:
    """Print what became of so many wells."""
    told: Counter = Counter()
    for well, energy, states, fault in attack(number, seed):
        told["wells"] += 1
        if states is not None:
            told["certified"] += states.certified
            told["not certified: " + states.doubt] += not states.certified
        if fault:
            told["wrong"] += 1
            print(f"WRONG {well!r} at {energy!r}: {fault}", flush=True)
    for name, times in told.items():
        print(f"{times:6} {name}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
