r"""The Hamiltonian of Sec. II by finite elements: an independent witness of the exact solver.

At in-plane wave number k, with the spin quantised so that spinors are real,

.. math:: h(k) = -c\,d^2/dz^2 + V(z) + \Delta(z)\,\sigma_z + k\,W(z)\,\sigma_x, \qquad
          \varepsilon = E + c k^2,

where W is the Rashba coupling: α_L δ(z) − α_R δ(z−d) for the well of Eqs. (1)-(4), or any profile.
Nothing here knows the quantization rule: the line is cut into elements, states are polynomials on
each, and every k at the Fermi energy comes from one matrix.
Only `Well` is shared with the solver it is meant to check.
Energies are in eV, lengths in nm, wave numbers in 1/nm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre

from qwlib.well import Well, checked_number, written

Profile = Callable[[np.ndarray], np.ndarray] | float
"""A function of z, or a constant; it may jump, at the edges of elements only."""

PLACEMENTS = {"centred": -0.5, "inside": 0.0, "outside": -1.0}
"""Where a Rashba layer of finite width starts at the left interface, in widths."""

PHASE_PER_ORDER = 0.375
"""Phase or decay exponent that one element may span per polynomial order (see `from_well`)."""

COINCIDENT = 1e-6
"""Wave numbers closer than this, times (1 + k), are refined together; in energy, the others are far
more apart than `SHIFT`."""

SHIFT = 1e-10
"""How far from its root an inverse iteration is shifted, in eV."""

REAL = 1e-8
"""Up to this imaginary part, times (1 + k), a wave number counts as real: rounding gives it one
where two roots touch."""


def _checked_order(order: int) -> int:
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise ValueError(f"order must be an integer >= 1, got {written(order)}")
    return int(order)


class Elements:
    """Continuous functions that are polynomials on each element and vanish at both ends.

    On each element the basis is the two hat functions and the integrals of the Legendre
    polynomials (Szabó and Babuška, *Finite Element Analysis*, 1991): those vanish at the edges,
    so that the coefficient of a hat is the value at its edge and a δ there is one matrix entry.

    Parameters
    ----------
    edges : array_like
        Edges of the elements, increasing; every jump and every δ must be at one.
    order : int
        Polynomial degree on each element, ≥ 1.

    Raises
    ------
    ValueError
        If the edges do not increase, or the order is not a positive integer.
    """

    def __init__(self, edges: np.ndarray, order: int) -> None:
        self.edges = np.array(edges, dtype=float)
        if self.edges.ndim != 1 or self.edges.size < 3 or not np.all(np.isfinite(self.edges)):
            raise ValueError(f"edges must be three or more finite positions, got {written(edges)}")
        if np.any(np.diff(self.edges) <= 0):
            raise ValueError(f"edges must increase, got {written(edges)}")
        self.order = _checked_order(order)
        # Exact for two basis functions times a polynomial of degree 17: pieces that are constant
        # are integrated exactly, smooth ones to rounding.
        x, w = legendre.leggauss(self.order + 9)
        self._half = np.diff(self.edges)[:, None] / 2
        self.points = self.edges[:-1, None] + self._half * (1 + x)
        self._weights = self._half * w
        self._values, self._slopes = self._basis(x)
        # Left hat, bubbles, right hat: neighbours then share one index.
        self._index = self.order * np.arange(self.edges.size - 1)[:, None] + np.arange(order + 1)

    def _basis(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values and slopes of the basis on [−1, 1], each (len(x), order + 1)."""
        P = legendre.legvander(x, self.order)
        degree = np.arange(2, self.order + 1)
        scale = np.sqrt(2 * (2 * degree - 1))
        bubbles = (P[:, 2:] - P[:, :-2]) / scale
        slopes = P[:, 1:-1] * (2 * degree - 1) / scale
        half = np.full_like(x, 0.5)
        values = np.column_stack([(1 - x) / 2, bubbles, (1 + x) / 2])
        return values, np.column_stack([-half, slopes, half])

    def sample(self, profile: Profile) -> np.ndarray:
        """Return a profile at the quadrature points, (elements, points)."""
        f = np.asarray(profile(self.points) if callable(profile) else profile, dtype=float)
        if not np.all(np.isfinite(f)):
            raise ValueError(f"profile must be finite on the whole mesh, got {written(profile)}")
        return np.broadcast_to(f, self.points.shape)

    def matrix(self, profile: Profile = 1.0, slopes: bool = False) -> np.ndarray:
        """Return ∫ f φ_i φ_j dz for all pairs of basis functions, or ∫ f φ_i' φ_j' dz."""
        basis = self._slopes if slopes else self._values
        weights = self.sample(profile) * self._weights / (self._half**2 if slopes else 1.0)
        blocks = np.einsum("eq,qi,qj->eij", weights, basis, basis, optimize=True)
        full = np.zeros((self._index[-1, -1] + 1,) * 2)
        np.add.at(full, (self._index[:, :, None], self._index[:, None, :]), blocks)
        return full[1:-1, 1:-1]  # without the hats of the two ends: the functions vanish there

    def delta(self, position: float) -> np.ndarray:
        """Return φ_i φ_j at an inner edge: the matrix of δ(z − position)."""
        where = np.flatnonzero(self.edges[1:-1] == position)
        if where.size == 0:
            raise ValueError(
                f"position of a δ must be an inner edge of the mesh, got {written(position)}"
            )
        matrix = np.zeros((self._index[-1, -1] - 1,) * 2)
        matrix[(self._index[where[0] + 1, 0] - 1,) * 2] = 1.0
        return matrix

    def interpolation(self, z: np.ndarray) -> np.ndarray:
        """Return the basis functions at positions z, (len(z), basis size); zero off the mesh."""
        z = np.atleast_1d(np.asarray(z, dtype=float))
        element = np.clip(np.searchsorted(self.edges, z) - 1, 0, self.edges.size - 2)
        x = (z - self.edges[element]) / self._half[element, 0] - 1
        on_mesh = np.abs(x) <= 1 + 1e-12
        full = np.zeros((z.size, self._index[-1, -1] + 1))
        values, _ = self._basis(np.where(on_mesh, x, 0.0))
        np.put_along_axis(full, self._index[element], values * on_mesh[:, None], axis=1)
        return full[:, 1:-1]


