"""From a spin density to the torque on the magnetisation, and to the field that experiments quote.

The exchange energy of the electrons, per area and with m free to turn, is Δ m·s, where s is their
spin density (in σ, not ħ/2) integrated over wherever the exchange acts.  Its derivative is the
field that the magnetisation feels, B = −Δ s/(M_s d), and the torque is M_s d m × B = −Δ m × s.
With m along z and s along y this is T = Δ s_y along x, and B along y is −T/(M_s d).

The current density is the sheet current over d, so that B per current density contains neither d
nor what drives the current, τeE.
"""

from __future__ import annotations

import numpy as np

from ..kubo import FermiStates, contribution
from ..well import CHARGE, HBAR, checked_number, written

FIELD_UNIT = HBAR / CHARGE * 1e9 * 1e11 * 1e3
"""ħ/e in (mT per 10¹¹ A/m²)·(A/m)·nm: a torque over a current is in 1/nm, M_s in A/m."""


def exchange_spin(states: FermiStates) -> np.ndarray:
    """Return ∫ 2ψ↑ψ↓ dz over wherever the exchange acts, the well or all z: a float array (n,)."""
    if states.well.exchange == "everywhere":
        return states.whole_spin
    return states.spin


def exchange_torque(states: FermiStates) -> np.ndarray:
    """Return what each state adds to the field-like torque, Δ times its spin: a float array (n,).

    The torque on the magnetisation along x, per area of the layer, for m along z and the electric
    field along x: in eV/nm² per τeE/ħ, with the prefactor of Eq. (6).
    """
    return contribution(states.k, states.velocity, states.well.Delta * exchange_spin(states))


def interface_torque(
    states: FermiStates, alpha_L: float | None = None, alpha_R: float | None = None
) -> np.ndarray:
    """Return the same torque from the other end: what the interfaces do to the spin.

    In an eigenstate the mean of σ_y does not change, ⟨[h, σ_y]⟩ = 0: exchange and Rashba coupling
    turn the spin by equal and opposite amounts,

        Δ ∫ 2ψ↑ψ↓ dz = k [α_L (ψ↑² − ψ↓²)(0) − α_R (ψ↑² − ψ↓²)(d)] ,

    with the integral over wherever the exchange acts.  `alpha_L` and `alpha_R`, in eV·nm², stand in
    for those of the well: with its states without coupling, the torque to first order in them.
    """
    well = states.well
    alpha_L = well.alpha_L if alpha_L is None else checked_number("alpha_L", alpha_L, "eV nm^2")
    alpha_R = well.alpha_R if alpha_R is None else checked_number("alpha_R", alpha_R, "eV nm^2")
    up_L, down_L, up_R, down_R = states.amplitude.T**2
    turned = states.k * (alpha_L * (up_L - down_L) - alpha_R * (up_R - down_R))
    return contribution(states.k, states.velocity, turned)


def field(torque: float, current: float, M_s: float) -> float:
    """Return the effective field per current density, −(ħ/e) torque/(M_s · current).

    Along y, in mT per 10¹¹ A/m² along x; nan where there is no current.  The torque is in eV/nm²
    per τeE/ħ and the current in eV per τe²E/ħ², both summed over states; the saturation
    magnetisation M_s is in A/m, and a `ValueError` if it is not a finite number > 0.
    """
    M_s = checked_number("M_s", M_s, "A/m")
    if M_s <= 0:
        raise ValueError(f"M_s must be > 0 A/m, got {written(M_s)}")
    return -FIELD_UNIT * torque / (M_s * current) if current > 0 else np.nan


def field_per_current(states: FermiStates, M_s: float) -> float:
    """Return `field` of these Fermi states, along y in mT per 10¹¹ A/m² along x, with M_s in A/m.

    Torque and current are both summed over the states given: of a selection, such as the
    propagating ones, it is the field per current that they alone would carry.
    """
    return field(exchange_torque(states).sum(), states.current.sum(), M_s)
