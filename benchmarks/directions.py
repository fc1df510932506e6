"""A well with its magnetisation in many directions: `response` beside finite elements.

The elements know nothing of the solver or of its axes: spinors are complex, and all k along one
direction in the plane come from one quadratic eigenproblem, at equal angles around the circle.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.linalg import eig

from qwlib import Well
from qwlib.beyond.direction import responses
from qwlib.beyond.fem import FiniteElements

LAYER = Well(d=0.6, V_L=5.0, V_R=5.0, Delta=0.25, alpha_L=0.046, alpha_R=0.0)
E_F = 3.0  # eV
RTOL = 1e-4
THETAS, PHIS = 19, 36
ANGLES = 48
"""Of the elements: they leave some 1e-4 of a spin, as `RTOL` does."""

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def by_elements(well: Well, E_F: float, theta: float, phi: float, angles: int) -> np.ndarray:
    """Return ∫₀^d S dz of Eq. (6), (3,), in nm⁻² per τeE/ħ."""
    fem = FiniteElements.from_well(well, E_max=E_F, order=6)
    kinetic, exchange = (fem.H_up + fem.H_down) / 2, (fem.H_up - fem.H_down) / 2
    m = np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)
    M = np.kron(np.eye(2), fem.M)
    fixed = np.kron(np.eye(2), kinetic - E_F * fem.M) + np.kron(np.tensordot(m, PAULI, 1), exchange)
    n, shift, total = len(M), 12.0 + 5j, np.zeros(3)
    spins = [np.kron(pauli, fem.inside) for pauli in PAULI]
    v_x, v_y = np.kron(PAULI[1], fem.W), -np.kron(PAULI[0], fem.W)
    zero, one = np.zeros((n, n)), np.eye(n)
    right = np.block([[one, zero], [zero, well.c * M]])
    for angle in 2 * np.pi * (np.arange(angles) + 0.5) / angles:
        x, y = np.cos(angle), np.sin(angle)
        # (fixed + k rashba + c k² M) ψ = 0, linear in k for (ψ, kψ); here in 1/(k − shift).
        left = np.block([[zero, one], [-fixed, -(x * v_x + y * v_y)]])
        inverse, vectors = eig(np.linalg.solve(left - shift * right, right))
        ks = shift + 1 / inverse
        for i in np.flatnonzero((np.abs(ks.imag) < 1e-6) & (ks.real > 1e-6)):
            k, psi = ks[i].real, vectors[:n, i]
            psi = psi / np.sqrt((psi.conj() @ M @ psi).real)
            along, across = ((psi.conj() @ v @ psi).real for v in (v_x, v_y))
            v = np.array([2 * well.c * k * x + along, 2 * well.c * k * y + across])
            weight = k / abs(v @ [x, y]) * v[0]
            total -= weight * np.array([(psi.conj() @ s @ psi).real for s in spins])
    return total / (8 * np.pi**3) * 2 * np.pi / angles


def measure(quick: bool) -> dict:
    """Return directions per second of both, in turns, and the largest difference of a spin."""
    theta = np.pi * (np.arange(THETAS) + 0.5) / THETAS
    phi = 2 * np.pi * np.arange(PHIS) / PHIS
    times, apart = [], []
    for turn in range(2 if quick else 7):
        start = time.process_time()
        found = [one.spin for one in responses(LAYER, E_F, theta[:, None], phi, rtol=RTOL)]
        middle = time.process_time()
        place = (turn * 97) % len(found)
        direction = theta[place // PHIS], phi[place % PHIS]
        spin = by_elements(LAYER, E_F, *direction, ANGLES)
        times.append(((middle - start) / len(found), time.process_time() - middle))
        apart.append(np.abs(found[place] - spin).max() / np.abs(spin).max())
    ours, elements = (float(f"{1 / t:.3g}") for t in np.median(times, axis=0))
    return {
        "directions": THETAS * PHIS,
        "qwlib, per second": ours,
        "finite elements, per second": elements,
        "ratio": float(f"{ours / elements:.3g}"),
        "difference": float(f"{max(apart):.2g}"),
    }