def graded_edges(
    breaks: np.ndarray | list[float], reach: float, size: float, finest: float
) -> np.ndarray:
    """Return element edges that follow the decay of states away from the breaks of a profile.

    All in nm: `breaks`, the positions of jumps and δ's, become edges; the mesh goes `reach` beyond
    the first and the last.  `size` is the largest element between breaks, where states oscillate,
    `finest` the largest next to a break.  From there they double, beyond the outermost breaks
    without limit: a state that reaches a far element varies on its scale.
    A `ValueError` if a length is not positive.
    """
    for name, length in (("reach", reach), ("size", size), ("finest", finest)):
        if not checked_number(name, length, "nm") > 0:
            raise ValueError(f"{name} must be > 0 nm, got {written(length)}")
    breaks = np.unique(np.asarray(breaks, dtype=float))
    breaks = breaks[np.append(True, np.diff(breaks) > 1e-12 * np.ptp(breaks))]
    finest = min(finest, size)
    doublings = math.ceil(math.log2(reach / finest + 1))
    outside = reach * (2.0 ** np.arange(1, doublings + 1) - 1) / (2.0**doublings - 1)
    parts = [breaks[0] - outside[::-1], breaks[:1]]
    for left, right in pairwise(breaks):
        growing = finest * 2.0 ** np.arange(math.ceil(math.log2(size / finest)))
        steps = np.append(growing, np.full(math.ceil((right - left) / (2 * size)) + 1, size))
        steps = steps[: np.searchsorted(2 * np.cumsum(steps), right - left) + 1]
        if right - left <= finest:
            steps = np.array([])  # one element does
        inner = np.cumsum(np.concatenate([steps, steps[::-1]]))
        parts += [left + inner[:-1] * (right - left) / inner[-1:], [right]]
    return np.concatenate([*parts, breaks[-1] + outside])


