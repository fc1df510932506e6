"""Eq. (6) as it stands, by brute force: finite elements on a grid of k, and a broadened δ."""

from __future__ import annotations

import numpy as np

from .fem import FiniteElements


def spin_in_well(fem: FiniteElements, x: np.ndarray) -> np.ndarray:
    """Return 2∫₀^d ψ↑*ψ↓ dz of eigenvectors, whose columns are states: σ_x + iσ_y."""
    size = len(fem.M)
    return 2 * np.sum(x[:size].conj() * (fem.inside @ x[size:]), axis=0)


def broadened_sums(fem: FiniteElements, E_F: float, widths: np.ndarray, k_max: float) -> np.ndarray:
    """Return ∫₀^d S_y dz of Eq. (6) with a Gaussian for δ(ε − ε_F), nm⁻² per τeE/ħ.

    Sums over k up to `k_max` in 1/nm, over sixteen directions and over all states, with nothing
    done in closed form.  `widths` are standard deviations in eV, the last of which sets the step of
    k; the states of the finite elements reach some of them above ε_F.
    """
    c, size = fem.c, len(fem.M)
    dk = widths[-1] / (2 * c * k_max)  # a step of about the narrowest width in energy
    theta, d_theta = np.linspace(0, 2 * np.pi, 16, endpoint=False, retstep=True)
    total = np.zeros(widths.size)
    for k in np.arange(dk / 2, k_max, dk):
        E, x = fem.eigenstates(k, subset_by_value=(-np.inf, fem.E_max - c * k**2))
        v = 2 * c * k + 2 * np.sum(x[:size] * (fem.W @ x[size:]), axis=0)
        product = v * np.cos(theta)[:, None] * spin_in_well(fem, x) * np.cos(theta)[:, None]
        off = (E_F - E - c * k**2) / widths[:, None]
        gauss = np.exp(-(off**2) / 2) / (np.sqrt(2 * np.pi) * widths[:, None])
        total += k * dk * (product.sum(axis=0) * d_theta * gauss).sum(axis=1)
    return -total / (2 * np.pi) / (4 * np.pi**2)
