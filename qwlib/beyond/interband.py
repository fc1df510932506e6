r"""What Eq. (6) leaves out: the interband part of the response, and its damping-like spin density.

In the relaxation-time approximation a field E along x changes the density matrix at each in-plane
wave vector, in the basis of its eigenstates n with energies ε_n, by

.. math:: \rho_{mn} = eE\,\frac{(f_n - f_m)\,\langle m|\hat v_x|n\rangle}
          {(\varepsilon_n-\varepsilon_m)\,[\hbar/\tau - i(\varepsilon_n-\varepsilon_m)]}
          \quad(m \ne n), \qquad
          \rho_{nn} = -\tau eE\,v_x\,\delta(\varepsilon_F-\varepsilon_n)/\hbar ,

with f_n the occupation and v_x = ∂H/∂k_x, which contains the Rashba terms.
The diagonal is Eq. (6).  Of the rest, the angular integral leaves a spin density along x, which is
odd in Δ and proportional to ħ/τ relative to Eq. (6) while ħ/τ is small, and a correction to the
one along y, which is proportional to (ħ/τ)².
With σ_φ → σ_x as in `fem`, spinors are real and one pair of an occupied n and an empty m has

    A = ∫n↑m↓ ,  B = ∫n↓m↑   (over the ferromagnet; primed: weighted with W = α_L δ(z) − α_R δ(z−d))
    S_x:  −(4γ/8π²) ∫k dk Σ (AA' − BB') / (x² + γ²)
    S_y:  +(4γ²/8π²) ∫k dk Σ (AA' + BB') / x(x² + γ²)

per τeE/ħ, with x = ε_n − ε_m and γ = ħ/τ: the units and the prefactor of `kubo`.
Empty states include the continuum: the sum runs over all eigenvectors of a finite-element matrix,
which is a complete basis of what the mesh can represent, so it is the resolvent on that mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..kubo import PREFACTOR, SILENT, contribution, fermi_states
from ..well import Well, checked_numbers, written
from .fem import Elements, FiniteElements

ORDER = 16
"""Degree of the finite elements."""

PHASE = 1.1
"""Phase or decay exponent of one element per order, as in `fem.FiniteElements.from_well`.
With order 16 this leaves 1e-8 of a spin density at a point, in small matrices: of the paper's well
95 functions for each spin, where order 8 needs 127 for 1e-7."""

NODES = 4
"""Gauss points in each interval of k between Fermi states, or part of it.  With these, order 16 and
parts of 1/nm, S_x is converged to 3e-7 of its size or better, in wells drawn at random."""

FEWER = 3
"""The same for `coherences`, where what the mean over the directions of k leaves is larger."""


@dataclass(frozen=True, eq=False)
class InterbandResponse:
    """The interband part of the spin response of one well, beside the intraband part of Eq. (6).

    Spin densities are per τeE/ħ, as in `kubo`; those over the well are ∫₀^d.

    Attributes
    ----------
    well : Well
    E_F : float
        Fermi energy in eV.
    hbar_over_tau : (n,) array
        ħ/τ in eV.
    intraband : float
        ∫₀^d S_y of Eq. (6), nm⁻².
    everywhere : float
        The same integrated over all z.
    orbital : (n,) array
        Spin along y that the Rashba terms supply, 2⟨k_y W σ_z⟩, in eV nm⁻² per τeE/ħ.
    coherence : (1 + n, 2, N, N) array
        S_x/(ħ/τ) and the interband S_y/(ħ/τ)² as matrices on the finite-element basis,
        for ħ/τ → 0 first, then for each of `hbar_over_tau`.
    exchange : (N, N) array
        Matrix of Δ(z), eV.
    overlap, inside : (N, N) array
        Matrices of 1 and of the indicator of the ferromagnet.
    elements : Elements
        The mesh.
    """

    well: Well
    E_F: float
    hbar_over_tau: np.ndarray
    intraband: float
    everywhere: float
    orbital: np.ndarray
    coherence: np.ndarray
    exchange: np.ndarray
    overlap: np.ndarray
    inside: np.ndarray
    elements: Elements

    def _integral(self, component: int, weight: np.ndarray) -> np.ndarray:
        return np.einsum("gij,ij->g", self.coherence[:, component], weight)

    @property
    def damping_like(self) -> np.ndarray:
        """∫₀^d S_x, in nm⁻² per τeE/ħ, one for each ħ/τ."""
        return self.hbar_over_tau * self._integral(0, self.inside)[1:]

    @property
    def field_like(self) -> np.ndarray:
        """What the interband part adds to ∫₀^d S_y, in nm⁻² per τeE/ħ, one for each ħ/τ."""
        return self.hbar_over_tau**2 * self._integral(1, self.inside)[1:]

    @property
    def ratio(self) -> np.ndarray:
        """Signed ∫₀^d S_x over ∫₀^d S_y of Eq. (6), one for each ħ/τ; nan if that is 0."""
        return self._per_intraband(self.damping_like)

    @property
    def slope(self) -> float:
        """The ratio divided by ħ/τ, in 1/eV, as ħ/τ → 0: the intrinsic response."""
        return float(self._per_intraband(self._integral(0, self.inside)[0]))

    def _per_intraband(self, value: np.ndarray) -> np.ndarray:
        return value / (self.intraband if abs(self.intraband) > SILENT else np.nan)

    @property
    def budget(self) -> np.ndarray:
        """Gain and loss of the spin along y over all z, (n, 3), in eV nm⁻² per τeE/ħ.

        What precession brings, 2∫Δ(z)S_x dz; what the Rashba terms bring; what relaxes,
        (ħ/τ)∫S_y dz with both parts of S_y.  The third is the sum of the first two.
        """
        gamma = self.hbar_over_tau
        precession = 2 * gamma * self._integral(0, self.exchange)[1:]
        field_like = gamma**2 * self._integral(1, self.overlap)[1:]
        return np.column_stack([precession, self.orbital, gamma * (self.everywhere + field_like)])

    def spin_density(self, z: np.ndarray) -> np.ndarray:
        """Return the interband S_x and S_y at positions z in nm, (n, 2, len(z)).

        In nm⁻³ per τeE/ħ; barriers included, zero beyond the mesh.
        """
        phi = self.elements.interpolation(z)
        density = np.einsum("zi,gcij,zj->gcz", phi, self.coherence[1:], phi, optimize=True)
        gamma = self.hbar_over_tau[:, None]
        return density * np.stack([gamma, gamma**2], axis=1)


def damping_like(
    well: Well, E_F: float, hbar_over_tau: float | np.ndarray = 0.1
) -> InterbandResponse:
    """Return the interband response of a well, with the damping-like spin density in it.

    Parameters
    ----------
    well : Well
        With |α_L| and |α_R| below `Well.critical_rashba`: above it the sea has no bottom.
    E_F : float
        Fermi energy in eV, below `Well.continuum_edge`.
    hbar_over_tau : float or 1D array
        ħ/τ in eV, > 0: twice the half width of a level.

    Returns
    -------
    InterbandResponse

    Raises
    ------
    ValueError
        Naming the parameter, its value and what is allowed.

    Examples
    --------
    >>> from qwlib import Well
    >>> response = damping_like(Well(alpha_L=0.01), E_F=3.0, hbar_over_tau=0.1)
    >>> response.ratio.round(2)
    array([0.25])
    """
    gamma = checked_broadening(hbar_over_tau)
    check_bounded(well)
    states = fermi_states(well, E_F)
    outside = contribution(states.k, states.velocity, states.barrier_spin.sum(axis=1))

    k, weight = _quadrature(states.k)
    fem = mesh(well, states.E_F, max(states.k, default=1.0))
    N = len(fem.M)
    coherence = np.zeros((1 + gamma.size, 2, N, N))
    orbital = np.zeros(gamma.size)
    width2 = np.append(0.0, gamma)[:, None, None] ** 2
    for q, dk in zip(k, weight, strict=True):
        x, up, down, empty_up, empty_down = pairs(fem, q, states.E_F)
        A, B = up.T @ fem.W @ empty_down, down.T @ fem.W @ empty_up
        factor = 4 * PREFACTOR * q * dk / (x**2 + width2)
        for c, (first, second) in enumerate(((-A, B), (A / x, B / x))):
            # From the right: few states are occupied, and many are empty.
            coherence[:, c] += up @ ((factor * first) @ empty_down.T)
            coherence[:, c] += down @ ((factor * second) @ empty_up.T)
        difference = up.T @ fem.W @ empty_up - down.T @ fem.W @ empty_down
        orbital += q * np.einsum("gnm,nm->g", factor[1:], difference * (A - B))
    return InterbandResponse(
        well,
        states.E_F,
        gamma,
        float(states.contribution.sum()),
        float(states.contribution.sum() + outside.sum()),
        gamma * orbital,
        coherence,
        (fem.H_up - fem.H_down) / 2,
        fem.M,
        fem.inside,
        fem.elements,
    )


def pairs(fem: FiniteElements, k: float, E_F: float) -> tuple[np.ndarray, ...]:
    """Return the pairs of an occupied state n and an empty state m at one wave number k in 1/nm.

    x = ε_n − ε_m in eV, negative, (n, m); then the coefficients of n↑ and n↓, (basis size, n),
    normalised, in ascending order of energy, and those of m↑ and m↓, (basis size, m).
    """
    E, vectors = fem.eigenstates(k)
    n = np.searchsorted(E, E_F - fem.c * k**2)
    up, down = np.split(vectors, 2)
    return E[:n, None] - E[n:], up[:, :n], down[:, :n], up[:, n:], down[:, n:]


def integrand(fem: FiniteElements, k: float, E_F: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms of the sum for ∫₀^d S_x at one k, as ħ/τ → 0, and the energies in them.

    The terms in nm/eV, one for each empty state, and the energies in eV of the empty states above
    the lowest of them; both are empty where no state is occupied.
    """
    x, up, down, empty_up, empty_down = pairs(fem, k, E_F)
    if not len(x):
        return np.empty(0), np.empty(0)
    A, B = up.T @ fem.inside @ empty_down, down.T @ fem.inside @ empty_up
    A_W, B_W = up.T @ fem.W @ empty_down, down.T @ fem.W @ empty_up
    return -4 * np.sum((A * A_W - B * B_W) / x**2, axis=0), x[0, 0] - x[0]