def _rayleigh(vectors: np.ndarray, H: np.ndarray, M: np.ndarray) -> np.ndarray:
    """Return the energies of states, given as columns, ascending, by Rayleigh quotients.

    In the original basis: there a smooth state has tiny high-order coefficients, and the rounding
    of the largest matrix entries stays out.
    """
    energy, norm = (np.sum(vectors * (A @ vectors), axis=0) for A in (H, M))
    return np.sort(energy / norm)


@dataclass(frozen=True)
class FermiSolution:
    """States at the Fermi energy, in ascending order of E.

    Attributes
    ----------
    k : ndarray
        (n,) wave numbers, 1/nm.
    E : ndarray
        (n,) energies of the motion along z, E_F − c k², eV.
    velocity : ndarray
        (n,) dε/dk by Hellmann–Feynman, signed, eV·nm.
    spin : ndarray
        (n,) 2ψ↑ψ↓ integrated over the ferromagnet, for states normalised over all z.
        Where states share one k and one velocity, only the sum over them is defined.
    coefficients : ndarray
        (n, 2, basis size) coefficients of ψ↑ and ψ↓; the sign of a state is arbitrary.
    elements : Elements
        The mesh they belong to.
    """

    k: np.ndarray
    E: np.ndarray
    velocity: np.ndarray
    spin: np.ndarray
    coefficients: np.ndarray
    elements: Elements

    def __len__(self) -> int:
        return self.k.size

    @property
    def weight(self) -> np.ndarray:
        """Factor of each state in Eq. (6) without broadening, −(k/8π²)·sgn(v), (n,) 1/nm."""
        return -self.k * np.sign(self.velocity) / (8 * np.pi**2)

    @property
    def contribution(self) -> np.ndarray:
        """Each state's share of ∫S_y dz over the ferromagnet, (n,) nm⁻² per τeE/ħ."""
        return self.weight * self.spin

    @property
    def chirality(self) -> np.ndarray:
        """Sign of each contribution, (n,) int; 0 below 1e-12 in magnitude."""
        return (np.sign(self.contribution) * (np.abs(self.contribution) > 1e-12)).astype(int)

    def wavefunction(self, z: np.ndarray) -> np.ndarray:
        """Return ψ↑ and ψ↓ at positions z in nm, (n, 2, len(z)), in nm^-1/2."""
        return self.coefficients @ self.elements.interpolation(z).T

    def spin_density(self, z: np.ndarray) -> np.ndarray:
        """Return each state's S_y at positions z in nm, (n, len(z)), nm⁻³ per τeE/ħ.

        The spin density of the well is the sum over axis 0.
        """
        psi = self.wavefunction(z)
        return self.weight[:, None] * 2 * psi[:, 0] * psi[:, 1]


