r"""Collisions that conserve spin: what they leave of the damping-like spin density.

With one relaxation time everything relaxes to equilibrium, spin as well.  Collisions that do not
act on the spin cannot do that.  The least change that respects it is Mermin's: what is scattered
relaxes to a *local* equilibrium ρ_μ, the static response to spin potentials −Σ_i μ_i(z) σ_i, with
just the spin density that there is.  With γ = ħ/τ, and D the push of `interband`,

.. math:: i[\hat H, \hat\rho] + \gamma(\hat\rho - \hat\rho_\mu) = D, \qquad
          \sum_{\mathbf k}\mathrm{Tr}\,\hat\sigma_i\,\delta(\hat z - z)
          (\hat\rho - \hat\rho_\mu) = 0 \quad\text{for each } z .

This is scattering *into* a state by scatterers of short range: a vertex that is local in z.  The
rate is one and the same everywhere; that of real scatterers follows the local density of states.

Its solution is known (`drift`): ρ = −τeE (ħk_x/m) δ(ε_F − H), in which only the momentum, and not
the Rashba part of the velocity, is pushed.  ρ is a function of H at each k, so it is stationary;
ρ − ρ_μ is −τeE ∂ρ₀/∂(ħk_x), which has no spin density after integration over k; and the difference
of the two is the static response to the spin potential τeE W(z)σ_y/ħ, which is local.
So S_x vanishes, at each z, for any coupling.

`conserving` does not use that.  It solves the condition as a linear equation for moments of μ over
z, few or many: with one for all z nothing but the total spin is conserved.
With the letters of `interband`, P = AA' + BB' and Q = AA' − BB',

    K = (4/8π²) ∫k dk Σ [[xP, γQ], [−γQ, xP]] / (x² + γ²) ,   K μ = −S ,

with S the response of `interband`.  By symmetry there is no μ_z and no density.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from ..kubo import PREFACTOR, FermiStates, contribution, fermi_states
from ..well import Well
from .interband import NODES, _quadrature, check_bounded, checked_broadening, mesh, pairs


class Conserving(NamedTuple):
    """The spin response with collisions that conserve spin, one row for each ħ/τ.

    Attributes
    ----------
    inside, everywhere : (n, 2) array
        S_x and S_y integrated over the well and over all z, nm⁻² per τeE/ħ.
    budget : (n, 2) array
        What brings spin along y: precession, 2∫Δ(z)S_x dz, and the Rashba terms, in eV nm⁻² per
        τeE/ħ.  Nothing relaxes, so their sum vanishes.
    """

    inside: np.ndarray
    everywhere: np.ndarray
    budget: np.ndarray


def drift(states: FermiStates) -> np.ndarray:
    """Return what each state adds to ∫₀^d S_y where collisions conserve spin at each z, (n,).

    In nm⁻² per τeE/ħ: Eq. (6) with 2ck, the momentum over m, in place of the velocity.
    """
    return states.contribution * (2 * states.well.c * states.k / states.velocity)


def conserving(
    well: Well,
    E_F: float,
    hbar_over_tau: float | np.ndarray = 0.1,
    moments: Sequence[int] = (0,),
    nodes: int = NODES,
) -> list[Conserving]:
    """Return the responses of a well whose collisions conserve moments of the spin over z.

    Parameters
    ----------
    well : Well
        As for `interband.damping_like`, with Δ ≠ 0.
    E_F : float
        Fermi energy in eV.
    hbar_over_tau : float or 1D array
        ħ/τ in eV, > 0.
    moments : sequence of int
        What is conserved, one response for each.  0: the total and nothing else.  Else the number
        of Legendre polynomials over the well, beside two moments in each barrier.  What is left of
        S_x falls slowly, since μ is a δ function at each interface, until there are as many as the
        mesh can tell apart: about 30, from where on it is less than 1e-5 of S_y.
    nodes : int
        Points of k between Fermi states.

    Returns
    -------
    list of Conserving
        In the order of `moments`.

    Raises
    ------
    ValueError
        As `interband.damping_like`, and if the exchange vanishes.
    """
    gamma = checked_broadening(hbar_over_tau)
    check_bounded(well)
    if not well.Delta:
        raise ValueError("Delta must not be 0 eV: without exchange no spin turns")
    states = fermi_states(well, E_F)
    fem = mesh(well, states.E_F, max(states.k, default=1.0))
    functions = [_moments(well, states.E_F, number) for number in moments]
    groups = list(pairwise(accumulate(map(len, functions), initial=0)))
    kept = [fem.elements.matrix(f) for several in functions for f in several]
    probes = np.array([*kept, fem.inside, fem.M, (fem.H_up - fem.H_down) / 2])
    m = len(kept)

    def products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the integral of a product of two components for each probe and pair."""
        return (left.T @ probes @ right).reshape(len(probes), -1)

    K = np.zeros((gamma.size, 2, len(probes), 2, m))
    S = np.zeros((gamma.size, 2, len(probes)))
    static = np.zeros((len(probes), m))  # the spin of ρ_μ
    driven, turned = np.zeros(gamma.size), np.zeros((gamma.size, 2, m))  # by the Rashba terms
    for k, dk in zip(*_quadrature(states.k, nodes), strict=True):
        x, up, down, empty_up, empty_down = pairs(fem, k, states.E_F)
        A, B = products(up, empty_down), products(down, empty_up)
        A_W, B_W = ((a.T @ fem.W @ b).ravel() for a, b in ((up, empty_down), (down, empty_up)))
        turn = k * (up.T @ fem.W @ empty_up - down.T @ fem.W @ empty_down).ravel()
        x = x.ravel()
        measure = 4 * PREFACTOR * k * dk
        static -= measure * ((A / x) @ A[:m].T + (B / x) @ B[:m].T)
        for g, rate in enumerate(gamma):
            a, b = (each * (measure / (x**2 + rate**2)) for each in (A, B))
            AA, BB, even = a @ A[:m].T, b @ B[:m].T, (a * x) @ A[:m].T + (b * x) @ B[:m].T
            K[g, 0, :, 0] += even
            K[g, 1, :, 1] += even
            K[g, 0, :, 1] += rate * (AA - BB)
            K[g, 1, :, 0] -= rate * (AA - BB)
            S[g, 0] += rate * (b @ B_W - a @ A_W)
            S[g, 1] += rate**2 * (a @ (A_W / x) + b @ (B_W / x))
            weight = measure / (x**2 + rate**2) * turn
            driven[g] += rate * np.sum(weight * (A_W - B_W))
            turned[g, 0] += rate**2 * ((A[:m] + B[:m]) @ (weight / x))
            turned[g, 1] -= rate * ((A[:m] - B[:m]) @ weight)
    for k, E, v in zip(states.k, states.E, states.velocity, strict=True):
        energies, vectors = fem.eigenstates(k)
        up, down = np.split(vectors[:, [np.abs(energies - E).argmin()]], 2)
        s, turn = 2 * products(up, down)[:, 0], (up.T @ fem.W @ up - down.T @ fem.W @ down)[0, 0]
        S[:, 1] += contribution(k, v, s)
        static += PREFACTOR * k / abs(v) * np.outer(s, s[:m])
        turned[:, 0] -= 2 * PREFACTOR * k**2 / abs(v) * turn * s[:m]
    answers = []
    for first, last in groups:
        some, n = slice(first, last), last - first
        spin, supplied = S.copy(), driven.copy()
        for g in range(gamma.size if len(states) else 0):  # with none nothing is occupied
            equations = K[g, :, some, :, some].reshape(2 * n, 2 * n)
            mu = np.linalg.solve(equations, -S[g, :, some].ravel()).reshape(2, n)
            spin[g] += np.einsum("inja,ja->in", K[g, ..., some], mu) + mu @ static[:, some].T
            supplied[g] += np.sum(turned[g, :, some] * mu)
        precession = 2 * spin[:, 0, m + 2]
        budget = np.column_stack([precession, supplied])
        answers.append(Conserving(spin[..., m], spin[..., m + 1], budget))
    return answers


def _moments(well: Well, E_F: float, number: int) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Return functions of z whose moments are conserved: polynomials in the well, tails outside.

    Their sum over the first of each region is 1, so the total is among what they conserve.
    """
    if not number:
        return [np.ones_like]

    def polynomial(j: int) -> Callable:
        basis = np.polynomial.legendre.Legendre.basis(j, [0.0, well.d])
        return lambda z: np.where((z > 0) & (z < well.d), basis(z), 0.0)

    def tail(depth: Callable, V: float, j: int) -> Callable:
        q = 2 * j * np.sqrt((V - E_F) / well.c)
        return lambda z: np.where(depth(z) > 0, np.exp(-q * np.maximum(depth(z), 0.0)), 0.0)

    sides = ((lambda z: -z, well.V_L), (lambda z: z - well.d, well.V_R))
    return [polynomial(j) for j in range(number)] + [
        tail(depth, V, j) for depth, V in sides for j in (0, 1)
    ]