def coherences(
    fem: FiniteElements,
    E_F: float,
    k: np.ndarray,
    rashba: tuple[float, float],
    region: np.ndarray,
    hbar_over_tau: float,
) -> np.ndarray:
    r"""Return what the pairs of states along one direction of k give to each component of the spin.

    As `integrand`, for any angle β between the magnetisation (spin axis 3) and the Rashba field,
    which has components along the axes 3 and 1.  In this basis σ₂ alone is imaginary.

    Parameters
    ----------
    k : 1D float array
        All Fermi wave numbers along this direction, in 1/nm.
    rashba : (float, float)
        cos β and sin β.
    region : (N, N) array
        Where the spin is taken, as a matrix on the basis of `fem`.
    hbar_over_tau : float
        ħ/τ in eV.

    Returns
    -------
    float array (2, 3, 3)
        ∫k dk Σ 2 Re[γ ⟨n|σ_i|m⟩⟨m|W σ_j|n⟩/x(γ − ix)], in 1/nm: what is even in γ and what is odd;
        by i and by j, both in the order 3, 1, 2.
    """
    cos, sin = rashba
    basis = np.linalg.inv(np.linalg.cholesky(fem.M)).T
    up, down, W, here = (basis.T @ A @ basis for A in (fem.H_up, fem.H_down, fem.W, region))
    total, gamma = np.zeros((2, 3, 3)), hbar_over_tau
    imaginary = np.array([False, False, True])
    mixed = imaginary[:, None] != imaginary
    for q, dk in zip(*_quadrature(k, FEWER), strict=True):
        field, flip = q * cos * W, q * sin * W
        H = np.block([[up + field, flip], [flip, down - field]])
        E, vectors = np.linalg.eigh(H)
        n = np.searchsorted(E, E_F - fem.c * q * q)
        full, empty = vectors[:, :n], vectors[:, n:]
        x = E[:n, None] - E[n:]
        turned, spin = (_components(full, empty, A) for A in (W, here))
        # Re[γ/(x(γ − ix))], and for one imaginary factor what is left of i γ/(x(γ − ix)).
        even = gamma**2 / (x * (x * x + gamma**2))
        odd = gamma / (x * x + gamma**2)
        for parity, weight in enumerate((even, odd)):
            total[parity] += (2 * q * dk) * (spin * weight).reshape(3, -1) @ turned.reshape(3, -1).T
    # Of two imaginary factors the product counts as it is, of one its sign is that of the second.
    total[0][mixed] = 0.0
    total[1][~mixed] = 0.0
    total[1, :2] *= -1
    return total


