"""The same work by other routes: every Fermi state of a well, its k and its part of ∫S_y.

Each route takes a `Well` and a Fermi energy and returns `States`.
None of them uses the solver of `qwlib`; each is written as a careful user would write it for speed.
Energies are in eV, lengths in nm, wave numbers in 1/nm.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse
from numpy.polynomial import legendre
from scipy.optimize import brentq, linear_sum_assignment
from scipy.sparse.linalg import LinearOperator, eigs, splu

from qwlib import Well

DECAY = 13.0
"""A mesh ends where the slowest state at ε_F has fallen to e^−13: that moves k by e^−26."""


class States(NamedTuple):
    """Fermi states: wave numbers, and contributions to ∫₀^d S_y dz in nm⁻² per τeE/ħ."""

    k: np.ndarray
    contribution: np.ndarray


def contribution(k: np.ndarray, velocity: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Return −(k/8π²) sgn(v) 2∫ψ↑ψ↓: one term of Eq. (6), integrated over the well."""
    return -k * np.sign(velocity) * 2 * overlap / (8 * math.pi**2)


def largest_k(well: Well, E_F: float) -> float:
    """Return where a search may stop, for |α| < ħ²/m.

    Were V zero everywhere, and the stronger α attractive at two planes a distance d apart, the
    lowest state would have the energy −cγ² − |Δ| with γ (1 + tanh(γd/2)) = kα/c.
    """
    alpha = max(abs(well.alpha_L), abs(well.alpha_R))
    top = (E_F + abs(well.Delta)) / well.c

    def excess(gamma: float) -> float:
        slope = well.c * gamma * (1 + math.tanh(gamma * well.d / 2))
        return slope**2 - alpha**2 * (top + gamma**2)

    return 1.02 * math.sqrt(top + brentq(excess, 0.0, 1e3) ** 2)


def slowest_decay(well: Well, E_F: float, V: float) -> float:
    """Return the smallest q in the barrier of height V, at k = 0."""
    return math.sqrt((V - abs(well.Delta_barrier) - E_F) / well.c)


# --- 1. the determinant on a grid of k ------------------------------------------------------------


def blocks(well: Well, E_F: float, k, lib=np) -> list[tuple]:
    """Return q_L + κ cot κd, q_R + κ cot κd and −κ/sin κd of both spins, at k or an array of k.

    `lib` is numpy, or for one number cmath, which is ten times as fast.
    """
    E, result = E_F - well.c * k**2, []
    for s in (1, -1):
        kappa = lib.sqrt((E - s * well.Delta) / well.c + 0j)
        slope = (kappa / lib.tan(kappa * well.d)).real
        q_L = lib.sqrt((well.V_L + s * well.Delta_barrier - E) / well.c).real
        q_R = lib.sqrt((well.V_R + s * well.Delta_barrier - E) / well.c).real
        result.append((q_L + slope, q_R + slope, (-kappa / lib.sin(kappa * well.d)).real))
    return result


def determinant(well: Well, E_F: float, k, lib=np):
    """Return the determinant of the 4×4 matching matrix on the Fermi parabola, written out."""
    (L1, R1, t1), (L2, R2, t2) = blocks(well, E_F, k, lib)
    a, b = k * well.alpha_L / well.c, -k * well.alpha_R / well.c
    coupled = a * a * R1 * R2 + b * b * L1 * L2 + 2 * a * b * t1 * t2 - (a * b) ** 2
    return (L1 * R1 - t1 * t1) * (L2 * R2 - t2 * t2) - coupled


def without_poles(well: Well, E_F: float, k, lib=np):
    """Return the determinant times sin(κd)/κ of both spins, which vanish where it has poles."""
    value = determinant(well, E_F, k, lib)
    for s in (1, -1):
        kappa = lib.sqrt((E_F - well.c * k**2 - s * well.Delta) / well.c + 0j)
        value = value * (lib.sin(kappa * well.d) / kappa).real
    return value


def scan(well: Well, E_F: float, points: int, function: Callable = determinant) -> States:
    """Take each change of sign of a function on a grid of k, refine it, discard the poles."""
    grid = np.linspace(0, largest_k(well, E_F), points + 1)[1:]
    values = function(well, E_F, grid)
    f = functools.partial(function, well, E_F, lib=cmath)
    roots = []
    for i in np.flatnonzero(values[:-1] * values[1:] < 0):
        root = brentq(f, grid[i], grid[i + 1])
        if abs(f(root)) < min(abs(values[i]), abs(values[i + 1])):
            roots.append(root)
    return from_roots(well, E_F, np.array(roots))


