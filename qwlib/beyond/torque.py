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
from ..well import CHARGE, HBAR, checked_number

FIELD_UNIT = HBAR / CHARGE * 1e9 * 1e11 * 1e3
"""ħ/e in (mT per 10¹¹ A/m²)·(A/m)·nm: a torque over a current is in 1/nm, M_s in A/m."""


def exchange_spin(states: FermiStates) -> np.ndarray:
    """Return ∫ 2ψ↑ψ↓ dz over wherever the exchange of the well acts.

    Parameters
    ----------
    states : FermiStates

    Returns
    -------
    float array (n,)
        Over the well if the exchange acts in the ferromagnet alone, else over all z.
    """
    if states.well.exchange == "everywhere":
        return states.spin + states.barrier_spin.sum(axis=1)
    return states.spin


def exchange_torque(states: FermiStates) -> np.ndarray:
    """Return what each state adds to the field-like torque, Δ times its spin.

    Parameters
    ----------
    states : FermiStates

    Returns
    -------
    float array (n,)
        The torque on the magnetisation along x, per area of the layer, for m along z and the
        electric field along x: in eV/nm² per τeE/ħ, with the prefactor of Eq. (6).
    """
    return contribution(states.k, states.velocity, states.well.Delta * exchange_spin(states))


def interface_torque(
    states: FermiStates, alpha_L: float | None = None, alpha_R: float | None = None
) -> np.ndarray:
    """Return the same torque from the other end: what the interfaces do to the spin.

    In an eigenstate the mean of σ_y does not change, ⟨[h, σ_y]⟩ = 0: exchange and Rashba coupling
    turn the spin by equal and opposite amounts,

        Δ ∫ 2ψ↑ψ↓ dz = k [α_L (ψ↑² − ψ↓²)(0) − α_R (ψ↑² − ψ↓²)(d)] ,

    with the integral over wherever the exchange acts.

    Parameters
    ----------
    states : FermiStates
    alpha_L, alpha_R : float, optional
        Rashba parameters in eV·nm² to use instead of those of the well.  With the states of the
        well without coupling the result is the torque to first order in them.

    Returns
    -------
    float array (n,)
        As `exchange_torque`.
    """
    well = states.well
    alpha_L = well.alpha_L if alpha_L is None else checked_number("alpha_L", alpha_L, "eV nm^2")
    alpha_R = well.alpha_R if alpha_R is None else checked_number("alpha_R", alpha_R, "eV nm^2")
    up_L, down_L, up_R, down_R = states.amplitude.T**2
    turned = states.k * (alpha_L * (up_L - down_L) - alpha_R * (up_R - down_R))
    return contribution(states.k, states.velocity, turned)


def field(torque: float, current: float, M_s: float) -> float:
    """Return the effective field per current density, −(ħ/e) torque/(M_s · current).

    Parameters
    ----------
    torque : float
        In eV/nm² per τeE/ħ, summed over states.
    current : float
        In eV per τe²E/ħ², summed over states.
    M_s : float
        Saturation magnetisation in A/m, > 0.

    Returns
    -------
    float
        Along y, in mT per 10¹¹ A/m² along x; nan where there is no current.

    Raises
    ------
    ValueError
        If `M_s` is not a finite number > 0.
    """
    M_s = checked_number("M_s", M_s, "A/m")
    if M_s <= 0:
        raise ValueError(f"M_s must be > 0 A/m, got {M_s!r}")
    return -FIELD_UNIT * torque / (M_s * current) if current > 0 else np.nan


def field_per_current(states: FermiStates, M_s: float) -> float:
    """Return the effective field per current density of these Fermi states.

    Torque and current are both summed over the states given: of a selection, such as the
    propagating ones, it is the field per current that they alone would carry.

    Parameters
    ----------
    states : FermiStates
    M_s : float
        Saturation magnetisation in A/m, > 0.

    Returns
    -------
    float
        Along y, in mT per 10¹¹ A/m² along x; nan where there is no current.

    Raises
    ------
    ValueError
        If `M_s` is not a finite number > 0.
    """
    return field(exchange_torque(states).sum(), states.current.sum(), M_s)