class FiniteElements:
    """The Hamiltonian h(k) of a profile on a mesh.

    Eigenvalues are upper bounds, converging as h^(2·order) while jumps and δ's sit at edges.

    Parameters
    ----------
    elements : Elements
        The mesh; states vanish at its ends.
    c : float
        ħ²/2m in eV·nm².
    potential, exchange : callable or float
        V(z) and Δ(z) in eV.
    coupling : callable or float
        W(z), a Rashba coupling of finite width, in eV·nm.
    deltas : sequence of (float, float)
        Position in nm and signed strength in eV·nm² of each δ in W.
    ferromagnet : (float, float)
        Edges between which the spin is integrated, nm.  The whole mesh by default.
    E_max : float
        Highest energy for which the mesh is made, eV; the continuum edge by default.
    k_max : float
        Largest wave number of interest, 1/nm: Fermi states beyond it are not looked for.

    Raises
    ------
    ValueError
        Naming the parameter, its value and what is allowed.
    """

    def __init__(
        self,
        elements: Elements,
        c: float,
        potential: Profile,
        exchange: Profile = 0.0,
        coupling: Profile = 0.0,
        deltas: tuple[tuple[float, float], ...] = (),
        ferromagnet: tuple[float, float] | None = None,
        E_max: float | None = None,
        k_max: float = math.inf,
    ) -> None:
        self.elements = elements
        self.c = checked_number("c", c, "eV nm^2")
        if self.c <= 0:
            raise ValueError(f"c must be > 0 eV nm^2, got {written(c)}")
        self.M = elements.matrix()
        T = self.c * elements.matrix(slopes=True)
        V, Delta = elements.matrix(potential), elements.matrix(exchange)
        self.H_up, self.H_down = T + V + Delta, T + V - Delta
        self.W = elements.matrix(coupling)
        for position, strength in deltas:
            self.W += checked_number("strength", strength, "eV nm^2") * elements.delta(position)
        left, right = ferromagnet or elements.edges[[0, -1]]
        if left not in elements.edges or right not in elements.edges or left >= right:
            raise ValueError(
                f"ferromagnet must be two edges, left and right, got {written(ferromagnet)}"
            )
        self.inside = elements.matrix(lambda z: ((z > left) & (z < right)).astype(float))
        outermost = [elements.sample(profile)[[0, -1]] for profile in (potential, exchange)]
        self.continuum_edge = float(np.min(outermost[0] - np.abs(outermost[1])))
        self.E_max = self.continuum_edge if E_max is None else checked_number("E_max", E_max, "eV")
        if not k_max > 0:
            raise ValueError(f"k_max must be > 0 1/nm, got {written(k_max)}")
        self.k_max = float(k_max)

    @classmethod
    def from_well(
        cls,
        well: Well,
        E_max: float | None = None,
        k_max: float | None = None,
        order: int = 12,
        width: float | None = None,
        placement: str = "centred",
        phase: float = PHASE_PER_ORDER,
    ) -> FiniteElements:
        """Return the Hamiltonian of a well, on a mesh made for it.

        The mesh ends where a state of energy `E_max` has decayed to e⁻¹⁸, which moves its energy
        by e⁻³⁶ of the energy.
        No element spans a phase or a decay of more than 0.375 per order, in the well up to `E_max`
        and next to an interface up to `k_max`.
        At order 12 a polynomial follows e^(iκz) over such an element to 1e-9, so wave functions
        are that accurate, and energies, k and integrals, which err by the square, to rounding.

        Parameters
        ----------
        well : Well
            The well.
        E_max : float
            Highest energy to be accurate, eV; 1e-4 eV below the continuum edge by default.
            For Fermi states alone, E_max = E_F makes a smaller problem.
        k_max : float
            Largest wave number to be accurate, 1/nm.  By default none of the Fermi states up to
            `E_max` is beyond it; for |α| ≥ ħ²/m and no `width`, where no such bound exists, it is
            about 280/nm.
        order : int
            Polynomial degree on each element.
        width : float
            Spread each δ(z) of the Rashba coupling into a box of this width, nm, 0 < width ≤ d.
        placement : {"centred", "inside", "outside"}
            Box centred on its interface, or from the interface into the ferromagnet or insulator.
        phase : float
            The 0.375 above; with more the matrices are smaller, and what is said of order 12
            no longer holds.

        Raises
        ------
        ValueError
            Naming the parameter, its value and what is allowed.
        """
        c, d, Delta = well.c, well.d, abs(well.Delta)
        edge = well.continuum_edge
        E_max = edge - 1e-4 if E_max is None else checked_number("E_max", E_max, "eV")
        if E_max >= edge:
            raise ValueError(
                f"E_max must be below the barrier edge, {edge:g} eV, got {written(E_max)} eV"
            )
        separation = d
        deltas: tuple = ((0.0, well.alpha_L), (d, -well.alpha_R))
        coupling: Profile = 0.0
        breaks = [0.0, d]
        if width is not None:
            left, right = rashba_boxes(well, width, placement)
            breaks += [*left, *right]
            separation = max(right[0] - left[1], 0.0)

            def boxes(z: np.ndarray) -> np.ndarray:
                in_left, in_right = ((z > box[0]) & (z < box[1]) for box in (left, right))
                return (well.alpha_L * in_left - well.alpha_R * in_right) / width

            deltas, coupling = (), boxes
        if k_max is None:
            k_max = _largest_wave_number(well, E_max, separation, width)
        if checked_number("k_max", k_max, "1/nm") <= 0:
            raise ValueError(f"k_max must be > 0 1/nm, got {written(k_max)}")
        span = phase * _checked_order(order)
        steepest = math.sqrt(k_max**2 + (max(well.V_L, well.V_R) + Delta) / c)
        edges = graded_edges(
            breaks,
            reach=18 / math.sqrt((edge - E_max) / c),
            size=span / math.sqrt(max(E_max + Delta, 1.0) / c),
            finest=span / steepest,
        )
        return cls(
            Elements(edges, order),
            c,
            potential=lambda z: np.where(z < 0, well.V_L, np.where(z > d, well.V_R, 0.0)),
            exchange=lambda z: np.where((z < 0) | (z > d), well.Delta_barrier, well.Delta),
            coupling=coupling,
            deltas=deltas,
            ferromagnet=(0.0, d),
            E_max=E_max,
            k_max=k_max,
        )

    def matrix(self, k: float, E: float = 0.0) -> np.ndarray:
        """Return h(k) − E on the basis, spin up first; E in eV without c k²."""
        kW = k * self.W
        return np.block([[self.H_up - E * self.M, kW], [kW, self.H_down - E * self.M]])

    @cached_property
    def _alternating(self) -> np.ndarray:
        """Order of the basis in which ψ↑ and ψ↓ take turns: matrices are narrow bands there."""
        return np.arange(2 * self.M.shape[0]).reshape(2, -1).T.ravel()

    @cached_property
    def _bands(self) -> tuple[np.ndarray, ...]:
        """The parts of h(k) − E that go with 1, k and −E, as `_banded` stores them."""
        zero = np.zeros_like(self.M)
        parts = (self.H_up, zero, zero, self.H_down), (zero, self.W, self.W, zero)
        return (*(self._banded(*part) for part in parts), self._banded(self.M, zero, zero, self.M))

    def _banded(self, *blocks: np.ndarray) -> np.ndarray:
        """Return a matrix of 2×2 blocks of spin by its diagonals, as `solve_banded` takes it."""
        reach = 2 * self.elements.order + 1
        place = np.arange(2 * self.M.shape[0])
        row = place + np.arange(-reach, reach + 1)[:, None]
        on = (row >= 0) & (row < place.size)
        row = np.where(on, row, 0)
        values = np.stack(blocks)[2 * (row % 2) + place % 2, row // 2, place // 2]
        return np.where(on, values, 0.0)

    def _solve(self, bands: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Solve with a matrix of `_banded` for columns with spin up first."""
        from scipy.linalg import solve_banded

        reach, solution = bands.shape[0] // 2, np.empty_like(right)
        solution[self._alternating] = solve_banded(
            (reach, reach), bands, right[self._alternating], check_finite=False
        )
        return solution

    @cached_property
    def _orthonormal(self) -> tuple[np.ndarray, ...]:
        """An orthonormal basis, as columns, and H↑, H↓ and W in it."""
        basis = np.linalg.inv(np.linalg.cholesky(self.M)).T
        return basis, *(basis.T @ A @ basis for A in (self.H_up, self.H_down, self.W))

    def eigenstates(self, k: float, **subset: tuple) -> tuple[np.ndarray, np.ndarray]:
        """Return energies E and normalised states of the mesh at wave number k in 1/nm.

        E, (n,), is in eV without c k², ascending; the states are columns, (2 basis size, n), of
        coefficients of ψ↑, then of ψ↓.  `subset_by_value` or `subset_by_index` of
        `scipy.linalg.eigh` choose some; all are a complete basis of what the mesh can represent.
        """
        basis, up, down, W = self._orthonormal
        H = np.block([[up, k * W], [k * W, down]])
        if subset:
            from scipy.linalg import eigh

            E, vectors = eigh(H, check_finite=False, **subset)
        else:
            E, vectors = np.linalg.eigh(H)
        return E, np.concatenate([basis @ half for half in np.split(vectors, 2)])

    def bound_states(self, k: float, number: int | None = None) -> np.ndarray:
        """Return the energies E at wave number k below the continuum edge, ascending, in eV.

        Those above `E_max` feel the ends of the mesh, and may be missing.
        With `number`, no more than so many of the lowest.
        """
        if abs(checked_number("k", k, "1/nm")) > self.k_max:
            raise ValueError(f"|k| must be at most k_max = {self.k_max:g} 1/nm, got {written(k)}")
        bounds = dict(subset_by_value=(-np.inf, self.continuum_edge))
        if number is not None:
            bounds = dict(subset_by_index=(0, number - 1))
        _, vectors = self.eigenstates(k, **bounds)
        E = _rayleigh(vectors, self.matrix(k), np.kron(np.eye(2), self.M))
        return E[E < self.continuum_edge]

    def count_states(self, E: np.ndarray | float, k: np.ndarray | float) -> np.ndarray:
        """Return how many states at wave number k have an energy below E, finding none.

        By Sylvester's law it is the number of negative pivots of h(k) − E, which is eliminated
        within its band for all E and k, broadcast, at once.
        """
        E, k = (x[..., None, None] for x in np.broadcast_arrays(E, k))
        H, W, M = (band.T for band in self._bands)
        n, width = H.shape
        reach = width // 2
        # Row j has column j of the matrix around its diagonal; zeros follow the last.
        rows = np.zeros((E.size, n + reach, width))
        rows[:, :n] = (H + k * W - E * M).reshape(-1, n, width)
        flat, negative = rows.reshape(E.size, -1), np.zeros(E.size, dtype=np.intp)
        for j in range(n):
            pivot, below = rows[:, j, reach], rows[:, j, reach + 1 :]
            negative += pivot < 0
            # What is right of and below the pivot: in this storage an upright square.
            start = (j + 1) * width + reach
            rest = flat[:, start : start + 2 * reach**2].reshape(-1, reach, 2 * reach)
            rest[..., :reach] -= (below / pivot[:, None])[:, :, None] * below[:, None]
        return negative.reshape(E.shape[:-2])

    def fermi_states(self, E_F: float) -> FermiSolution:
        """Return every state with E + c k² = E_F and 0 < k ≤ `k_max`.

        All k come from one eigenproblem; each is refined, and the inertia of h(k) − E_F + c k² on
        both sides of it must change as the sign of its velocity says.

        E_F in eV is at most `E_max` and below the continuum edge, else it is a `ValueError`; a
        `RuntimeError` if the states found and the inertia disagree.
        """
        E_F = checked_number("E_F", E_F, "eV")
        if E_F > self.E_max or E_F >= self.continuum_edge:
            raise ValueError(
                f"E_F must be at most E_max = {self.E_max:g} eV, for which the mesh is made, and "
                f"below the continuum edge, {self.continuum_edge:g} eV; got {written(E_F)} eV"
            )
        groups: list[tuple] = [*self._candidates(E_F)] or [(np.array([]), None)]
        ks = [k for k, _ in groups]
        checks = [(a[-1] + b[0]) / 2 for a, b in pairwise(ks)]
        end = self.k_max if math.isfinite(self.k_max) else 1 + 2 * max(ks[-1], default=0.0)
        places = np.array([0.0, *checks, end])
        counts = self.count_states(E_F - self.c * places**2, places)
        found = []
        for (k, vectors), (before, after) in zip(groups, pairwise(counts), strict=True):
            states = self._refine(k, vectors, E_F) if k.size else []
            net = sum(int(np.sign(velocity)) for _, velocity, _ in states)
            if net != before - after:
                raise RuntimeError(
                    f"near k = {k} 1/nm the states found take {net} bands above E_F, "
                    f"the inertia of h(k) - E_F + c k^2 says {before - after}"
                )
            found += states
        found.sort(key=lambda state: -state[0])
        k, velocity = (np.array([state[i] for state in found], dtype=float) for i in (0, 1))
        psi = np.array([state[2] for state in found]).reshape(k.size, 2, self.M.shape[0])
        spin = 2 * np.sum(psi[:, 0] * (psi[:, 1] @ self.inside), axis=1)
        return FermiSolution(k, E_F - self.c * k**2, velocity, spin, psi, self.elements)

    def _candidates(self, E_F: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the k of all Fermi states to about 1e-11, in groups too close to tell apart.

        (H − E_F + k W σ_x + c k²)(ψ↑, ψ↓) = 0 is quadratic in k, but linear in μ = k² for the
        vector (ψ↑, k ψ↓), because W alone connects the spins.  That halves the matrix and takes
        k and −k together.  Shift and invert: otherwise the largest entries drown the small μ.
        """
        M, W, zero = self.M, self.W, np.zeros_like(self.M)
        shift = -1 - abs(E_F) / self.c  # k² < 0: away from every root wanted
        E = E_F - self.c * shift
        shifted = self._banded(self.H_up - E * M, W, shift * W, self.H_down - E * M)
        B = np.block([[self.c * M, zero], [W, self.c * M]])
        nu, vectors = np.linalg.eig(self._solve(shifted, B))
        mu = shift - 1 / np.where(nu == 0, np.finfo(float).tiny, nu)
        # Two nearly coincident real roots may come out as a complex pair: keep those for later.
        keep = np.flatnonzero(
            (np.abs(mu.imag) < 1e-5 * (1 + np.abs(mu))) & (mu.real > 0) & (mu.real <= self.k_max**2)
        )
        keep = keep[np.argsort(mu.real[keep])]
        k = np.sqrt(mu.real[keep])
        vectors = vectors[:, keep] / np.repeat([np.ones_like(k), k], M.shape[0], axis=0)
        splits = np.flatnonzero(np.diff(k) > COINCIDENT * (1 + k[:-1])) + 1
        return [(k[g], vectors[:, g]) for g in np.split(np.arange(k.size), splits) if g.size]

    def _refine(
        self, ks: np.ndarray, vectors: np.ndarray, E_F: float
    ) -> list[tuple[float, float, np.ndarray]]:
        """Return k, velocity and normalised vector of each Fermi state in a group.

        Inverse iteration purifies the group's vectors; on their span, the quadratic problem is
        solved afresh (Rayleigh-Ritz), which leaves in k the square of the error in the vectors.
        Roots that are complex there were no Fermi states.
        """
        m, k = ks.size, float(np.mean(ks))
        E = E_F - self.c * k**2

        def times(up: np.ndarray, flip: np.ndarray, down: np.ndarray) -> np.ndarray:
            """Return a matrix, given by its blocks, times X."""
            X_up, X_down = np.split(X, 2)
            return np.concatenate([up @ X_up + flip @ X_down, flip @ X_up + down @ X_down])

        zero = np.zeros_like(self.M)
        X = np.linalg.svd(np.hstack([vectors.real, vectors.imag]), full_matrices=False)[0][:, :m]
        # Off the root, where the matrix would be singular: in energy, which leaves the vectors as
        # they are, and not in k, which would not.
        H, W, M = self._bands
        shifted = H + k * W - (E + SHIFT) * M
        for _ in range(3):
            X = self._solve(shifted, times(self.M, zero, self.M))
            X = X @ np.linalg.inv(np.linalg.cholesky(X.T @ times(self.M, zero, self.M))).T
        # Roots of the small problem as steps from k; those far away belong to −k.
        Q0 = X.T @ times(self.H_up - E * self.M, k * self.W, self.H_down - E * self.M) / self.c
        edge = X.T @ times(zero, self.W, zero)
        Q1 = edge / self.c + 2 * k * np.eye(m)
        step, y = np.linalg.eig(np.block([[np.zeros((m, m)), np.eye(m)], [-Q0, -Q1]]))
        nearest = np.argsort(np.abs(step))[:m]
        step, y = step[nearest], y[:m, nearest]
        real = np.abs(step.imag) <= REAL * (1 + k)
        slopes, mixtures = np.linalg.eigh((Q1 + Q1.T) / 2)
        if np.ptp(step.real) <= 1e-11 * (1 + k):
            # One k: any mixture solves it.  The states are those that diagonalise the velocity.
            y = mixtures
        elif real.all() and slopes[0] * slopes[-1] > 0:
            # Velocities of one sign: Q1 has no element between two states, but of solutions that do
            # not know it one as large as rounding over their distance.
            half = mixtures / np.sqrt(np.abs(slopes))
            form = Q0 + np.mean(step.real**2) * np.eye(m)
            step, y = np.linalg.eigh(-np.sign(slopes[0]) * (half.T @ (form + form.T) @ half) / 2)
            y = half @ y
        states = []
        for root, mix in zip(k + step.real[real], y.real[:, real].T, strict=True):
            mix = mix / np.linalg.norm(mix)  # X is orthonormal
            states.append((float(root), float(mix @ edge @ mix + 2 * self.c * root), X @ mix))
        return states


def rashba_boxes(
    well: Well, width: float, placement: str
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where the Rashba coupling of each interface is when it is spread: (start, end), nm.

    Width and placement are those of `FiniteElements.from_well`, and so is what is refused.
    """
    d = well.d
    if not 0 < checked_number("width", width, "nm") <= d:
        raise ValueError(f"width must be > 0 nm and at most d = {d:g} nm, got {written(width)}")
    if placement not in PLACEMENTS:
        raise ValueError(f"placement must be one of {(*PLACEMENTS,)}, got {written(placement)}")
    start = PLACEMENTS[placement] * width
    left = start, start + width
    return left, (d - left[1], d - left[0])  # an edge at an interface is exactly there


def _largest_wave_number(
    well: Well, E_max: float, separation: float, width: float | None = None
) -> float:
    """Return a k beyond which the well has no Fermi state up to `E_max`, at most 300/nm.

    Were V zero everywhere, and the stronger α attractive at two points this far apart, the lowest
    state would decay as γ with γ (1 + tanh(γ·separation/2)) = k α/c.  Hence E ≥ −cγ² − |Δ|.
    Spread over a width, the coupling is a field of at most W = α/width, or both of them where the
    boxes meet.  Hence E ≥ −k W − |Δ|, for any α.
    """
    strengths = abs(well.alpha_L), abs(well.alpha_R)
    alpha = max(strengths)
    top = max((E_max + abs(well.Delta)) / well.c, 1.0)
    gamma = 0.01 * math.sqrt(top)
    while gamma < 250:
        ratio = well.c * (1 + math.tanh(gamma * separation / 2))  # α k/γ
        if ratio > alpha and gamma**2 * (ratio**2 - alpha**2) > top * alpha**2:
            break
        gamma *= 1.2
    k_max = math.sqrt(top + gamma**2)
    if width is None:
        return k_max
    half = (alpha if separation > 0 else sum(strengths)) / (2 * width * well.c)
    return min(k_max, half + math.sqrt(half**2 + top))