def from_roots(well: Well, E_F: float, k: np.ndarray) -> States:
    """Return the states at given roots: null vectors by SVD, integrals by Gauss quadrature."""
    if k.size == 0:
        return States(k, k)
    E = E_F - well.c * k**2
    a, b = k * well.alpha_L / well.c, -k * well.alpha_R / well.c
    M = np.zeros((k.size, 4, 4))  # in the order ψ↑(0), ψ↓(0), ψ↑(d), ψ↓(d)
    for s, (left, right, between) in enumerate(blocks(well, E_F, k)):
        M[:, s, s], M[:, 2 + s, 2 + s] = left, right
        M[:, s, 2 + s] = M[:, 2 + s, s] = between
    M[:, 0, 1] = M[:, 1, 0] = a
    M[:, 2, 3] = M[:, 3, 2] = b
    u = np.linalg.svd(M)[2][:, -1]

    x, weights = legendre.leggauss(20)
    panels = math.ceil(well.d * largest_k(well, E_F) / 10)
    width = well.d / panels
    z = (width * (np.arange(panels)[:, None] + (1 + x) / 2)).ravel()
    weights = np.tile(weights * width / 2, panels)
    norm, psi = 0.0, []
    for s, sign in enumerate((1, -1)):
        kappa = np.sqrt((E - sign * well.Delta) / well.c + 0j)[:, None]
        left, right = u[:, s, None], u[:, 2 + s, None]
        wave = left * np.sin(kappa * (well.d - z)) + right * np.sin(kappa * z)
        psi.append((wave / np.sin(kappa * well.d)).real)
        norm = norm + psi[s] ** 2 @ weights
        for V, value in ((well.V_L, left), (well.V_R, right)):
            q = np.sqrt((V + sign * well.Delta_barrier - E) / well.c)
            norm = norm + value[:, 0] ** 2 / (2 * q)
    coupling = 2 * well.alpha_L * u[:, 0] * u[:, 1] - 2 * well.alpha_R * u[:, 2] * u[:, 3]
    velocity = 2 * well.c * k + coupling / norm
    return States(k, contribution(k, velocity, (psi[0] * psi[1]) @ weights / norm))


# --- what the next routes share: one eigenproblem for every k -------------------------------------


def from_vectors(c, k, up, down, M, W, inside) -> States:
    """Return the states from ψ↑ and ψ↓ in the columns of `up` and `down`, at given k."""
    norm = np.sum(up * (M @ up) + down * (M @ down), axis=0)
    velocity = 2 * c * k + 2 * np.sum(up * (W @ down), axis=0) / norm
    return States(k, contribution(k, velocity, np.sum(up * (inside @ down), axis=0) / norm))


# --- 2. spectral elements -------------------------------------------------------------------------