def _components(left: np.ndarray, right: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return ⟨n|σ₃|m⟩, ⟨n|σ₁|m⟩ and i⟨n|σ₂|m⟩ with a weight in space, on an orthonormal basis."""
    up, down = np.split(left, 2)
    m_up, m_down = (where @ part for part in np.split(right, 2))
    A, B = up.T @ m_down, down.T @ m_up
    return np.stack([up.T @ m_up - down.T @ m_down, A + B, A - B])


class Transitions(NamedTuple):
    """Every pair of an occupied and an empty state, by what it gives to the spin over the well.

    Attributes
    ----------
    x : (n,) array
        Difference of energies in eV, negative.
    along, across : (n,) arrays
        Weights in eV nm⁻² per τeE/ħ: ∫₀^d S_x is γ Σ along/(x² + γ²) and what is added to ∫₀^d S_y
        is γ² Σ across/(x² + γ²), with γ = ħ/τ in eV.
    """

    x: np.ndarray
    along: np.ndarray
    across: np.ndarray

    def spins(self, hbar_over_tau: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return ∫₀^d S_x and the interband ∫₀^d S_y, nm⁻² per τeE/ħ, one for each ħ/τ."""
        gamma = checked_broadening(hbar_over_tau)
        damped = 1 / (self.x**2 + gamma[:, None] ** 2)
        return gamma * (damped @ self.along), gamma**2 * (damped @ self.across)


def transitions(
    well: Well,
    E_F: float,
    order: int = ORDER,
    nodes: int = NODES,
    phase: float = PHASE,
) -> Transitions:
    """Return all pairs of states of a well, so that another ħ/τ costs a sum.

    Well, E_F and errors as of `damping_like`, whose integrals these are, with no profile across the
    well.  `order` and `nodes` are the degree of the finite elements and the points between Fermi
    states; fewer are faster.  With a larger `phase` there are fewer elements, as in
    `fem.FiniteElements.from_well`.
    """
    check_bounded(well)
    states = fermi_states(well, E_F)
    fem = mesh(well, states.E_F, max(states.k, default=1.0), order, phase=phase)
    parts = [np.empty((3, 0))]
    for q, dk in zip(*_quadrature(states.k, nodes), strict=True):
        x, up, down, empty_up, empty_down = pairs(fem, q, states.E_F)
        A, B = up.T @ fem.inside @ empty_down, down.T @ fem.inside @ empty_up
        A_W, B_W = up.T @ fem.W @ empty_down, down.T @ fem.W @ empty_up
        both = np.stack([x, B * B_W - A * A_W, (A * A_W + B * B_W) / x]).reshape(3, -1)
        both[1:] *= 4 * PREFACTOR * q * dk
        parts.append(both)
    return Transitions(*np.concatenate(parts, axis=1))


def kubo_bastin(well: Well, E_F: float, hbar_over_tau: float) -> tuple[float, float]:
    r"""Return ∫₀^d S_x and ∫₀^d S_y with every level a Lorentzian: the whole response at once.

    The formula of Bastin et al. with Green functions 1/(ε − H ± iΓ), Γ = ħ/2τ,

    .. math:: \langle\hat\sigma\rangle = -i\,eE \int^{\varepsilon_F}\!d\varepsilon\,
              \mathrm{Tr}\left[\hat\sigma\,\partial_\varepsilon G^+\,\hat v\,\delta(\varepsilon-H)
              - \hat\sigma\,\delta(\varepsilon-H)\,\hat v\,\partial_\varepsilon G^-\right] ,

    and the angular integral with the prefactor of Eq. (6), both in nm⁻² per τeE/ħ.
    Intraband and interband parts are not told apart, no Fermi state is looked for, and occupations
    are smeared, so this is a second route to `damping_like` where ħ/τ is small.
    It is slow: the grid of k must resolve Γ, so its time grows as 1/ħ/τ.
    What it takes and refuses is that of `damping_like`, with one ħ/τ in eV.
    """
    (gamma,) = checked_broadening(float(hbar_over_tau))
    check_bounded(well)
    E_F = well.checked_fermi_energy(E_F)
    top = np.sqrt((max(E_F + abs(well.Delta), 0.0) + 3 * gamma) / well.c)
    k_max = 1.7 * top / np.sqrt(1 - (max(abs(well.alpha_L), abs(well.alpha_R)) / 2 / well.c) ** 2)
    fem = mesh(well, E_F, k_max)
    # A Lorentzian of half width Γ in ε has poles Γ/v off the real axis of k, and the midpoint rule
    # errs as exp(−2π·distance/step).
    step = 0.5 * (gamma / 2) / (2 * well.c * top)
    total = np.zeros(2)
    for k in step * (0.5 + np.arange(int(k_max / step))):
        E, vectors = fem.eigenstates(k)
        up, down = np.split(vectors, 2)
        flip, edge = up.T @ fem.inside @ down, up.T @ fem.W @ down
        even, odd = flip + flip.T, flip - flip.T  # σ_φ, and σ_k but for a factor i
        along, across = edge + edge.T + 2 * well.c * k * np.eye(E.size), edge - edge.T
        kernel = _bastin_kernel(E + well.c * k**2, E_F, gamma / 2)
        x = -np.sum((even * across + odd * along) * kernel.imag)
        y = np.sum((even * along + odd * across) * kernel.real)
        total += step * k * np.array([x, y])
    S_x, S_y = gamma * PREFACTOR * total
    return float(S_x), float(S_y)


def _bastin_kernel(E: np.ndarray, E_F: float, half_width: float) -> np.ndarray:
    """Return what multiplies σ_nm v_mn in `kubo_bastin`, integrated over ε in closed form.

    That is of the first term, G⁺ of m and δ of n, and twice: the second is minus its adjoint, and
    adds the same to a trace of two Hermitian matrices.
    """
    poles = E - 1j * half_width  # of G⁺; those of G⁻ are their conjugates
    retarded, advanced = (
        np.log(E_F - pole) + 1j * np.pi * np.sign(pole.imag) for pole in (poles, poles.conj())
    )  # ∫^E_F dε/(ε − pole) but for a divergence that all poles share
    step, edge = E - E[:, None], 1 / (E_F - poles)
    same = step == 0
    # ∫^E_F dε (ε − m)⁻² (ε − n)⁻¹ by partial fractions, for n on either side of the real axis.
    inverse = 1 / np.where(same, 1.0, step)
    one_side = ((retarded[:, None] - retarded) * inverse - edge) * inverse
    other = 1 / (step - 2j * half_width)
    across = ((advanced[:, None] - retarded) * other - edge) * other
    return (across - np.where(same, -0.5 * edge**2, one_side)) / np.pi


def mesh(well: Well, E_F: float, k_max: float, order: int = ORDER, phase: float = PHASE):
    """Return the finite elements of a well for states up to E_F in eV and `k_max` in 1/nm."""
    return FiniteElements.from_well(well, E_max=E_F, k_max=k_max, order=order, phase=phase)


def _quadrature(k: np.ndarray, nodes: int = NODES) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights for ∫dk: the occupation steps at each Fermi state, and no more."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    points, weights = [np.empty(0)], [np.empty(0)]
    for a, b in pairwise(np.append(0.0, np.sort(k))):
        edges = np.linspace(a, b, 1 + int(np.ceil(b - a)))  # parts of at most 1/nm
        half = np.diff(edges)[:, None] / 2
        points.append((edges[:-1, None] + half * (1 + x)).ravel())
        weights.append((half * w).ravel())
    return np.concatenate(points), np.concatenate(weights)


def checked_broadening(value: float | np.ndarray) -> np.ndarray:
    """Return ħ/τ in eV as a 1D float array; a `ValueError` if one is not a number > 0."""
    gamma = np.atleast_1d(checked_numbers("hbar_over_tau", value, "eV", flat=True))
    if not (gamma > 0).all():
        raise ValueError(f"hbar_over_tau must be > 0 eV, got {written(value)}")
    return gamma


def check_bounded(well: Well) -> None:
    """Raise a `ValueError` unless the Fermi sea of the well has a bottom."""
    for name in ("alpha_L", "alpha_R"):
        if abs(getattr(well, name)) >= well.critical_rashba:
            raise ValueError(
                f"|{name}| must be below ħ²/m = {well.critical_rashba:.6g} eV nm^2, where the "
                f"Fermi sea has a bottom; got {name} = {getattr(well, name)!r}"
            )
