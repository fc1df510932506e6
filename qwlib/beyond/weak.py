"""What can be had by hand: levels without coupling, a weak coupling, the minors of M."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..well import Well

if TYPE_CHECKING:
    from ..kubo import FermiStates


def spin_levels(well: Well, s: int) -> np.ndarray:
    """Return the levels in eV of spin s = ±1 at k = 0, where no Rashba coupling acts, ascending.

    Up to the lower of the barriers that this spin sees.  They fulfil
    κd = jπ + arctan(q_L/κ) + arctan(q_R/κ) with j = 0, 1, …
    """
    from scipy.optimize import brentq

    floor, walls = s * well.Delta, [V + s * well.Delta_barrier for V in (well.V_L, well.V_R)]

    def phase(E: float, j: int) -> float:
        kappa = np.sqrt((E - floor) / well.c)
        outside = (np.arctan(np.sqrt(max(V - E, 0) / well.c) / kappa) for V in walls)
        return kappa * well.d - sum(outside) - j * np.pi

    top = min(walls)
    found: list[float] = []
    while top > floor and phase(top, len(found)) > 0:
        found.append(brentq(phase, floor + 1e-9, top, args=(len(found),), xtol=1e-13))
    return np.array(found)


def effective_couplings(well: Well) -> np.ndarray:
    """Return the Rashba parameter of each level of a well without exchange, to first order.

    α_n = 2E/(d + 1/q_L + 1/q_R) (α_L/V_L − α_R/V_R), with q_i = √((V_i − E)/c): what the two
    interfaces do in the plane, in eV·nm.  Levels ascend, and the exchange of `well` is left out.
    """
    E = spin_levels(well.replace(Delta=0.0), 1)
    room = well.d + sum(np.sqrt(well.c / (V - E)) for V in (well.V_L, well.V_R))
    return 2 * E / room * (well.alpha_L / well.V_L - well.alpha_R / well.V_R)


def everywhere(states: FermiStates) -> float:
    """Return ∫S_y dz over all z of a well without exchange, in nm⁻² per τeE/ħ.

    There the spin of a state is +1 or −1, so that Eq. (6) is a sum of wave numbers with signs.
    """
    return float(-(states.k * np.sign(states.velocity * states.spin)).sum() / (8 * np.pi**2))


def minors(well: Well, E: float, k: float) -> list[float]:
    """Return the leading minors of M, ordered (0↑, d↑, 0↓, d↓), from four functions of each spin.

    With S = sin(κd)/κ, C = cos κd, a = q_L S + C, b = q_R S + C and P = (q_L q_R − κ²) S +
    (q_L + q_R) C they are a₁/S₁, P₁/S₁, and two more in which the spins meet; E in eV, k in 1/nm.
    """
    c, d, spins = well.c, well.d, []
    for s in (1, -1):
        kappa2 = (E - s * well.Delta) / c
        kappa = np.sqrt(complex(kappa2))
        S, C = (d * np.sinc(kappa * d / np.pi)).real, np.cos(kappa * d).real
        q_L, q_R = (np.sqrt((V + s * well.Delta_barrier - E) / c) for V in (well.V_L, well.V_R))
        spins.append((S, q_L * S + C, q_R * S + C, (q_L * q_R - kappa2) * S + (q_L + q_R) * C))
    left, right = (k * well.alpha_L / c) ** 2, (k * well.alpha_R / c) ** 2
    (S1, a1, b1, P1), (S2, a2, b2, P2) = spins
    F = P1 * P2 - left * b1 * b2 - right * a1 * a2 + left * right * S1 * S2
    F += 2 * k**2 * well.alpha_L * well.alpha_R / c**2
    return [a1 / S1, P1 / S1, (a2 * P1 - left * b1 * S2) / (S1 * S2), F / (S1 * S2)]