@functools.cache
def element(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mass and the stiffness matrix on [−1, 1].

    The basis is the two hats and the integrals of the Legendre polynomials.
    """
    x, weights = legendre.leggauss(order + 1)
    P = legendre.legvander(x, order)
    degree = np.arange(2, order + 1)
    scale = np.sqrt(2 * (2 * degree - 1))
    half = np.full_like(x, 0.5)
    values = np.column_stack([half * (1 - x), (P[:, 2:] - P[:, :-2]) / scale, half * (1 + x)])
    slopes = np.column_stack([-half, P[:, 1:-1] * (2 * degree - 1) / scale, half])
    return values.T @ (weights[:, None] * values), slopes.T @ (weights[:, None] * slopes)


class Matrices(NamedTuple):
    """Matrices of the Hamiltonian on three elements of high order: the well and the barriers."""

    M: np.ndarray  # overlap
    H_up: np.ndarray
    H_down: np.ndarray
    W: np.ndarray  # α_L at z = 0 and −α_R at z = d
    inside: np.ndarray  # overlap in the well alone


def spectral_matrices(well: Well, E_F: float) -> Matrices:
    """Return the matrices for all Fermi states of a well.

    For smooth waves high orders need the smallest matrices; those taken here are the least that
    leave about 1e-11 in k.
    """
    c, d = well.c, well.d
    k_max = largest_k(well, E_F)
    lengths, orders = [], []
    for V in (well.V_L, well.V_R):
        lengths.append(DECAY / slowest_decay(well, E_F, V))
        steepest = math.sqrt(k_max**2 + (V + abs(well.Delta_barrier) - E_F) / c)
        orders.append(math.ceil(math.sqrt(14 * steepest * lengths[-1])))
    phase = d / 2 * math.sqrt((E_F + abs(well.Delta)) / c)
    orders.insert(1, math.ceil(phase + 6.4 * phase ** (1 / 3)) + 2)
    lengths.insert(1, d)
    n = sum(orders) + 1
    M, H_up, H_down, W, inside = (np.zeros((n, n)) for _ in range(5))
    layers = (
        (well.V_L, well.Delta_barrier),
        (0.0, well.Delta),
        (well.V_R, well.Delta_barrier),
    )
    start = 0
    for order, length, (V, Delta) in zip(orders, lengths, layers, strict=True):
        at = slice(start, start + order + 1)
        mass, stiffness = element(order)
        mass, stiffness = mass * (length / 2), stiffness * (2 * c / length)
        M[at, at] += mass
        H_up[at, at] += stiffness + (V + Delta) * mass
        H_down[at, at] += stiffness + (V - Delta) * mass
        if start == orders[0]:
            inside[at, at] = mass
        start += order
    left, right = orders[0], orders[0] + orders[1]
    W[left, left], W[right, right] = well.alpha_L, -well.alpha_R
    return Matrices(*(X[1:-1, 1:-1] for X in (M, H_up, H_down, W, inside)))


def spectral_quadratic(well: Well, E_F: float) -> States:
    """Solve (H − ε_F + kWσ_x + ck²)ψ = 0 for every k, as a textbook linearises it: in (ψ, kψ)."""
    M, H_up, H_down, W, inside = spectral_matrices(well, E_F)
    zero = np.zeros_like(M)
    K = np.block([[H_up - E_F * M, zero], [zero, H_down - E_F * M]])
    D = np.block([[zero, W], [W, zero]])
    mass = well.c * np.block([[M, zero], [zero, M]])
    lower = -np.linalg.solve(mass, np.hstack([K, D]))
    k, vectors = np.linalg.eig(np.vstack([np.eye(len(K), 2 * len(K), len(K)), lower]))
    keep = (np.abs(k.imag) < 1e-6 * np.abs(k)) & (k.real > 0) & (k.real < largest_k(well, E_F))
    up, down = np.split(vectors[: len(K), keep].real, 2)
    return from_vectors(well.c, k.real[keep], up, down, M, W, inside)


def spectral(well: Well, E_F: float) -> States:
    """Solve a smaller problem for the same: W alone connects the spins, so (ψ↑, kψ↓) takes k²."""
    c, k_max = well.c, largest_k(well, E_F)
    M, H_up, H_down, W, inside = spectral_matrices(well, E_F)
    zero = np.zeros_like(M)
    A = np.block([[H_up - E_F * M, W], [zero, H_down - E_F * M]])
    B = np.block([[c * M, zero], [W, c * M]])
    # Shift and invert, or the largest entries drown small k²; no k² wanted is near the shift.
    shift = -1 - abs(E_F) / c
    nu, vectors = np.linalg.eig(np.linalg.solve(A + shift * B, B))
    mu = shift - 1 / nu
    # Two k that nearly agree may come out as a complex pair.
    keep = (np.abs(mu.imag) < 1e-6 * np.abs(mu)) & (mu.real > 0) & (mu.real < k_max**2)
    k = np.sqrt(mu.real[keep])
    up, down = np.split(vectors[:, keep].real, 2)
    return from_vectors(c, k, up, down / k, M, W, inside)


# --- 3. finite differences ------------------------------------------------------------------------


def largest_roots(c, K_up, K_down, W, k_max: float, guess: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every k > 0 of (K + ck² + kWσ_x)ψ = 0 for sparse K and W, and the vectors (ψ↑, kψ↓).

    Shift-and-invert Arnoldi from beyond the largest k²: what it finds comes in descending order
    of k², so a negative k² among it shows that none above 0 is left.
    """
    n = W.shape[0]
    one = scipy.sparse.identity(n)
    A = scipy.sparse.bmat([[K_up, W], [None, K_down]])
    B = scipy.sparse.bmat([[c * one, None], [W, c * one]], format="csr")
    shift = k_max**2
    factors = splu((A + shift * B).tocsc())
    inverse = LinearOperator((2 * n, 2 * n), matvec=lambda x: factors.solve(B @ x), dtype=float)
    start = np.random.default_rng(0).normal(size=2 * n)
    while True:
        guess = min(guess, 2 * n - 3)
        nu, vectors = eigs(inverse, k=guess, v0=start, tol=1e-10)
        mu = shift - 1 / nu
        if mu.real.min() < 0 or guess == 2 * n - 3:
            break
        guess *= 2
    keep = (np.abs(mu.imag) < 1e-6 * np.abs(mu)) & (mu.real > 0)
    return np.sqrt(mu.real[keep]), vectors[:, keep].real


class Grid(NamedTuple):
    """A grid whose spacing is a fraction of d, with a point at each interface."""

    h: float
    left: int  # index of the point at z = 0
    right: int  # index of the point at z = d
    size: int


def grid_of(well: Well, E_F: float, spacing: float) -> Grid:
    """Return the grid for states up to the Fermi energy, with about the spacing given."""
    cells = max(round(well.d / spacing), 1)
    h = well.d / cells
    left, right = (math.ceil(DECAY / slowest_decay(well, E_F, V) / h) for V in (well.V_L, well.V_R))
    return Grid(h, left, left + cells, left + cells + right + 1)


def on_grid(grid: Grid, left: float, inside: float, right: float) -> np.ndarray:
    """Return a layered profile on a grid, with the mean of both sides at an interface."""
    values = np.full(grid.size, inside)
    values[: grid.left], values[grid.right + 1 :] = left, right
    values[grid.left], values[grid.right] = (left + inside) / 2, (right + inside) / 2
    return values


def from_grid(well: Well, E_F: float, grid: Grid, H_up, H_down, W) -> States:
    """Return the states of a Hamiltonian H ± k W on a grid, W and H sparse."""
    one = scipy.sparse.identity(grid.size)
    guess = 6 + int(1.1 * 2 * well.d / math.pi * math.sqrt((E_F + abs(well.Delta)) / well.c))
    k, vectors = largest_roots(
        well.c, H_up - E_F * one, H_down - E_F * one, W, largest_k(well, E_F), guess
    )
    up, down = np.split(vectors, 2)
    inside = scipy.sparse.diags(on_grid(grid, 0.0, 1.0, 0.0))
    return from_vectors(well.c, k, up, down / k, one, W, inside)


def differences(well: Well, E_F: float, spacing: float) -> States:
    """Solve on a grid with three-point differences and δ(z) as 1/h at one point."""
    grid = grid_of(well, E_F, spacing)
    hop = well.c / grid.h**2
    V = on_grid(grid, well.V_L, 0.0, well.V_R) + 2 * hop
    Delta = on_grid(grid, well.Delta_barrier, well.Delta, well.Delta_barrier)
    off = np.full(grid.size - 1, -hop)
    coupling = np.zeros(grid.size)
    coupling[grid.left], coupling[grid.right] = well.alpha_L / grid.h, -well.alpha_R / grid.h
    H_up, H_down = (scipy.sparse.diags([off, V + s * Delta, off], (-1, 0, 1)) for s in (1, -1))
    return from_grid(well, E_F, grid, H_up, H_down, scipy.sparse.diags(coupling))


# --- the list, and how far a result is from the truth ---------------------------------------------

ROUTES: dict[str, Callable[[Well, float], States]] = {
    "scan, 200 points": functools.partial(scan, points=200),
    "scan, 1000 points": functools.partial(scan, points=1000),
    "scan, 4000 points": functools.partial(scan, points=4000),
    "scan, no poles, 4000": functools.partial(scan, points=4000, function=without_poles),
    "spectral, quadratic": spectral_quadratic,
    "spectral elements": spectral,
    "differences, 0.02 nm": functools.partial(differences, spacing=0.02),
    "differences, 0.005 nm": functools.partial(differences, spacing=0.005),
}
"""What is timed beside `qwlib`, by the name that the tables show."""

KWANT = "Kwant 1.5, 0.02 nm"
KWANT_SPACING = 0.02
"""The route in `kwant_route.py`, and its grid."""


class Errors(NamedTuple):
    """How far a route's states are from the true ones."""

    missed: int  # true states that nothing found stands for
    spurious: int  # found where there is no state
    k: float  # largest relative error in k of the states found
    spin: float  # absolute error of their total ∫S_y, in nm⁻² per τeE/ħ


def compare(found: States, truth: States) -> Errors:
    """Pair the states found with true ones, one to one and as close in k as can be."""
    distance = np.abs(found.k[:, None] - truth.k) / truth.k
    i, j = linear_sum_assignment(distance)
    return Errors(
        missed=truth.k.size - i.size,
        spurious=found.k.size - i.size,
        k=float(distance[i, j].max(initial=0.0)),
        spin=abs(float(found.contribution.sum() - truth.contribution.sum())),
    )
